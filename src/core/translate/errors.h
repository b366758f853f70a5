// Backend errors -> Anthropic errors (spec §6.1 to §6.4, §6.6).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/wire/api_error.h"
#include "core/wire/headers.h"

namespace clasp::translate {

// Translates an answer with a non-2xx status, or an error object found in a 200 (status 200).
// `input_estimate` stands in where the text does not name the token count.
wire::ApiError translate_backend_error(int status, const wire::Headers& headers,
                                       std::string_view body, std::int64_t input_estimate);

// Header fields of the backend's answer that the client gets, renamed: retry-after,
// anthropic-ratelimit-*, x-clasp-upstream-request-id. `unix_now` turns durations into instants.
wire::Headers translate_backend_headers(const wire::Headers& headers, std::int64_t unix_now);

}  // namespace clasp::translate
