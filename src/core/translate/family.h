// What a model can do, judged by its name, and the sum of that with the dialect: the profile of
// one call (translation spec §0.3, §1.2, §1.3).
#pragma once

#include <cstdint>
#include <string_view>

#include "core/translate/dialect.h"

namespace clasp::translate {

struct Profile {
  CapField cap = CapField::max_tokens;
  SystemRole role = SystemRole::system;
  Efforts efforts = 0;  // 0 with `any_effort` false: reasoning cannot be asked for
  bool any_effort = false;
  ReasoningRequest reasoning = ReasoningRequest::none;
  bool known_reasoner = false;           // a model of a reasoning family
  bool always_reasons = false;           // its reasoning cannot be switched off
  bool no_reasoning = false;             // known to have none
  bool switch_only = false;              // knows none and default only (qwen on groq)
  Effort usual_effort = Effort::medium;  // what it does when nothing is asked
  bool sampling = true;                  // takes temperature and top_p
  bool sampling_when_off = false;        // … only with effort none
  int max_stop = 4;
  bool parallel = false;  // parallel_tool_calls is understood
  bool mistral_ids = false;
  bool mistral_order = false;  // no user message after tool messages
  bool nonempty_tool = false;
  bool forced_without_thinking = false;
  bool restore_ids = false;  // the backend wants its own tool ids back
  ReasoningReplay replay = ReasoningReplay::none;
  bool replay_on_calls = false;  // only turns with tool calls, and these always
  bool cache_breakpoints = false;
  bool phases = false;        // messages of the assistant carry a phase (Responses)
  bool takes_budget = false;  // openrouter: reasoning.max_tokens
  bool tool_parts = false;    // tool messages take image parts
  WebSearch web_search = WebSearch::none;
  bool json_schema = true;      // groq: only some models have it
  std::int64_t max_output = 0;  // 0: unknown
};

Profile make_profile(const Dialect& dialect, std::string_view model);

// The dialect with the way in which the model wants its reasoning back, for those who ask the
// dialect alone.
Dialect with_family_replay(const Dialect& dialect, std::string_view model);

// The level nearest to `wanted` among `efforts` (not empty, `none` not counted).
Effort clamp_effort(Effort wanted, Efforts efforts);

}  // namespace clasp::translate
