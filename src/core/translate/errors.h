// Backend errors -> Anthropic errors (spec §6.1 to §6.4, §6.6).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/translate/reply.h"
#include "core/wire/api_error.h"
#include "core/wire/headers.h"

namespace clasp::translate {

// Translates an answer with a non-2xx status, or an error object found in a 200 (status 200).
// `input_estimate` stands in where the text does not name the token count, `context_window` (0:
// unknown) where it does not name the limit.
wire::ApiError translate_backend_error(int status, const wire::Headers& headers,
                                       std::string_view body, std::int64_t input_estimate,
                                       std::int64_t context_window = 0);

// A prompt that the backend's policy blocked: not an error for the client but a message without
// content whose stop_reason is "refusal" (spec §6.4). Nothing when the answer is something else.
// Render it with Reply::conclude().
std::optional<Conclusion> detect_policy_refusal(int status, std::string_view body);
// The same as an error, for those who want it so (policy_as_error).
wire::ApiError policy_error(const Conclusion& refusal);

// A 400 that says the output cap was reached before anything visible was produced: a message
// without content, stop_reason "max_tokens" (spec §1.2.5).
std::optional<Conclusion> detect_output_limit(int status, std::string_view body);

// Header fields of the backend's answer that the client gets, renamed: retry-after,
// anthropic-ratelimit-*, x-clasp-upstream-request-id. `unix_now` turns durations into instants;
// with `input_tokens` the limits of tokens count as those of input tokens too.
wire::Headers translate_backend_headers(const wire::Headers& headers, std::int64_t unix_now,
                                        bool input_tokens = false);

}  // namespace clasp::translate
