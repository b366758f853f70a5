"""Draws the rows of the report as an SVG picture: bars for the floor and for us, whiskers from the
smallest to the largest round, and a dashed line at the target."""

from xml.sax.saxutils import escape

from report import fmt

WIDTH, LEFT, RIGHT, BAR, GAP = 960, 340, 150, 16, 14
INK, PALE, FLOOR, OURS, TARGET = "#222", "#ddd", "#9aa5b1", "#2f6fb3", "#c0392b"


class Picture:
    def __init__(self):
        self.parts, self.y = [], 0

    def text(self, x, y, text, size=13, anchor="start", colour=INK, weight="normal"):
        self.parts.append('<text x="%.1f" y="%.1f" font-size="%d" text-anchor="%s" fill="%s" font-weight="%s">%s</text>'
                          % (x, y, size, anchor, colour, weight, escape(text)))

    def line(self, x1, y1, x2, y2, colour=INK, dash=""):
        self.parts.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"%s/>'
                          % (x1, y1, x2, y2, colour, ' stroke-dasharray="%s"' % dash if dash else ""))

    def rect(self, x, y, width, height, colour):
        self.parts.append('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>'
                          % (x, y, max(width, 0), height, colour))

    def heading(self, text):
        self.y += 34
        self.text(16, self.y, text, 15, weight="bold")
        self.y += 12

    def svg(self):
        return ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" '
                'font-family="DejaVu Sans, Helvetica, Arial, sans-serif">\n'
                '<rect width="100%%" height="100%%" fill="white"/>\n%s\n</svg>\n'
                % (WIDTH, self.y + 20, WIDTH, self.y + 20, "\n".join(self.parts)))


def bar(picture, x_of, value, colour, label):
    zero, end = x_of(0), x_of(max(value["median"], 0))
    middle = picture.y + BAR / 2
    picture.rect(zero, picture.y, end - zero, BAR, colour)
    low, high = x_of(max(value["min"], 0)), x_of(max(value["max"], 0))
    picture.line(low, middle, high, middle)
    for x in (low, high):
        picture.line(x, middle - 4, x, middle + 4)
    picture.text(WIDTH - RIGHT + 14, picture.y + BAR - 3, label, 12)
    picture.y += BAR + 2


def scale_to(top):
    return lambda value: LEFT + (WIDTH - LEFT - RIGHT) * min(value / top, 1)


def highest(values, target):
    """The end of an axis: one wild round may run off it, medians and targets may not."""
    tops = [min(v["max"], 2 * v["median"]) for v in values] + [v["median"] for v in values]
    return 1.1 * max(tops + [target or 0, 1e-9])


def target_line(picture, x_of, target, top, text):
    picture.line(x_of(target), top - 3, x_of(target), picture.y + 1, TARGET, "4 3")
    picture.text(x_of(target) - 4, top - 5, text, 10, "end", TARGET)


def ratio_panel(picture, rows):
    picture.heading("CPU per request, nginx proxy_pass = 1")
    x_of = scale_to(highest([row.ratio for row in rows], max(row.target or 0 for row in rows)))
    top = picture.y
    for row in rows:
        picture.y += GAP
        start = picture.y
        picture.text(LEFT - 10, picture.y + BAR - 3, row.title.replace("CPU, ", ""), 12, "end")
        bar(picture, x_of, row.ratio, OURS, "%s   %s" % (fmt(row.ratio["median"]), row.verdict()))
        if row.target:
            target_line(picture, x_of, row.target, start, "target %g" % row.target)
    picture.line(x_of(1), top, x_of(1), picture.y + 6, FLOOR)
    picture.text(x_of(1), picture.y + 18, "nginx", 11, "middle", FLOOR)
    picture.y += 22


def pair_panel(picture, row):
    target = None if row.ratio else row.target  # a target for the ratio has its place above
    x_of = scale_to(highest([row.floor, row.ours], target))
    picture.y += GAP
    start = picture.y
    picture.text(LEFT - 10, picture.y + BAR - 3, "%s, %s" % (row.title, row.unit), 12, "end")
    bar(picture, x_of, row.floor, FLOOR, fmt(row.floor["median"]))
    bar(picture, x_of, row.ours, OURS, "%s   %s" % (fmt(row.ours["median"]), row.verdict() if target else ""))
    if target:
        target_line(picture, x_of, target, start, row.target_text)


def render(results, rows, cases):
    picture = Picture()
    picture.y = 10
    picture.heading("CLASP against nginx %s" % results["nginx_version"])
    picture.text(16, picture.y + 8, "%s; one worker each; median of %d rounds, whiskers: smallest and largest round; %s"
                 % (results["machine"], results["rounds"], results["date"]), 11)
    picture.y += 10
    cpu, others = rows[:len(cases)], rows[len(cases):]
    ratio_panel(picture, cpu)
    picture.heading("CPU, memory and time (less is better)")
    for colour, name, x in ((FLOOR, "nginx", LEFT + 20), (OURS, "clasp", LEFT + 100)):
        picture.rect(x, picture.y - 22, 12, 12, colour)
        picture.text(x + 18, picture.y - 11, name, 12)
    for row in cpu + others:
        if row.unit != "1/s":  # throughput mirrors the CPU time, and more is better there
            pair_panel(picture, row)
    return picture.svg()
