// The request that makes a backend count the tokens of a prompt (translation spec §7.1).
#pragma once

#include <optional>
#include <string>

#include "core/translate/target.h"
#include "core/wire/anthropic_request.h"

namespace clasp::translate {

// The body for the endpoint of Responses that counts input; nothing when the target has none, or
// when the request cannot be translated for it.
std::optional<std::string> count_request(const wire::MessagesRequest& request, const Target& target,
                                         const RequestFacts& facts);

// The number in its answer; nothing when it is something else.
std::optional<std::int64_t> counted_tokens(std::string_view body);

}  // namespace clasp::translate
