// JSON allows any character of a string to be escaped, and some writers escape more than they must
// (PHP's every slash), or cut a text in the middle of a surrogate pair. The reader gives strings as
// they were written, so both are mended once, in the whole body, before it is read.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace clasp::wire {

// `body` with `\/` and `\u0020`–`\u007e` written as the characters they stand for (but quotes and
// backslashes), and `\ufffd` for halves of surrogate pairs, which many servers' parsers refuse.
// Nothing when it needs no change, as almost all need none, or is no JSON.
std::optional<std::string> plain_spelling(std::string_view body);

}  // namespace clasp::wire
