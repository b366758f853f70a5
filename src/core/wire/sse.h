// Server-sent events, incrementally: bytes in any split come in, whole events go out. It knows the
// framing only (comments, CR/LF in all forms, several data lines), never what the data means.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace clasp::wire {

struct SseEvent {
  std::string_view name;  // the `event:` field, empty when there was none
  std::string_view data;  // data lines joined by LF
  // Bytes that may be read (not used) behind the end of data.
  std::size_t slack = 0;
};

// Use: feed() a read, then next() until it says `more`; views are valid until the next call.
// An event that lies whole in one read is not copied.
class SseParser {
 public:
  enum class Next {
    event,
    more,      // the read is used up
    too_long,  // a line or an event above the limit; final
  };

  explicit SseParser(std::size_t limit = kDefaultLimit) : limit_(limit) {}

  // The bytes must stay valid until next() returned `more`.
  void feed(std::string_view bytes);
  Next next(SseEvent& event);
  // How much of the read was not looked at yet: what lies before it belongs to the events so far.
  std::size_t unread() const { return input_.size(); }
  // The input has ended: next() then delivers an event whose closing blank line is missing.
  void end();

  // True once a comment or event was seen, that is, the input looks like SSE at all.
  bool seen_any() const { return seen_any_; }

  static constexpr std::size_t kDefaultLimit = 16u << 20;

 private:
  bool take_line(std::string_view& line);
  bool keep_tail();
  bool on_line(std::string_view line, bool stored);
  bool dispatch(SseEvent& event);
  void reset_event();

  std::size_t limit_;
  std::string_view input_;
  std::string line_;        // start of a line whose end has not come
  std::string data_store_;  // data that had to be copied: several lines, or from an earlier read
  std::string name_;
  std::string_view data_;  // data of a single line inside the current read
  bool has_data_ = false;
  bool stored_ = false;     // data is in data_store_, not in data_
  bool line_used_ = false;  // line_ was handed out and is to be cleared
  bool event_out_ = false;  // the event was handed out and is to be reset
  bool skip_lf_ = false;    // the last line ended with CR; an LF at once belongs to it
  bool at_start_ = true;    // a byte order mark may come
  bool ended_ = false;
  bool too_long_ = false;
  bool seen_any_ = false;
};

}  // namespace clasp::wire
