// See top_view.h. What does not fit is left out, the least important first, and the headings say
// how many rows are hidden.
#include "ctl/top_view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "ctl/pieces.h"
#include "ctl/top_tables.h"

namespace clasp::ctl {

namespace {

// A line of pieces; one that does not fit any more is left out.
class Line {
 public:
  Line(std::size_t columns, const Look& look) : columns_(columns), look_(look) {}

  Line& add(const std::string& text) { return put(text, text); }
  Line& add(const std::string& text, Hue hue) { return put(text, paint(text, hue, look_)); }
  Line& add_state(const std::string& state) { return put(state, paint_state(state, look_)); }
  // At the right edge.
  Line& add_right(const std::string& text) {
    if (columns_ == 0) return add(text);
    const std::size_t width = width_of(text);
    if (width_ + kGap + width > columns_) return *this;
    text_.append(columns_ - width_ - width, ' ').append(text);
    width_ = columns_;
    return *this;
  }
  std::string take() { return std::move(text_); }

 private:
  static constexpr std::size_t kGap = 2;

  Line& put(const std::string& plain, const std::string& painted) {
    if (plain.empty()) return *this;
    const std::size_t width = width_of(plain), gap = width_ == 0 ? 0 : kGap;
    if (width_ == 0 && columns_ > 0 && width > columns_) {
      text_ = fit(plain, columns_);
      width_ = columns_;
    } else if (columns_ == 0 || width_ + gap + width <= columns_) {
      text_.append(gap, ' ').append(painted);
      width_ += gap + width;
    }
    return *this;
  }

  std::size_t columns_;
  const Look& look_;
  std::string text_;
  std::size_t width_ = 0;
};

std::string interval_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%gs", seconds);
  return text;
}

std::string first_line(const TopData& data, const TopChoice& choice, std::size_t columns,
                       const Look& look) {
  Line line(columns, look);
  if (!choice.trouble.empty()) return line.add(choice.trouble, Hue::bad).take();
  line.add("clasp " + data.version, Hue::bold).add_state(data.state);
  line.add("up " + seconds_text(data.uptime_ms / 1000));
  line.add("pid " + std::to_string(data.pid));
  line.add(counted(data.workers, "worker"));
  if (data.silent_workers > 0)
    line.add(counted(data.silent_workers, "does not answer", "do not answer"), Hue::bad);
  line.add(bytes_text(data.resident_bytes));
  if (choice.keys)
    line.add_right(choice.paused ? "PAUSED" : "every " + interval_text(choice.interval));
  return line.take();
}

std::string traffic_line(const TopData& data, std::size_t columns, const Look& look) {
  const auto bad = [&](Line& line, const std::string& text, Rate rate, Hue hue) {
    if (rate.value_or(0) > 0)
      line.add(text, hue);
    else
      line.add(text);
  };
  Line line(columns, look);
  line.add("in flight " + std::to_string(data.in_flight) + " (" +
           counted(data.open_streams, "stream") + ")");
  line.add("requests " + rate_text(data.requests) + "/s");
  bad(line, "failed " + rate_text(data.failed) + "/s", data.failed, Hue::bad);
  if (data.has_queue) {
    std::string text = "queue " + of_most(data.waiting, data.queue_size);
    if (data.waiting > 0) text += ", longest " + milliseconds_text(data.longest_wait_ms);
    if (data.queue_paused) text += ", paused";
    bad(line, text, data.queue_paused ? 1 : static_cast<double>(data.waiting), Hue::warning);
  }
  bad(line, "refused " + rate_text(data.refused) + "/s", data.refused, Hue::warning);
  return line.take();
}

std::string speed_line(const TopData& data, std::size_t columns, const Look& look) {
  Line line(columns, look);
  line.add("latency p50 " + latency_text(data.p50) + " p95 " + latency_text(data.p95));
  line.add("first p50 " + latency_text(data.first_p50));
  line.add("tokens " + rate_text(data.tokens_out) + "/s out, " + rate_text(data.tokens_in) +
           "/s in");
  if (const std::string cost = cost_text(data.cost); cost != "-") line.add(cost);
  return line.take();
}

std::vector<std::string> head(const TopData& data, const TopChoice& choice, TopSize size,
                              const Look& look) {
  constexpr std::size_t kTwo = 8, kThree = 11;  // rows for which that many lines are not too many
  std::vector<std::string> out = {first_line(data, choice, size.columns, look)};
  if (size.rows == 0 || size.rows >= kTwo) out.push_back(traffic_line(data, size.columns, look));
  if (size.rows == 0 || size.rows >= kThree) out.push_back(speed_line(data, size.columns, look));
  return out;
}

std::string foot(const TopData& data, const TopChoice& choice, std::size_t hidden_tables,
                 TopSize size, const Look& look) {
  Line line(size.columns, look);
  if (hidden_tables > 0)
    line.add(std::to_string(hidden_tables) + (hidden_tables == 1 ? " table" : " tables") +
             " hidden: Tab");
  const std::size_t rows = count_rows(data, choice.view);
  if (rows > 0)
    line.add("from " + std::to_string(std::min(choice.offset, rows - 1) + 1) + " of " +
             std::to_string(rows));
  line.add("q quit").add("h help").add("space pause").add("Tab view");
  line.add("s sort: " + std::string(sort_name(choice.sort)) + (choice.reverse ? " (turned)" : ""));
  line.add("+/- interval");
  return line.take();
}

// Shares rows out: each gets what it needs, as far as all others get as much.
std::array<std::size_t, 3> share(std::array<std::size_t, 3> needs, std::size_t count,
                                 std::size_t room) {
  std::array<std::size_t, 3> out{};
  for (bool given = true; room > 0 && given;) {
    given = false;
    for (std::size_t i = 0; i < count && room > 0; ++i) {
      if (out[i] >= needs[i]) continue;
      ++out[i], --room;
      given = true;
    }
  }
  return out;
}

void append(std::vector<std::string>& out, std::vector<std::string> lines, const Look& look) {
  if (!lines.empty()) lines.front() = paint(lines.front(), Hue::bold, look);
  out.insert(out.end(), lines.begin(), lines.end());
}

// All three, as far as there are rows. How many have no place at all.
std::size_t add_overview(std::vector<std::string>& out, const TopData& data,
                         const TopChoice& choice, std::size_t columns, std::size_t room,
                         bool endless, const Look& look) {
  constexpr std::array kViews = {TopView::backends, TopView::clients, TopView::requests};
  constexpr std::size_t kAiry = 12;  // rows for which empty ones between are not too many
  const bool airy = endless || room >= kAiry;
  const std::size_t each = airy ? 2 : 1;  // rows of a table beside its own
  const std::size_t count = std::min(kViews.size(), endless ? kViews.size() : room / (each + 1));
  std::array<std::size_t, 3> needs{};
  for (std::size_t i = 0; i < count; ++i)
    needs[i] = std::max<std::size_t>(1, count_rows(data, kViews[i]));
  const auto rows = endless ? needs : share(needs, count, room - std::min(room, count * each));
  for (std::size_t i = 0; i < count; ++i) {
    if (airy) out.emplace_back();
    append(out,
           top_table(data, kViews[i], {choice.sort, choice.reverse, 0, rows[i]}, columns, look),
           look);
  }
  return kViews.size() - count;
}

std::vector<std::string> help_lines(TopSize size) {
  static constexpr const char* kHelp[] = {
      "q            quit",
      "space        pause, and go on",
      "+ -          look less often, more often",
      "Tab, 1 to 4  overview, backends, clients, requests in flight",
      "arrows, page up and down, home, end   move through a table",
      "s            sort by the next column; v turns the order",
      "n i r e l t  sort by name, in flight, requests, errors, latency, tokens",
      "o            the order of the configuration; requests: the oldest first",
      "h ?          this text",
      "",
      "Rates and latencies are those of the last ten seconds, or of the interval if",
      "that is longer. Tokens count when their answer is complete.",
  };
  std::vector<std::string> out;
  for (const char* line : kHelp) out.push_back(size.columns > 0 ? fit(line, size.columns) : line);
  return out;
}

}  // namespace

