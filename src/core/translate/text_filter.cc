// Three filters in a row: tags, prefill, stops. Each holds back as little as it can.
#include "core/translate/text_filter.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace clasp::translate {

namespace {

constexpr std::string_view kOpenTag = "<think>";
constexpr std::string_view kCloseTag = "</think>";
constexpr std::string_view kSpace = " \t\r\n";

std::string_view trim_left(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  return first == std::string_view::npos ? std::string_view{} : text.substr(first);
}

// Length of the longest end of `text` that is a true prefix of `word`.
std::size_t partial_match(std::string_view text, std::string_view word) {
  std::size_t length = std::min(text.size(), word.size() - 1);
  for (; length > 0; --length)
    if (text.substr(text.size() - length) == word.substr(0, length)) break;
  return length;
}

}  // namespace

TextFilter::TextFilter(bool think_tags, std::string prefill, std::vector<std::string> stops)
    : think_(think_tags ? Think::undecided : Think::off),
      prefill_(trim_left(prefill)),
      stops_(std::move(stops)) {
  std::erase_if(stops_, [](const std::string& stop) { return stop.empty(); });
}

void TextFilter::ignore_tags() {
  if (think_ == Think::undecided && tag_held_.empty()) think_ = Think::off;
}

void TextFilter::feed(std::string_view text, Output& out) {
  if (think_ == Think::off)
    feed_prefill(text, out);
  else
    feed_think(text, out);
}

void TextFilter::feed_think(std::string_view text, Output& out) {
  tag_held_.append(text);
  if (think_ == Think::undecided) {
    const std::string_view seen = trim_left(tag_held_);
    if (seen.size() < kOpenTag.size() && kOpenTag.substr(0, seen.size()) == seen) return;
    if (seen.substr(0, kOpenTag.size()) != kOpenTag) {
      think_ = Think::off;
      const std::string all = std::exchange(tag_held_, {});
      feed_prefill(all, out);
      return;
    }
    tag_held_ = seen.substr(kOpenTag.size());
    think_ = Think::inside;
  }
  if (think_ == Think::inside) {
    const std::size_t close = tag_held_.find(kCloseTag);
    const std::size_t sure =
        close != std::string::npos ? close : tag_held_.size() - partial_match(tag_held_, kCloseTag);
    std::string_view thought = std::string_view(tag_held_).substr(0, sure);
    // The line break behind the opening tag belongs to the tag.
    if (!thinking_begun_) thought = trim_left(thought);
    thinking_begun_ = thinking_begun_ || !thought.empty();
    out.thinking.append(thought);
    tag_held_.erase(0, close != std::string::npos ? close + kCloseTag.size() : sure);
    if (close == std::string::npos) return;
    think_ = Think::after;
  }
  // So do the line breaks behind the closing one.
  const std::string rest(trim_left(std::exchange(tag_held_, {})));
  if (rest.empty()) return;
  think_ = Think::off;
  feed_prefill(rest, out);
}

void TextFilter::feed_prefill(std::string_view text, Output& out) {
  if (prefill_.empty()) {
    feed_stops(text, out);
    return;
  }
  prefill_held_.append(text);
  const std::string_view seen = trim_left(prefill_held_);
  if (seen.size() < prefill_.size() && std::string_view(prefill_).substr(0, seen.size()) == seen)
    return;
  const bool repeated = seen.substr(0, prefill_.size()) == prefill_;
  const std::string rest(repeated ? seen.substr(prefill_.size()) : std::string_view(prefill_held_));
  prefill_.clear();
  prefill_held_.clear();
  feed_stops(rest, out);
}

void TextFilter::feed_stops(std::string_view text, Output& out) {
  if (stopped_) return;
  if (stops_.empty()) {
    out.text.append(text);
    return;
  }
  held_.append(text);
  std::size_t first = std::string::npos;
  for (const std::string& stop : stops_) {
    const std::size_t at = held_.find(stop);
    if (at >= first) continue;
    first = at;
    matched_ = stop;
  }
  if (first != std::string::npos) {
    out.text.append(held_, 0, first);
    held_.clear();
    stopped_ = true;
    return;
  }
  std::size_t keep = 0;
  for (const std::string& stop : stops_) keep = std::max(keep, partial_match(held_, stop));
  out.text.append(held_, 0, held_.size() - keep);
  held_.erase(0, held_.size() - keep);
}

void TextFilter::finish(Output& out) {
  if (think_ == Think::inside)
    out.thinking.append(tag_held_);
  else if (!tag_held_.empty())
    feed_prefill(std::string(tag_held_), out);
  tag_held_.clear();
  think_ = Think::off;
  if (!prefill_.empty()) {
    // Less than the prefill came: it is part of the prefill, hence nothing new.
    prefill_.clear();
    prefill_held_.clear();
  }
  if (!stopped_) out.text.append(held_);
  held_.clear();
}

}  // namespace clasp::translate
