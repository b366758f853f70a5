// The table of refusals. Rows are tried in order; the first that matches and would change
// something wins. What the rows look for stands in repair_{fields,tools,messages}.cc.
#include "core/translate/repair.h"

#include "base/text.h"
#include "core/translate/repair_rules.h"

namespace clasp::translate {

namespace {

// Specific texts first: "max_tokens is too large" is not "max_tokens is unknown".
constexpr RepairRule kRules[] = {
    repair_rules::ask_again,
    repair_rules::drop_items,
    repair_rules::drop_summary,
    repair_rules::change_api,
    repair_rules::reduce_schema,
    repair_rules::shorten_descriptions,
    repair_rules::tools_without_effort,
    repair_rules::fit_cap,
    repair_rules::swap_cap_field,
    repair_rules::soften_tool_choice,
    repair_rules::replay_reasoning,
    repair_rules::fit_effort,
    repair_rules::drop_parallel,
    repair_rules::drop_stream_options,
    repair_rules::change_streaming,
    repair_rules::bypass_signature,
    repair_rules::weaken_json_output,
    repair_rules::drop_sampling,
    repair_rules::drop_stop,
    repair_rules::alternate_roles,
    repair_rules::change_system_role,
    repair_rules::drop_media,
    repair_rules::drop_field,
};

// llama.cpp runs the model's chat template and reports what the template refuses as its own fault.
bool is_template_refusal(int status, std::string_view body) {
  return status == 500 && (icontains(body, "jinja") || icontains(body, "raise_exception"));
}

}  // namespace

std::optional<Repair> detect_repair(int status, std::string_view body, const Dialect& current,
                                    const Adjustments& adjusted, Api api) {
  const bool missing = api == Api::responses && (status == 405 || status == 501);
  const bool refused = status == 400 || status == 404 || status == 422 || status == 200 || missing;
  if (!refused && !is_template_refusal(status, body)) return std::nullopt;
  Refusal refusal = read_refusal(body);
  refusal.status = status;
  refusal.api = api;
  for (const RepairRule rule : kRules)
    if (auto repair = rule(refusal, current, adjusted)) return repair;
  return std::nullopt;
}

std::string repair_key(const Repair& repair) {
  if (repair.number == 0) return "again";
  std::string key = std::to_string(repair.number);
  // A cap field that was swapped is not swapped back.
  if (repair.number == 1) return key;
  if (!repair.flags.empty()) key += " " + repair.flags[0].first + "=" + repair.flags[0].second;
  for (const std::string& field : repair.adjustments.drop_fields) key += " " + field;
  if (repair.adjustments.auto_tool_choice) key += " auto";
  if (repair.adjustments.stream_only) key += " stream";
  if (repair.adjustments.use_responses) key += " responses";
  if (repair.adjustments.no_responses) key += " chat";
  if (repair.adjustments.no_summary) key += " summary";
  if (repair.adjustments.no_item_ids) key += " ids";
  if (!repair.adjustments.drop_item.empty()) key += " item";
  if (repair.adjustments.drop_reasoning == "*") key += " all";
  for (const std::string& tool : repair.adjustments.reduced_tools) key += " " + tool;
  return key;
}

void apply_repair(const Repair& repair, Dialect& dialect, Adjustments& adjustments) {
  for (const auto& [key, value] : repair.flags) {
    // The rules above only use flags and values that exist; a test holds them to it.
    [[maybe_unused]] const auto set = set_dialect_flag(dialect, key, value);
  }
  const Adjustments& more = repair.adjustments;
  if (more.max_output > 0) adjustments.max_output = more.max_output;
  const auto append = [](std::vector<std::string>& to, const std::vector<std::string>& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  append(adjustments.drop_fields, more.drop_fields);
  append(adjustments.reduced_tools, more.reduced_tools);
  adjustments.auto_tool_choice |= more.auto_tool_choice;
  adjustments.use_responses |= more.use_responses;
  adjustments.no_responses |= more.no_responses;
  adjustments.no_summary |= more.no_summary;
  adjustments.no_item_ids |= more.no_item_ids;
  if (!more.drop_reasoning.empty()) adjustments.drop_reasoning = more.drop_reasoning;
  if (!more.drop_item.empty()) adjustments.drop_item = more.drop_item;
  // Each is the other's opposite.
  if (more.no_stream || more.stream_only) {
    adjustments.no_stream = more.no_stream;
    adjustments.stream_only = more.stream_only;
  }
}

}  // namespace clasp::translate
