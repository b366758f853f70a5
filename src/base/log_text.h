// Text from outside made fit for the log: valid UTF-8, without characters that end a line, move a
// terminal's cursor or turn the direction of writing, and not longer than wanted.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace clasp {

// `text` up to `limit` bytes; a character that would be cut in two is left out.
std::string_view cut_utf8(std::string_view text, std::size_t limit);

// Appends at most `limit` bytes of `text`. Line ends become \n, \r, \t as in JSON, other such
// characters \u001b; bytes that are no UTF-8 become U+FFFD. Backslashes stay: JSON stays JSON.
void append_escaped_text(std::string& out, std::string_view text, std::size_t limit);

// The same as the inside of a quoted value: such characters become blanks, quotes and backslashes
// get a backslash.
void append_quoted_text(std::string& out, std::string_view text, std::size_t limit);

}  // namespace clasp
