// See top_app.h.
#include "ctl/top_app.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

namespace clasp::ctl {

namespace {

// Rates are those of so long: a number that is right on average can be read.
constexpr std::int64_t kWindowMs = 10'000;
constexpr double kFirstLook = 1;  // seconds: rates need two answers, and somebody waits for them
constexpr double kTryAgain = 1;
constexpr auto kIntervals = std::to_array<double>({0.5, 1, 2, 5, 10, 30, 60});

}  // namespace

TopApp::TopApp(double interval, std::size_t count, const Look& look)
    : look_(look), most_pictures_(count) {
  choice_.interval = interval;
}

void TopApp::lose(const std::string& why, double now) {
  if (trouble_.empty()) trouble_since_ = now;
  trouble_ = why;
  next_ = now + kTryAgain;
}

void TopApp::told(const Result<Told, LinkError>& answer, double now) {
  asked_ = now;
  if (!answer) {
    using Kind = LinkError::Kind;
    const Kind kind = answer.error().kind;
    return lose(kind == Kind::not_running ? "the daemon went away, trying again"
                : kind == Kind::timeout   ? "the daemon does not answer, trying again"
                                          : answer.error().message,
                now);
  }
  JsonPtr root = parse_json(answer->body);
  if (answer->status != 200 || !root)
    return lose("the daemon answered " + std::to_string(answer->status) + ", trying again", now);
  trouble_.clear();
  if (!answers_.empty() && !is_later(answers_.back().get(), root.get())) answers_.clear();
  answers_.push_back(std::move(root));
  const json_t* newest = answers_.back().get();
  const auto age = [newest](const JsonPtr& one) {
    return number_of(newest, "uptime_ms") - number_of(one.get(), "uptime_ms");
  };
  while (answers_.size() > 2 && age(answers_[0]) > kWindowMs) answers_.pop_front();
  data_ = measure(answers_.size() > 1 ? answers_.front().get() : nullptr, newest);
  next_ = now + (answers_.size() == 1 ? std::min(kFirstLook, choice_.interval) : choice_.interval);
  // The one that only begins is none: it has no rates.
  if (answers_.size() > 1 && ++pictures_ == most_pictures_) over_ = true;
}

void TopApp::resize(TopSize size) {
  size_ = size;
}

void TopApp::sort_by(TopSort sort) {
  choice_.reverse = choice_.sort == sort && !choice_.reverse;
  choice_.sort = sort;
}

void TopApp::change_interval(int step, double now) {
  double found = choice_.interval;
  if (step > 0) {
    const auto more = std::upper_bound(kIntervals.begin(), kIntervals.end(), found);
    if (more != kIntervals.end()) found = *more;
  } else {
    const auto more = std::lower_bound(kIntervals.begin(), kIntervals.end(), found);
    if (more != kIntervals.begin()) found = *std::prev(more);
  }
  choice_.interval = found;
  if (trouble_.empty()) next_ = std::max(now, asked_ + found);
}

void TopApp::move(std::ptrdiff_t rows) {
  const auto all = static_cast<std::ptrdiff_t>(count_rows(data_, choice_.view));
  const auto to = std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(choice_.offset) + rows, 0,
                                             std::max<std::ptrdiff_t>(0, all - 1));
  choice_.offset = static_cast<std::size_t>(to);
}

void TopApp::show(TopView view) {
  choice_.view = view;
  choice_.offset = 0;
}

void TopApp::on_keys(std::string_view bytes, double now) {
  while (!bytes.empty() && !over_) {
    if (bytes[0] != '\x1b') {
      on_key(bytes[0], now);
      bytes.remove_prefix(1);
      continue;
    }
    // ESC [ … letter or ~, ESC O letter; ESC alone.
    std::size_t end = 1;
    if (bytes.size() > 1 && (bytes[1] == '[' || bytes[1] == 'O')) {
      end = 2;
      while (end < bytes.size() && (static_cast<unsigned char>(bytes[end]) < 0x40)) ++end;
      end = std::min(end + 1, bytes.size());
    }
    on_sequence(bytes.substr(1, end - 1));
    bytes.remove_prefix(end);
  }
}

void TopApp::on_sequence(std::string_view sequence) {
  choice_.help = false;
  const std::ptrdiff_t page =
      std::max<std::ptrdiff_t>(1, static_cast<std::ptrdiff_t>(size_.rows) - 8);
  constexpr std::ptrdiff_t kFar = 1'000'000;
  struct Move {
    std::string_view sequence;
    std::ptrdiff_t rows;
  };
  const Move moves[] = {{"[A", -1},     {"OA", -1},    {"[B", 1},     {"OB", 1},
                        {"[5~", -page}, {"[6~", page}, {"[H", -kFar}, {"OH", -kFar},
                        {"[1~", -kFar}, {"[F", kFar},  {"OF", kFar},  {"[4~", kFar}};
  for (const Move& one : moves)
    if (one.sequence == sequence) move(one.rows);
}

void TopApp::on_key(char key, double now) {
  constexpr std::string_view kSorts = "onirelt";
  if (key == 'q' || key == 'Q') {
    over_ = true;
    return;
  }
  const bool was_help = choice_.help;
  choice_.help = false;
  if (key == 'h' || key == '?')
    choice_.help = !was_help;
  else if (key == ' ') {
    choice_.paused = !choice_.paused;
    next_ = std::min(next_, now);
  } else if (key == '+' || key == '=')
    change_interval(1, now);
  else if (key == '-')
    change_interval(-1, now);
  else if (key == '\t')
    show(static_cast<TopView>((static_cast<int>(choice_.view) + 1) % kTopViews));
  else if (key >= '1' && key < '1' + kTopViews)
    show(static_cast<TopView>(key - '1'));
  else if (key == 's') {
    choice_.reverse = false;
    choice_.sort = static_cast<TopSort>((static_cast<int>(choice_.sort) + 1) % kTopSorts);
  } else if (key == 'v')
    choice_.reverse = !choice_.reverse;
  else if (const std::size_t at = kSorts.find(key); at != std::string_view::npos)
    sort_by(static_cast<TopSort>(at));
}

std::vector<std::string> TopApp::picture(double now) const {
  TopChoice choice = choice_;
  if (!trouble_.empty()) {
    choice.trouble = trouble_;
    const auto past = static_cast<std::int64_t>(std::floor(now - trouble_since_));
    if (past > 0) choice.trouble += " (" + std::to_string(past) + "s)";
  }
  return render_top(data_, choice, size_, look_);
}

}  // namespace clasp::ctl
