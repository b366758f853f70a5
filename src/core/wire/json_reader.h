// A strict JSON reader over a view: it proves the grammar of everything it passes, also of values
// that are only skipped, and gives back slices of the input. It copies and converts nothing, so
// numbers of any size and every escape survive as they were written. It does not check UTF-8:
// callers prove that once for the whole text.
#pragma once

#include <bitset>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace clasp::wire {

// Nesting that is accepted; deeper documents are refused as invalid.
inline constexpr int kMaxJsonDepth = 512;

class JsonReader {
 public:
  enum class Kind { object, array, string, number, yes, no, null, bad };

  explicit JsonReader(std::string_view text) : text_(text) {}

  bool ok() const { return !failed_; }
  // Where reading stands, after a failure where it broke.
  std::size_t offset() const { return at_; }
  // How what was read is written.
  struct Spelling {
    bool needless_escapes = false;  // in strings; plain_spelling() may take them away
    bool spaces = false;            // between tokens
  };
  const Spelling& spelling() const { return spelling_; }
  void set_spelling(const Spelling& spelling) { spelling_ = spelling; }

  // What the next value is, judged by its first character. Skips white space only.
  Kind kind();
  // The inside of a string. False (and failed) when the next value is something else.
  bool string(std::string_view& raw);
  // Any value, checked to its end; `json` becomes the value as it stood.
  bool skip(std::string_view& json);
  bool skip();
  // Passes over this many bytes, which are known to be the whole of the next value.
  void pass(std::size_t size) { at_ += size; }
  // True when nothing but white space is left.
  bool at_end();

  // while (members.next(key)) { read or skip the value }. next() is false at the end of the object
  // and after a failure.
  class Members {
   public:
    explicit Members(JsonReader& reader);
    bool next(std::string_view& key_raw);

   private:
    JsonReader& reader_;
    bool first_ = true;
  };
  class Items {
   public:
    explicit Items(JsonReader& reader);
    bool next();

   private:
    JsonReader& reader_;
    bool first_ = true;
  };

 private:
  bool fail() {
    failed_ = true;
    return false;
  }
  void skip_space() {
    // Between the tokens of most bodies there is none.
    if (at_ < text_.size() && static_cast<unsigned char>(text_[at_]) <= ' ') skip_more_space();
  }
  void skip_more_space();
  bool enter(char open);
  bool scan_string();
  bool scan_rare_escape();
  bool scan_number();
  bool scan_word(std::string_view word);
  bool scan_scalar();
  bool scan_nested();
  bool scan_key();

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool failed_ = false;
  Spelling spelling_;
};

// True when the whole text is one JSON value in valid UTF-8.
bool is_valid_json(std::string_view text);

// Does the raw string (inside of quotes, escapes included) spell `text`?
bool raw_equals(std::string_view raw, std::string_view text);
// Its first characters spell `prefix`?
bool raw_starts_with(std::string_view raw, std::string_view prefix);

// The following need JSON that was read once without failure.

// The value of a member of an object; of the last one when the name is repeated. Nothing when
// `object` is not an object or has no such member.
std::optional<std::string_view> json_member(std::string_view object, std::string_view name);
// The inside of the string that `json` is; nothing when it is no string.
std::optional<std::string_view> json_string(std::string_view json);
// json_member and json_string in one; empty when missing.
std::string_view json_string_member(std::string_view object, std::string_view name);
// The members of `object`, written from one to the next without the braces, but for those with one
// of these names (as they are written). Nothing when it is no object.
std::optional<std::string> json_members_without(std::string_view object,
                                                std::span<const std::string> names);
// Appends without the white space between tokens.
void append_compact_json(std::string& out, std::string_view json);
// The same as the inside of a JSON string.
void append_compact_json_escaped(std::string& out, std::string_view json);

}  // namespace clasp::wire
