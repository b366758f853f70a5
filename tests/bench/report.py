"""Turns the measurements into rows with a verdict, and the rows into a table of plain text."""

BUSY = 0.05  # share of the CPU time that other programs may take before the reader is warned


def fmt(value):
    if abs(value) >= 1000:
        return "{:,.0f}".format(value)
    return "%.0f" % value if abs(value) >= 100 else "%.1f" % value if abs(value) >= 10 else "%.2f" % value


def with_range(value):
    return "%s (%s–%s)" % (fmt(value["median"]), fmt(value["min"]), fmt(value["max"]))


class Row:
    """One line: the floor's figure, ours, their ratio, and the target with the figure it is about."""

    def __init__(self, title, unit, floor, ours, ratio=None, target=None, judged=None, target_text=""):
        self.title, self.unit, self.floor, self.ours = title, unit, floor, ours
        self.ratio, self.target, self.judged, self.target_text = ratio, target, judged, target_text

    def verdict(self):
        if self.target is None:
            return ""
        return "met" if self.judged <= self.target else "missed"


def cpu_rows(results, cases):
    rows = []
    for case in cases:
        cpu = results["cpu"][case.name]["cpu_us"]
        rows.append(Row("CPU, " + case.title, "us", cpu["nginx"], cpu["clasp"], cpu["ratio"], case.target,
                        cpu["ratio"]["median"], "ratio <= %g" % case.target if case.target else ""))
    return rows


def memory_rows(memory, streams):
    return [
        Row("memory per open stream, {:,} open".format(streams), "KB", memory["nginx"]["per_stream_kb"],
            memory["clasp"]["per_stream_kb"], None, 40, memory["clasp"]["per_stream_kb"]["median"],
            "<= 40 KB"),
        Row("RSS after the start", "MB", memory["nginx"]["idle_mb"], memory["clasp"]["idle_mb"], None, 15,
            memory["clasp"]["idle_mb"]["median"], "<= 15 MB"),
        Row("RSS after one request", "MB", memory["nginx"]["used_mb"], memory["clasp"]["used_mb"]),
    ]


def latency_rows(latency, rate):
    added, p99 = latency["p50_us"], latency["p99_us"]
    return [
        Row("added latency p50 at %s/s" % fmt(rate), "us", added["nginx_added"], added["clasp_added"], None,
            100, added["clasp_added"]["median"], "<= 100 us"),
        Row("whole latency p99 at %s/s" % fmt(rate), "us", p99["nginx"], p99["clasp"]),
    ]


def other_rows(results, cases):
    start, stop = results["start"]["start_ms"], results["start"]["stop_ms"]
    rows = [Row("start to the first answer", "ms", start["nginx"], start["clasp"]),
            Row("stop when idle", "ms", stop["nginx"], stop["clasp"])]
    for case in cases:
        if case.name == "paced":  # its speed is the pace
            continue
        speed = results["cpu"][case.name]["per_second"]
        rows.append(Row("per second, " + case.title, "1/s", speed["nginx"], speed["clasp"], speed["ratio"]))
    return rows


def rows_of(results, cases):
    return (cpu_rows(results, cases) + memory_rows(results["memory"], results["streams"]) +
            latency_rows(results["latency"], results["rate"]) + other_rows(results, cases))


def table(rows, results):
    lines = [["", "unit", "nginx (floor)", "clasp", "ratio", "target", ""]]
    for row in rows:
        lines.append([row.title, row.unit, with_range(row.floor), with_range(row.ours),
                      with_range(row.ratio) if row.ratio else "", row.target_text, row.verdict()])
    widths = [max(len(line[i]) for line in lines) for i in range(7)]
    out = []
    for number, line in enumerate(lines):
        cells = [cell.ljust(width) if i < 2 or i > 4 else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(line, widths))]
        out.append("  ".join(cells).rstrip())
        if number == 0:
            out.append("-" * (sum(widths) + 12))
    latency = results["latency"]
    out += ["", "Figures: median (min–max) of %d rounds in which the programs take turns; ratios are taken round by round."
            % results["rounds"],
            "CPU: user and system time of all processes and threads of the proxy, per request or stream. One worker each;",
            "nginx %s with kept-alive backend connections, without access log, proxy_buffering off, bodies kept in memory; clasp with its defaults."
            % results["nginx_version"],
            "Added latency: minus that of the mock backend asked directly in the same round (p50 %s us, p99 %s us)."
            % tuple(fmt(latency[field]["direct"]["median"]) for field in ("p50_us", "p99_us"))]
    if results["others_share"] > BUSY:
        out.append("Other programs took %.0f %% of the machine's CPU time meanwhile: read the latency, above all, with care."
                   % (100 * results["others_share"]))
    return "\n".join(out)


def instructions(counted, user_share):
    """What metrics and limits cost, in words. Neither adds a system call, so their share of the CPU time is that of
    the user instructions times the part of the time that is spent in user space."""
    if counted is None:
        return "\nUser instructions were not counted: valgrind is not installed."
    plain, metrics, limits = counted["plain"], counted["without metrics"], counted["with rate limits"]
    costs = [("metrics", (plain - metrics) / metrics), ("rate limits", (limits - plain) / plain)]
    return ("\nUser instructions of a small request: {:,.0f}, in {:.0f} % of its CPU time. Of these cost {} "
            "(target <= 3 % of the CPU time each).").format(
        plain, 100 * user_share, ", ".join(
            "%s %.1f %%, %.1f %% of the CPU time%s" %
            (name, 100 * share, 100 * share * user_share, "" if share * user_share <= 0.03 else " (missed)")
            for name, share in costs))


def counting(speeds):
    """Target: 20 MB/s a core. The ratio is what may be compared between machines."""
    return "\nCounting tokens: %s MB/s a core (target >= 20: %s), SHA-256 of the same %s MB is %.1f times as fast" % (
        fmt(speeds["count_mb_s"]), "met" if speeds["count_mb_s"] >= 20 else "missed", fmt(speeds["bytes"] / 1e6),
        speeds["sha256_mb_s"] / speeds["count_mb_s"])
