// Tool arguments as models write them, turned into JSON that can be trusted. A strict lexer takes
// the text in pieces and lets through only what is a prefix of one valid JSON object; what can be
// mended on the way is mended (translation spec §5.5). It knows nothing of tools or events.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace clasp::translate {

class ArgumentScanner {
 public:
  // Takes the next piece of text and appends to `out` what is accepted. Commas, keys and numbers
  // come out only once their value has begun or ended, so that a dangling one can be left away.
  void feed(std::string_view text, std::string& out);

  // The object is closed; whatever else comes is ignored.
  bool complete() const { return phase_ == Phase::complete; }
  // Something other than white space came behind the object.
  bool surplus() const { return surplus_; }
  // The object has begun and not ended: more of it may come, or it was cut off.
  bool open() const { return phase_ == Phase::object || phase_ == Phase::broken; }
  // A character other than white space has come.
  bool started() const { return phase_ != Phase::before; }
  // The end of input: makes what was let through a whole object with the shortest ending, or
  // decodes and repairs what was held back. False when that is impossible; `out` is unchanged.
  bool finish(std::string& out);

  // Bytes let through that belong to a string value that has not ended.
  std::size_t unfinished() const { return in_string_ && !in_key_ ? total_ - mark_ : 0; }
  // Closes what is open after the unfinished bytes were taken away. For a cut-off object that
  // must be whole all the same.
  void close_all(std::string& out);

  // What was held back and not let through, for the last resort of passing it on as text.
  std::string_view held_back() const { return rest_; }

 private:
  enum class Phase {
    before,  // nothing but white space yet
    object,  // inside the object
    complete,
    held,    // not an object: kept whole
    broken,  // an error inside the object: the rest is kept
  };
  enum class Expect { first_key, key, colon, value, first_value, comma };

  // Each consumes what it can of text[at…] and leaves `at` behind it.
  void scan_string(std::string_view text, std::size_t& at, std::string& out);
  void scan_scalar(std::string_view text, std::size_t& at, std::string& out);
  bool scan_structure(char c, std::string& out);
  bool open_container(char c, std::string& out);
  bool close_container(char c, std::string& out);
  void begin_string(bool key, std::string& out);
  void end_string(std::string& out);
  bool end_scalar(std::string& out);
  void scan_escape(char c, std::string& into, bool& used);
  void end_escape(std::string& into);
  void flush_half(std::string& into);
  void value_done(std::string& out);
  void release(std::string& out);
  void mark(const std::string& out) { mark_ = base_ + out.size(); }
  void break_off(std::string_view remaining);

  Phase phase_ = Phase::before;
  Expect expect_ = Expect::first_key;
  bool in_string_ = false;
  bool in_key_ = false;
  bool in_scalar_ = false;
  bool surplus_ = false;
  bool has_elements_ = false;  // of the innermost container, as far as let through
  std::string stack_;          // '{' and '['
  std::string hold_;           // seen but not let through: comma, key, colon, number
  std::size_t scalar_at_ = 0;  // where the number or literal begins in hold_
  std::string escape_;         // an escape sequence that is not complete
  std::string half_;           // first half of a surrogate pair
  std::string rest_;           // held or broken text
  std::size_t total_ = 0;      // bytes let through so far
  std::size_t mark_ = 0;       // of these, up to the last complete value
  std::size_t base_ = 0;       // total_ minus out.size(), during feed()
};

// {"_raw_arguments":text}: the arguments of a call whose text is beyond repair.
void append_raw_arguments(std::string& out, std::string_view text);

}  // namespace clasp::translate
