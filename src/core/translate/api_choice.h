// Which of a backend's two APIs a call uses: Chat Completions, or Responses, where OpenAI's current
// models think and use tools (translation spec §0.4). And what a dialect is like on the second.
#pragma once

#include <string_view>

#include "core/translate/target.h"
#include "core/wire/anthropic_request.h"

namespace clasp::translate {

// `target.dialect` is the backend's dialect for Chat Completions; `target.api` is not looked at.
Api choose_api(const wire::MessagesRequest& request, const Target& target);

// The model exists on Responses only, or thinks and uses tools there only. `name` may have a
// vendor in front.
bool needs_responses(std::string_view model);

// Messages of the model's say whether they are comment or answer, and are to say it when they come
// back.
bool returns_phase(std::string_view model);

// A dialect's row as it is on Responses. What was configured or learned about single flags is to
// be set on it again.
Dialect responses_dialect(const Dialect& row);

}  // namespace clasp::translate
