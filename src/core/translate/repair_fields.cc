// Repairs of request fields: caps, effort, sampling, streaming, formats, and fields that only some
// servers know.
#include <algorithm>

#include "core/translate/repair_rules.h"

namespace clasp::translate::repair_rules {

Found swap_cap_field(const Refusal& refusal, const Dialect&, const Adjustments&) {
  if (!refusal.is_unsupported()) return std::nullopt;
  const bool wants_completion = refusal.has_any(
      {"use 'max_completion_tokens'", "use max_completion_tokens", "use `max_completion_tokens`"});
  if (wants_completion || refusal.param == "max_tokens")
    return repair_flag(1, "cap", "max_completion_tokens");
  if (refusal.is_about("max_completion_tokens")) return repair_flag(1, "cap", "max_tokens");
  if (refusal.is_about("max_tokens")) return repair_flag(1, "cap", "max_completion_tokens");
  return std::nullopt;
}

// ---- the size of the cap -----------------------------------------------------------------------

namespace {

constexpr std::int64_t kLeastUseful = 256, kMargin = 16;

// The tokens of the prompt, as far as the text tells them apart from the cap's.
std::optional<std::int64_t> input_tokens(const Refusal& refusal) {
  auto input =
      refusal.number_after({"your request has", "input tokens: ", "prompt contains at least ",
                            "prompt contains ", "given: "});
  // "(9000 in the messages, 4096 in the completion)"
  for (const std::string_view key : {" in the messages", " in your prompt", " input tokens"})
    if (!input) input = refusal.number_before(key);
  if (input) return input;
  // "(12000 of text input, 3000 of tool input, 8000 in the output)"
  std::int64_t sum = 0;
  for (const std::string_view key : {" of text input", " of tool input", " of image input"})
    sum += refusal.number_before(key).value_or(0);
  return sum > 0 ? std::optional(sum) : std::nullopt;
}

// The window, where the text is about prompt and cap together.
std::optional<std::int64_t> window_tokens(const Refusal& refusal) {
  const auto window =
      refusal.number_after({"maximum context length is", "maximum model length of",
                            "context length of", "context window of", "context window is"});
  if (window) return window;
  // "`inputs` tokens + `max_new_tokens` must be <= 4096"
  return refusal.has("max_new_tokens") ? refusal.number_after({"must be <= "}) : std::nullopt;
}

// The most that the model ever writes.
std::optional<std::int64_t> output_limit(const Refusal& refusal) {
  const auto limit = refusal.number_after(
      {"at most ", "less than or equal to ", "must be <=", "maximum allowed is ",
       "maximum value is ", "must not exceed ", "model limit of ", "[1, ", "no greater than ",
       "cannot exceed ", "expected a value <= "});
  if (limit) return limit;
  // "max_tokens: 100000 > 64000, which is the maximum …"
  if (refusal.has(", which is the maximum"))
    if (const auto number = refusal.number_before(", which is the maximum")) return number;
  // "the supported range is from 1 (inclusive) to 65537 (exclusive)"
  if (const auto end = refusal.number_before(" (exclusive)")) return *end - 1;
  return std::nullopt;
}

}  // namespace

Found fit_cap(const Refusal& refusal, const Dialect&, const Adjustments& adjusted) {
  if (!refusal.has_any({"max_tokens", "max_completion_tokens", "completion tokens", "output tokens",
                        "max_new_tokens", "maxoutputtokens", "max_output_tokens",
                        "in the completion", "in the output"}))
    return std::nullopt;
  const auto window = window_tokens(refusal), input = input_tokens(refusal);
  const bool fitted = window && input;
  const auto most = fitted ? std::optional(*window - *input - kMargin) : output_limit(refusal);
  if (!most || *most < (fitted ? kLeastUseful : 1)) return std::nullopt;
  if (adjusted.max_output > 0 && adjusted.max_output <= *most) return std::nullopt;
  Repair repair;
  repair.number = 10;
  repair.adjustments.max_output = *most;
  repair.lasting = !fitted;
  return repair;
}

// ---- effort ------------------------------------------------------------------------------------

namespace {

// The levels behind "supported values are: 'low', 'medium', and 'high'" and its like.
std::string listed_levels(std::string_view text) {
  std::size_t at = std::string_view::npos;
  for (const std::string_view key :
       {"supported values", "must be one of", "should be '", "expected one of", "allowed values",
        "valid values", "one of the following", "supported:", "options are"})
    at = std::min(at, text.find(key));
  if (at == std::string_view::npos) return {};
  std::string levels, word;
  for (const char c : std::string(text.substr(at)) + ' ') {
    if (c >= 'a' && c <= 'z') {
      word.push_back(c);
      continue;
    }
    Effort effort;
    if (parse_effort(word, effort)) levels += (levels.empty() ? "" : ",") + word;
    word.clear();
  }
  return levels;
}

}  // namespace

Found fit_effort(const Refusal& refusal, const Dialect& current, const Adjustments&) {
  const bool about = refusal.is_about("reasoning_effort") || refusal.is_about("reasoning.effort") ||
                     refusal.is_about("effort") || refusal.is_about("reasoningeffort") ||
                     refusal.quotes("reasoning") || refusal.param.starts_with("reasoning");
  // Row 5 has its own words, and reasoning_content is row 17's.
  if (!about || refusal.has("function tools")) return std::nullopt;
  const std::string levels = listed_levels(refusal.text);
  if (!levels.empty()) return repair_flag(2, "efforts", levels);
  if (!refusal.is_unsupported() || current.reasoning == ReasoningRequest::none) return std::nullopt;
  return repair_flag(2, "reasoning", "none");
}

// ---- sampling, stop, streaming -----------------------------------------------------------------

Found drop_sampling(const Refusal& refusal, const Dialect& current, const Adjustments&) {
  // "invalid temperature: only 1 is allowed for this model", "cannot both be specified"
  const bool refused =
      refusal.is_unsupported() || refusal.has_any({"only 1 is", "cannot both be specified"});
  if (!refused) return std::nullopt;
  if (current.top_k && refusal.is_about("top_k")) return repair_flag(3, "top_k", "false");
  if (current.sampling && (refusal.is_about("temperature") || refusal.is_about("top_p")))
    return repair_flag(3, "sampling", "false");
  return std::nullopt;
}

Found drop_stop(const Refusal& refusal, const Dialect& current, const Adjustments&) {
  if (current.max_stop == 0 || !refusal.is_unsupported()) return std::nullopt;
  const bool about =
      refusal.quotes("stop") || refusal.has_any({"parameter: stop", "stop sequence"});
  if (!about) return std::nullopt;
  return repair_flag(4, "max_stop", "0");
}

Found drop_stream_options(const Refusal& refusal, const Dialect& current, const Adjustments&) {
  if (!refusal.is_unsupported()) return std::nullopt;
  if (current.include_obfuscation && refusal.is_about("include_obfuscation"))
    return repair_flag(6, "include_obfuscation", "false");
  if (current.stream_options &&
      (refusal.is_about("stream_options") || refusal.is_about("include_usage")))
    return repair_flag(6, "stream_options", "false");
  return std::nullopt;
}

// Plain answers only, for organisations that are not verified; streams only, for some thinking
// models.
Found change_streaming(const Refusal& refusal, const Dialect&, const Adjustments& adjusted) {
  Repair repair;
  repair.number = 18;
  if (refusal.has_any({"only support stream", "only supports stream", "non-streaming calls",
                       "non-streaming call"}) &&
      !adjusted.stream_only) {
    repair.adjustments.stream_only = true;
    return repair;
  }
  const bool verified = refusal.has("must be verified") && refusal.has("stream");
  if (adjusted.no_stream || refusal.has("stream_options")) return std::nullopt;
  if (refusal.param != "stream" && !verified) return std::nullopt;
  repair.adjustments.no_stream = true;
  return repair;
}

// ---- formats and single fields -----------------------------------------------------------------

Found weaken_json_output(const Refusal& refusal, const Dialect& current, const Adjustments&) {
  if (!refusal.has_any({"response_format", "json_schema", "structured output", "text.format"}) &&
      !refusal.param.starts_with("response_format") && !refusal.param.starts_with("text.format"))
    return std::nullopt;
  switch (current.json_output) {
    case JsonOutput::json_schema:
      return repair_flag(14, "json_output", "json_object");
    case JsonOutput::json_object:
      return repair_flag(14, "json_output", "none");
    case JsonOutput::none:
      break;
  }
  return std::nullopt;
}

Found drop_field(const Refusal& refusal, const Dialect& current, const Adjustments& adjusted) {
  if (!refusal.is_unsupported()) return std::nullopt;
  // Two that stand inside messages, where a flag takes them out.
  const bool breakpoint = refusal.is_about("prompt_cache_breakpoint") ||
                          refusal.param.ends_with("prompt_cache_breakpoint");
  if (current.cache_breakpoints && breakpoint) return repair_flag(16, "cache_breakpoints", "false");
  if (current.phase && refusal.param.starts_with("input[") && refusal.param.ends_with("].phase"))
    return repair_flag(16, "phase", "false");
  if (current.cache_control && refusal.is_about("cache_control"))
    return repair_flag(16, "cache_control", "false");
  for (const std::string_view field :
       {"safety_identifier", "prompt_cache_key", "prompt_cache_options", "store", "metadata",
        "service_tier", "include", "session_id", "reasoning_format", "max_output_tokens",
        "max_tool_calls", "truncation", "user"}) {
    const bool ordinary = field == "user" || field == "store" || field == "metadata" ||
                          field == "include" || field == "truncation";
    // xAI names them without quotes, at the end.
    const bool named =
        refusal.text.find("argument not supported: " + std::string(field)) != std::string::npos;
    if (!named && (ordinary ? !refusal.quotes(field) : !refusal.is_about(field))) continue;
    const auto& dropped = adjusted.drop_fields;
    if (std::find(dropped.begin(), dropped.end(), field) != dropped.end()) continue;
    Repair repair;
    repair.number = 16;
    repair.adjustments.drop_fields.emplace_back(field);
    return repair;
  }
  return std::nullopt;
}

}  // namespace clasp::translate::repair_rules
