// Overriding single flags of a dialect by name: one table, so that a flag has one spelling in
// configuration files, hints and tests.
#include <array>
#include <limits>

#include "base/text.h"
#include "core/translate/dialect.h"

namespace clasp::translate {

namespace {

// Sets the flag from `value`; false when the value is not one of `expected`.
using Setter = bool (*)(Dialect& dialect, std::string_view value);

struct Flag {
  std::string_view name;
  Setter set;
  std::string_view expected;
  std::uint16_t pin = 0;
};

bool parse_bool(std::string_view value, bool& on) {
  on = value == "true" || value == "yes" || value == "on" || value == "1";
  return on || value == "false" || value == "no" || value == "off" || value == "0";
}

template <bool Dialect::*Member>
bool set_bool(Dialect& dialect, std::string_view value) {
  return parse_bool(value, dialect.*Member);
}

template <int Dialect::*Member, bool kAllowAny = false>
bool set_int(Dialect& dialect, std::string_view value) {
  if (kAllowAny && (value == "any" || value == "-1")) {
    dialect.*Member = -1;
    return true;
  }
  const auto number = parse_unsigned(value);
  if (!number || *number > static_cast<std::uint64_t>(std::numeric_limits<int>::max()))
    return false;
  dialect.*Member = static_cast<int>(*number);
  return true;
}

// The enumerators in order, by name.
template <auto Member, std::size_t N>
bool set_choice(Dialect& dialect, std::string_view value,
                const std::array<std::string_view, N>& names) {
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] != value) continue;
    using Choice = std::remove_reference_t<decltype(dialect.*Member)>;
    dialect.*Member = static_cast<Choice>(i);
    return true;
  }
  return false;
}

constexpr std::array<std::string_view, 2> kCaps{"max_tokens", "max_completion_tokens"};
constexpr std::array<std::string_view, 3> kRoles{"system", "developer", "user"};
constexpr std::array<std::string_view, 2> kMidSystem{"keep", "fold"};
constexpr std::array<std::string_view, 3> kToolChoices{"all", "strings", "mistral"};
constexpr std::array<std::string_view, 8> kReasoning{
    "none", "effort", "object", "thinking", "gemini", "template_kwargs", "groq", "prompt_mode"};
constexpr std::array<std::string_view, 7> kReplay{
    "none", "reasoning", "reasoning_content", "details", "gemini", "thinking_part", "items"};
constexpr std::array<std::string_view, 3> kJsonOutput{"none", "json_object", "json_schema"};
constexpr std::array<std::string_view, 4> kPrefill{"emulate", "as_last", "continue", "prefix"};
constexpr std::array<std::string_view, 3> kKwargs{"none", "enable_thinking", "thinking"};
constexpr std::array<std::string_view, 7> kSearches{"none", "plugin",     "options", "xai",
                                                    "groq", "perplexity", "native"};
constexpr std::array<std::string_view, 3> kTiers{"none", "default", "on_demand"};

bool set_responses(Dialect& dialect, std::string_view value) {
  bool on = false;
  if (value == "auto") {
    dialect.responses = ResponsesUse::by_need;
  } else if (parse_bool(value, on)) {
    dialect.responses = on ? ResponsesUse::always : ResponsesUse::never;
  } else {
    return false;
  }
  return true;
}

// true: in the way that the row knows.
bool set_count_input(Dialect& dialect, std::string_view value) {
  constexpr std::array<std::string_view, 4> kCounters{"none", "responses", "vllm", "llamacpp"};
  bool on = false;
  if (!parse_bool(value, on)) return set_choice<&Dialect::count_input>(dialect, value, kCounters);
  if (!on) dialect.count_input = CountInput::none;
  if (on && dialect.count_input == CountInput::none) dialect.count_input = CountInput::responses;
  return true;
}

