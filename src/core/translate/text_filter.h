// What happens to visible text before it becomes a block, for the replies that need it: leading
// <think> tags, an emulated prefill, stop sequences that the backend does not watch for. Works on
// decoded text; when nothing is left to watch for it says so, and text passes by untouched.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace clasp::translate {

class TextFilter {
 public:
  struct Output {
    std::string thinking;
    std::string text;
  };

  TextFilter(bool think_tags, std::string prefill, std::vector<std::string> stops);

  // Nothing is held back and nothing will be changed any more.
  bool passive() const {
    return think_ == Think::off && prefill_.empty() && stops_.empty() && held_.empty();
  }
  // Reasoning arrives through fields of its own: tags in the text then mean themselves.
  void ignore_tags();

  void feed(std::string_view text, Output& out);
  // The text has ended: releases what was held back.
  void finish(Output& out);

  // The stop sequence that was met; all text after it is swallowed.
  bool stopped() const { return stopped_; }
  const std::string& matched() const { return matched_; }

 private:
  enum class Think { off, undecided, inside, after };

  void feed_think(std::string_view text, Output& out);
  void feed_prefill(std::string_view text, Output& out);
  void feed_stops(std::string_view text, Output& out);

  Think think_;
  bool thinking_begun_ = false;
  std::string prefill_;
  std::vector<std::string> stops_;
  std::string tag_held_;      // may become a tag
  std::string prefill_held_;  // may be the prefill
  std::string held_;          // may become a stop sequence
  bool stopped_ = false;
  std::string matched_;
};

}  // namespace clasp::translate
