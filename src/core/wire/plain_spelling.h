// JSON allows any character of a string to be escaped, and some writers escape more than they must
// (PHP's every slash). The reader gives strings as they were written, so that is undone in the
// whole body, and the body is read again. Everything else stays as it came: halves of surrogate
// pairs too, which are the author's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/wire/anthropic_request.h"

namespace clasp::wire {

// `body` with `\/` and `\u0020`–`\u007e` written as the characters they stand for (but quotes and
// backslashes). Nothing when it needs no change, as almost all need none, or is no JSON.
std::optional<std::string> plain_spelling(std::string_view body);

// parse_messages_request() of the body in its plain spelling. Where that differs it is left in
// `plain`, and the request's views refer to it instead of `body`; else `plain` stays empty.
Result<MessagesRequest, ApiError> parse_plain_request(std::string_view body, bool counting,
                                                      std::string& plain,
                                                      ToolMemory* memory = nullptr);

}  // namespace clasp::wire
