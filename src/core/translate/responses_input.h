// Planned messages as the input items of the Responses API (translation spec §2.3, §2.6). Private
// to this room.
#pragma once

#include <string>

#include "core/translate/plan.h"
#include "core/translate/translation.h"

namespace clasp::translate {

// The leading system text can be the request's instructions: nothing in it needs a place of its
// own in the input, such as a cache hint.
bool has_instructions(const Plan& plan);

// ,"instructions":"…" for the first message of the plan.
void append_instructions(std::string& out, const Plan& plan);

// The input array; without the first message when it was written as instructions.
void append_input(std::string& out, const Translation& t, const Plan& plan, bool instructions);

}  // namespace clasp::translate