std::vector<std::string> render_top(const TopData& data, const TopChoice& choice, TopSize size,
                                    const Look& look) {
  constexpr std::size_t kFoot = 4;  // rows from which there is one
  const bool endless = size.rows == 0;
  std::vector<std::string> out = head(data, choice, size, look);
  const bool has_foot = choice.keys && !endless && size.rows >= kFoot;
  const std::size_t taken = out.size() + (has_foot ? 1 : 0);
  const std::size_t room = endless || size.rows < taken ? 0 : size.rows - taken;
  std::size_t hidden_tables = 0;
  if (choice.help) {
    out.emplace_back();
    for (std::string& line : help_lines(size)) out.push_back(std::move(line));
  } else if (choice.view == TopView::overview) {
    hidden_tables = add_overview(out, data, choice, size.columns, room, endless, look);
  } else {
    const std::size_t offset = std::min(choice.offset, count_rows(data, choice.view));
    const std::size_t rows =
        endless ? count_rows(data, choice.view) : room - std::min<std::size_t>(room, 2);
    if (endless || room > 2) {
      out.emplace_back();
      append(out,
             top_table(data, choice.view, {choice.sort, choice.reverse, offset, rows}, size.columns,
                       look),
             look);
    }
  }
  if (endless) return out;
  out.resize(std::min(out.size(), size.rows - std::min<std::size_t>(size.rows, has_foot ? 1 : 0)));
  if (has_foot) {
    out.resize(size.rows - 1);
    out.push_back(foot(data, choice, hidden_tables, size, look));
  }
  return out;
}

}  // namespace clasp::ctl
