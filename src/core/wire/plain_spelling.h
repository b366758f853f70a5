// JSON allows any character of a string to be escaped, and some writers escape more than they must
// (PHP's every slash). The reader gives strings as they were written, so that is undone once, in
// the whole body, before it is read. Everything else stays as it came: halves of surrogate pairs
// too, which are the author's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace clasp::wire {

// `body` with `\/` and `\u0020`–`\u007e` written as the characters they stand for (but quotes and
// backslashes). Nothing when it needs no change, as almost all need none, or is no JSON.
std::optional<std::string> plain_spelling(std::string_view body);

}  // namespace clasp::wire
