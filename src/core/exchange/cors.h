// Access for pages in browsers (option cors_origins): which origins get it, and the headers that
// say so. A page of any other origin cannot read an answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/wire/headers.h"

namespace clasp::exchange {

// What every answer to this request carries, refusals too; empty when its origin gets no access.
wire::Headers cors_headers(const std::vector<std::string>& origins, const wire::Headers& request);

// What the answer to a preflight carries besides; `methods` are those of the path.
wire::Headers preflight_headers(std::string_view methods, const wire::Headers& request);

}  // namespace clasp::exchange
