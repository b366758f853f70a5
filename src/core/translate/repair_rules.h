// The rows of the repair table, by what they are about. A row answers what it would change, or
// nothing when it is not meant or would change nothing. An internal part of repair.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "core/translate/repair.h"
#include "core/translate/repair_refusal.h"

namespace clasp::translate {

using RepairRule = std::optional<Repair> (*)(const Refusal&, const Dialect&, const Adjustments&);

inline Repair repair_flag(int number, std::string key, std::string value) {
  Repair repair;
  repair.number = number;
  repair.flags.emplace_back(std::move(key), std::move(value));
  return repair;
}

namespace repair_rules {

using Found = std::optional<Repair>;

// Fields of the request (repair_fields.cc).
Found swap_cap_field(const Refusal& refusal, const Dialect& current, const Adjustments& adjusted);
Found fit_cap(const Refusal& refusal, const Dialect& current, const Adjustments& adjusted);
Found fit_effort(const Refusal& refusal, const Dialect& current, const Adjustments& adjusted);
Found drop_sampling(const Refusal& refusal, const Dialect& current, const Adjustments& adjusted);
Found drop_stop(const Refusal& refusal, const Dialect& current, const Adjustments& adjusted);
Found drop_stream_options(const Refusal& refusal, const Dialect& current,
                          const Adjustments& adjusted);
Found change_streaming(const Refusal& refusal, const Dialect& current, const Adjustments& adjusted);
Found weaken_json_output(const Refusal& refusal, const Dialect& current,
                         const Adjustments& adjusted);
Found drop_field(const Refusal& refusal, const Dialect& current, const Adjustments& adjusted);

// Tools (repair_tools.cc).
Found ask_again(const Refusal& refusal, const Dialect& current, const Adjustments& adjusted);
Found tools_without_effort(const Refusal& refusal, const Dialect& current,
                           const Adjustments& adjusted);
Found drop_parallel(const Refusal& refusal, const Dialect& current, const Adjustments& adjusted);
Found soften_tool_choice(const Refusal& refusal, const Dialect& current,
                         const Adjustments& adjusted);
Found shorten_descriptions(const Refusal& refusal, const Dialect& current,
                           const Adjustments& adjusted);
Found reduce_schema(const Refusal& refusal, const Dialect& current, const Adjustments& adjusted);

// The API itself, and reasoning that is an item of it (repair_api.cc).
Found change_api(const Refusal& refusal, const Dialect& current, const Adjustments& adjusted);
Found drop_items(const Refusal& refusal, const Dialect& current, const Adjustments& adjusted);
Found drop_summary(const Refusal& refusal, const Dialect& current, const Adjustments& adjusted);

// Messages (repair_messages.cc).
Found change_system_role(const Refusal& refusal, const Dialect& current,
                         const Adjustments& adjusted);
Found drop_media(const Refusal& refusal, const Dialect& current, const Adjustments& adjusted);
Found replay_reasoning(const Refusal& refusal, const Dialect& current, const Adjustments& adjusted);
Found bypass_signature(const Refusal& refusal, const Dialect& current, const Adjustments& adjusted);
Found alternate_roles(const Refusal& refusal, const Dialect& current, const Adjustments& adjusted);

}  // namespace repair_rules

}  // namespace clasp::translate
