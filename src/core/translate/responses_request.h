// The body of a request to the Responses API, written front to back (translation spec §1 to §3, the
// columns of that name). Private to this room.
#pragma once

#include <string>
#include <string_view>

#include "core/translate/plan.h"
#include "core/translate/thinking.h"
#include "core/translate/tools.h"
#include "core/translate/translation.h"

namespace clasp::translate {

struct ResponsesBody {
  const ToolPlan& tools;
  const ReasoningPlan& reasoning;
  const Plan& plan;
  bool instructions = false;  // the first message of the plan is written as such
  std::string_view format;    // ,"text":… or nothing
};

// The whole body. Fills in what the reply must know of it.
void append_responses_body(std::string& out, Translation& t, const ResponsesBody& body);

// max_tokens 0 fills the backend's cache with the prompt, and is not answered here.
bool prewarms(const Translation& t);

}  // namespace clasp::translate
