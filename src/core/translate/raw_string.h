// The inside of JSON strings as backends send it, made fit to be copied into our own JSON: escapes
// are checked, lone surrogates replaced, and a character that two chunks share is kept together.
#pragma once

#include <string>
#include <string_view>

namespace clasp::translate {

// Appends `raw` as the inside of a valid JSON string: an invalid escape gets its backslash
// doubled, a control character is escaped, a lone surrogate becomes U+FFFD.
void append_clean_raw(std::string& out, std::string_view raw);

// True when nothing but white space (as characters or as \n, \r, \t escapes) is in `raw`.
bool is_space_raw(std::string_view raw);
// `raw` without white space at its start.
std::string_view trim_left_raw(std::string_view raw);

// Cleans the pieces of one text. The first half of a surrogate pair at the end of a piece waits
// for the next piece.
class RawJoiner {
 public:
  // The cleaned piece: a view of `raw` itself when nothing had to change, else of `scratch`.
  std::string_view take(std::string_view raw, std::string& scratch);
  // What to append when the text ends here.
  std::string_view finish();

 private:
  std::string half_;  // "\ud83d", or empty
};

}  // namespace clasp::translate
