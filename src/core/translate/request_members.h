// Members of a request's body that both APIs have under the same names. Private to this room.
#pragma once

#include <string>

#include "core/translate/plan.h"
#include "core/translate/thinking.h"
#include "core/translate/translation.h"

namespace clasp::translate {

// ,"temperature":… and its like, as far as the model takes them.
void append_sampling(std::string& out, Translation& t, const ReasoningPlan& reasoning);

// ,"stop":[…], or what has to be watched for here.
void append_stop(std::string& out, Translation& t);

// ,"service_tier":…
void append_tier(std::string& out, Translation& t);

// One of the prompt's cache hints asks for an hour, and the backend can keep it longer.
bool wants_long_cache(const Translation& t, const Plan& plan);

}  // namespace clasp::translate
