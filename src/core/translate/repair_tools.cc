// Repairs of tools: the choice among them, their descriptions and schemas, and calls that the
// model got wrong.
#include <array>

#include "base/text.h"
#include "core/translate/repair_rules.h"

namespace clasp::translate::repair_rules {

// Groq checks what the model wrote and blames the request; another try may well succeed.
Found ask_again(const Refusal& refusal, const Dialect&, const Adjustments&) {
  if (refusal.names.find("tool_use_failed") == std::string::npos) return std::nullopt;
  Repair repair;
  repair.lasting = false;
  return repair;
}

// Tools together with reasoning exist only on another API of that server: reasoning is given up.
Found tools_without_effort(const Refusal& refusal, const Dialect& current, const Adjustments&) {
  const bool about = refusal.has("function tools") && refusal.has("reasoning_effort");
  if (!about || current.reasoning == ReasoningRequest::none) return std::nullopt;
  if (current.efforts == efforts_of(Effort::none)) return repair_flag(5, "reasoning", "none");
  return repair_flag(5, "efforts", "none");
}

Found drop_parallel(const Refusal& refusal, const Dialect&, const Adjustments&) {
  if (!refusal.is_about("parallel_tool_calls") || !refusal.is_unsupported()) return std::nullopt;
  return repair_flag(7, "parallel_tool_calls", "false");
}

Found soften_tool_choice(const Refusal& refusal, const Dialect& current,
                         const Adjustments& adjusted) {
  if (!refusal.has_any({"tool_choice", "tool choice"}) && refusal.param != "tool_choice")
    return std::nullopt;
  // vLLM without a parser: nothing that a request could change.
  if (refusal.has("enable-auto-tool-choice")) return std::nullopt;
  const bool thinking = refusal.has_any({"thinking", "reasoning", "reasoner"});
  if (thinking && !current.forced_without_thinking)
    return repair_flag(9, "forced_without_thinking", "true");
  if (!thinking && current.tool_choice == ToolChoice::all &&
      refusal.has_any({"invalid tool_choice type", "must be a string", "should be a valid string",
                       "expected a string", "expected string", "supported string values"}))
    return repair_flag(8, "tool_choice", "strings");
  if (adjusted.auto_tool_choice || (!thinking && !refusal.is_unsupported())) return std::nullopt;
  Repair repair;
  repair.number = thinking ? 9 : 8;
  repair.adjustments.auto_tool_choice = true;
  return repair;
}

Found shorten_descriptions(const Refusal& refusal, const Dialect& current, const Adjustments&) {
  const bool about =
      refusal.has("description") || refusal.param.find("description") != std::string::npos;
  const bool too_long = refusal.has_any({"too long", "maximum length", "at most"}) ||
                        refusal.names.find("above_max_length") != std::string::npos;
  if (!about || !too_long) return std::nullopt;
  const std::int64_t limit = refusal.number_after({"maximum length", "at most"}).value_or(1024);
  if (current.max_description != 0 && current.max_description <= limit) return std::nullopt;
  return repair_flag(11, "max_description", std::to_string(limit));
}

// The function that the text names behind one of the openings.
Found reduce_schema(const Refusal& refusal, const Dialect&, const Adjustments& adjusted) {
  struct Opening {
    std::string_view words, end;
  };
  constexpr std::array kOpenings{
      Opening{"invalid schema for function '", "'"},
      Opening{"invalid schema for function \"", "\""},
      Opening{"invalid function parameters schema for '", "'"},
      Opening{"invalid json schema for tool ", ","},
      Opening{"invalid schema for tool '", "'"},
  };
  for (const Opening& opening : kOpenings) {
    const std::size_t at = refusal.text.find(opening.words);
    if (at == std::string::npos) continue;
    const std::size_t from = at + opening.words.size();
    const std::size_t to = refusal.text.find(opening.end, from);
    if (to == std::string::npos) continue;
    const std::string name = refusal.text.substr(from, to - from);
    for (const std::string& done : adjusted.reduced_tools)
      if (iequals(done, name)) return std::nullopt;
    Repair repair;
    repair.number = 20;
    repair.adjustments.reduced_tools.push_back(name);
    return repair;
  }
  return std::nullopt;
}

}  // namespace clasp::translate::repair_rules