// A list of levels separated by commas or spaces; empty: unknown.
bool set_efforts(Dialect& dialect, std::string_view value) {
  Efforts mask = 0;
  for (std::string_view part : split(value, ',')) {
    Effort effort;
    if (trim(part).empty()) continue;
    if (!parse_effort(trim(part), effort)) return false;
    mask |= efforts_of(effort);
  }
  dialect.efforts = mask;
  // Naming levels says that the field exists.
  if (dialect.reasoning == ReasoningRequest::none && mask != 0)
    dialect.reasoning = ReasoningRequest::effort;
  return true;
}

constexpr std::string_view kYesNo = "true or false";
constexpr std::string_view kNumber = "a number, 0 for no limit";

#define CLASP_BOOL_FLAG(member) \
  { #member, set_bool < &Dialect::member>, kYesNo }
#define CLASP_CHOICE(member, names)                             \
  [](Dialect& dialect, std::string_view value) {                \
    return set_choice<&Dialect::member>(dialect, value, names); \
  }

constexpr Flag kFlags[] = {
    {"responses", set_responses, "auto, true or false"},
    {"cap", CLASP_CHOICE(cap, kCaps), "max_tokens or max_completion_tokens", Dialect::kPinCap},
    {"system_role", CLASP_CHOICE(system_role, kRoles), "system, developer or user",
     Dialect::kPinRole},
    {"mid_system", CLASP_CHOICE(mid_system, kMidSystem), "keep or fold"},
    {"tool_choice", CLASP_CHOICE(tool_choice, kToolChoices), "all, strings or mistral"},
    {"parallel_tool_calls", set_bool<&Dialect::parallel_tool_calls>, kYesNo, Dialect::kPinParallel},
    {"reasoning", CLASP_CHOICE(reasoning, kReasoning),
     "none, effort, object, thinking, gemini, template_kwargs, groq or prompt_mode",
     Dialect::kPinReasoning},
    {"efforts", set_efforts, "a list of none, minimal, low, medium, high, xhigh, max",
     Dialect::kPinEfforts},
    CLASP_BOOL_FLAG(default_effort),
    {"kwargs_key", CLASP_CHOICE(kwargs_key, kKwargs), "none, enable_thinking or thinking"},
    CLASP_BOOL_FLAG(thinking_budget),
    {"replay", CLASP_CHOICE(replay, kReplay),
     "none, reasoning, reasoning_content, details, gemini, thinking_part or items",
     Dialect::kPinReplay},
    {"replay_on_calls", set_bool<&Dialect::replay_on_calls>, kYesNo, Dialect::kPinReplay},
    {"json_output", CLASP_CHOICE(json_output, kJsonOutput), "none, json_object or json_schema"},
    CLASP_BOOL_FLAG(plain_schema_output),
    CLASP_BOOL_FLAG(stream_options),
    CLASP_BOOL_FLAG(include_obfuscation),
    {"max_stop", set_int<&Dialect::max_stop, true>, "a number, or any", Dialect::kPinStop},
    CLASP_BOOL_FLAG(hide_stop),
    {"sampling", set_bool<&Dialect::sampling>, kYesNo, Dialect::kPinSampling},
    CLASP_BOOL_FLAG(top_k),
    CLASP_BOOL_FLAG(mistral_sampling),
    {"max_tool_id", set_int<&Dialect::max_tool_id>, kNumber},
    {"mistral_ids", set_bool<&Dialect::mistral_ids>, kYesNo, Dialect::kPinIds},
    {"restore_ids", set_bool<&Dialect::restore_ids>, kYesNo, Dialect::kPinRestore},
    CLASP_BOOL_FLAG(null_content),
    CLASP_BOOL_FLAG(omit_content),
    CLASP_BOOL_FLAG(string_content),
    CLASP_BOOL_FLAG(tool_parts),
    CLASP_BOOL_FLAG(tool_parts_by_model),
    CLASP_BOOL_FLAG(tool_files),
    CLASP_BOOL_FLAG(tool_message_name),
    CLASP_BOOL_FLAG(images),
    CLASP_BOOL_FLAG(image_urls),
    CLASP_BOOL_FLAG(pdf_files),
    CLASP_BOOL_FLAG(pdf_urls),
    CLASP_BOOL_FLAG(cache_control),
    CLASP_BOOL_FLAG(cache_breakpoints),
    CLASP_BOOL_FLAG(cache_key),
    CLASP_BOOL_FLAG(session_id),
    CLASP_BOOL_FLAG(safety_identifier),
    CLASP_BOOL_FLAG(user_hash),
    {"standard_tier", CLASP_CHOICE(standard_tier, kTiers), "none, default or on_demand"},
    CLASP_BOOL_FLAG(priority_tier),
    CLASP_BOOL_FLAG(keep_refs),
    CLASP_BOOL_FLAG(type_lists),
    CLASP_BOOL_FLAG(schema_subset),
    CLASP_BOOL_FLAG(grammar_limits),
    {"max_tools", set_int<&Dialect::max_tools>, kNumber},
    {"max_calls", set_int<&Dialect::max_calls>, kNumber},
    {"max_description", set_int<&Dialect::max_description>, kNumber},
    CLASP_BOOL_FLAG(drop_tools_on_none),
    CLASP_BOOL_FLAG(forced_without_thinking),
    CLASP_BOOL_FLAG(letter_names),
    {"web_search", CLASP_CHOICE(web_search, kSearches),
     "none, plugin, options, xai, groq, perplexity or native"},
    CLASP_BOOL_FLAG(mcp),
    CLASP_BOOL_FLAG(tool_search),
    CLASP_BOOL_FLAG(additional_tools),
    CLASP_BOOL_FLAG(compaction),
    CLASP_BOOL_FLAG(phase),
    {"count_input", set_count_input, "true, false, responses, vllm or llamacpp"},
    CLASP_BOOL_FLAG(nonempty_tool),
    CLASP_BOOL_FLAG(no_user_after_tool),
    CLASP_BOOL_FLAG(think_tags),
    CLASP_BOOL_FLAG(parse_text_tools),
    CLASP_BOOL_FLAG(lax_finish),
    CLASP_BOOL_FLAG(output_from_total),
    CLASP_BOOL_FLAG(strict_alternation),
    {"prefill", CLASP_CHOICE(prefill, kPrefill), "emulate, as_last, continue or prefix"},
    CLASP_BOOL_FLAG(prefill_without_thinking),
    CLASP_BOOL_FLAG(openai_families),
    CLASP_BOOL_FLAG(no_transforms),
    CLASP_BOOL_FLAG(guard_context),
    CLASP_BOOL_FLAG(hidden_allowance),
    CLASP_BOOL_FLAG(fast_tier),
    CLASP_BOOL_FLAG(long_cache),
    CLASP_BOOL_FLAG(policy_as_error),
};

#undef CLASP_BOOL_FLAG
#undef CLASP_CHOICE

std::string nearest_flag(std::string_view key) {
  std::string_view best;
  std::size_t distance = 4;
  for (const Flag& flag : kFlags) {
    const std::size_t d = edit_distance(flag.name, key.substr(0, 64));
    if (d >= distance) continue;
    distance = d;
    best = flag.name;
  }
  return best.empty() ? "" : "; did you mean \"" + std::string(best) + "\"?";
}

}  // namespace

Result<void> set_dialect_flag(Dialect& dialect, std::string_view key, std::string_view value) {
  for (const Flag& flag : kFlags) {
    if (flag.name != key) continue;
    if (!flag.set(dialect, trim(value)))
      return fail("dialect flag \"" + std::string(key) + "\" cannot be \"" + std::string(value) +
                  "\": use " + std::string(flag.expected));
    dialect.pinned |= flag.pin;
    return {};
  }
  return fail("there is no dialect flag \"" + std::string(key) + "\"" + nearest_flag(key));
}

std::vector<std::string_view> dialect_flag_names() {
  std::vector<std::string_view> names;
  for (const Flag& flag : kFlags) names.push_back(flag.name);
  return names;
}

}  // namespace clasp::translate
