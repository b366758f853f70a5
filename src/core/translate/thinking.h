// Thinking, effort and the output cap (translation spec §1.2, §1.3), and reasoning that goes back
// to the backend (§2.5). Private to this room.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/translate/plan.h"
#include "core/translate/translation.h"

namespace clasp::translate {

struct ToolPlan;

struct ReasoningPlan {
  bool off = false;             // the client or the call's needs switch it off
  bool on = false;              // it was asked for
  std::optional<Effort> level;  // to be sent
  std::int64_t budget = 0;      // to be sent instead of a level, where that exists
};

ReasoningPlan plan_reasoning(Translation& t, const ToolPlan& tools);

// ,"reasoning_effort":… and whatever the dialect calls it; nothing when nothing is to be sent.
void append_reasoning(std::string& out, const Translation& t, const ReasoningPlan& plan);

// ,"reasoning":{…} as Responses has it, and what makes it come back sealed.
void append_response_reasoning(std::string& out, const Translation& t, const ReasoningPlan& plan);

// The cap to send, hidden reasoning and published limits considered.
std::int64_t output_cap(const Translation& t, const ReasoningPlan& plan);

// What the thinking blocks of one assistant turn give the backend back: members of the message,
// `thinking` of the planned message, `extra` of its calls. `step` counts assistant turns from 1.
void replay_reasoning(Translation& t, const std::vector<const wire::Block*>& blocks,
                      std::size_t step, PlannedMessage& message);

}  // namespace clasp::translate
