// Access for pages in browsers (option cors_origins): which origins get it, and the headers that
// say so. A page of any other origin cannot read an answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/wire/api_error.h"
#include "core/wire/headers.h"

namespace clasp::exchange {

// What every answer to this request carries, refusals too; empty when its origin gets no access.
wire::Headers cors_headers(const std::vector<std::string>& origins, const wire::Headers& request);

// A page may send what needs no permission (a form, text/plain) from anywhere to an address that
// its reader can reach, 127.0.0.1 too. Browsers say which page it is: what would do something is
// refused unless that page is admitted. Its name being ours proves nothing (DNS rebinding). Nothing
// for requests that no page sent, and for those that only read, whose answers a page cannot see.
std::optional<wire::ApiError> refuse_page(const std::vector<std::string>& origins,
                                          std::string_view method, const wire::Headers& request);

// What the answer to a preflight carries besides; `methods` are those of the path.
wire::Headers preflight_headers(std::string_view methods, const wire::Headers& request);

}  // namespace clasp::exchange
