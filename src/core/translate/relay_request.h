// A Messages request for a backend that speaks the Messages API itself (spec §0.5, §2.5): the
// client's bytes with the model's name replaced where it stands and with what only this program
// understands cut out. Unknown fields, the order of members and white space stay as they are.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "core/wire/api_error.h"

namespace clasp::translate {

struct RelayedRequest {
  std::string body;
  // Thinking was switched off for this call: the running tool loop lost thinking blocks.
  bool thinking_disabled = false;
};

// `body` is a JSON object in UTF-8, `model` the backend's name. Fails with a 400 on broken JSON
// and above the limits of wire/anthropic_request.h; shapes are the backend's to judge.
Result<RelayedRequest, wire::ApiError> relay_request(std::string_view body, std::string_view model);

}  // namespace clasp::translate
