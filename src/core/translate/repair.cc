// The table of refusals. Rows are tried in order; the first that matches and would change
// something wins. Texts are compared in lower case.
#include "core/translate/repair.h"

#include <jansson.h>

#include <algorithm>
#include <memory>

#include "base/text.h"

namespace clasp::translate {

namespace {

struct JsonFree {
  void operator()(json_t* value) const { json_decref(value); }
};
using JsonPtr = std::unique_ptr<json_t, JsonFree>;

// A refusal as the rows see it: everything lower case.
struct Refusal {
  std::string text;   // message, and the provider's raw text behind a router
  std::string param;  // the parameter that the server names
  std::string code;
};

std::string lower_string(const json_t* object, const char* key) {
  const json_t* value = json_object_get(object, key);
  if (!json_is_string(value)) return {};
  return to_lower({json_string_value(value), json_string_length(value)});
}

Refusal read_refusal(std::string_view body) {
  Refusal refusal;
  const JsonPtr root(json_loadb(body.data(), body.size(), JSON_ALLOW_NUL, nullptr));
  const json_t* outer = json_is_array(root.get()) ? json_array_get(root.get(), 0) : root.get();
  const json_t* error = json_object_get(outer, "error");
  if (!json_is_object(error)) error = outer;
  refusal.text = lower_string(error, "message");
  refusal.param = lower_string(error, "param");
  refusal.code = lower_string(error, "code");
  const std::string raw = lower_string(json_object_get(error, "metadata"), "raw");
  if (!raw.empty()) refusal.text.append(" ").append(raw);
  // FastAPI lists and servers with shapes of their own: the whole body is the text.
  if (refusal.text.empty()) refusal.text = to_lower(body.substr(0, 4096));
  return refusal;
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool has_any(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return has(text, part); });
}

// The server says that it does not know or take something.
bool is_unsupported(const Refusal& refusal) {
  return has_any(refusal.code, {"unsupported", "unknown_parameter"}) ||
         has_any(
             refusal.text,
             {"unsupported", "not supported", "unknown", "unrecognized", "unrecognised",
              "unexpected", "not permitted", "extra inputs", "extra fields", "not allowed",
              "does not support", "doesn't support", "no such", "invalid field", "isn't supported",
              "not available", "is not valid", "not a valid", "additional properties"});
}

// `name` as a word of the text, or named as the parameter.
bool names(const Refusal& refusal, std::string_view name) {
  if (refusal.param == name || refusal.param.starts_with(std::string(name) + ".") ||
      refusal.param.starts_with(std::string(name) + "["))
    return true;
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  for (std::size_t at = refusal.text.find(name); at != std::string::npos;
       at = refusal.text.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    if ((at == 0 || !is_word(refusal.text[at - 1])) &&
        (end >= refusal.text.size() || !is_word(refusal.text[end])))
      return true;
  }
  return false;
}

// The first number behind `key`, nothing when there is none.
std::optional<std::int64_t> number_after(std::string_view text, std::string_view key) {
  std::size_t at = text.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  at += key.size();
  while (at < text.size() && (text[at] < '0' || text[at] > '9')) {
    if (text[at] == '.' || text[at] == '\n') return std::nullopt;
    ++at;
  }
  std::string digits;
  for (; at < text.size() && ((text[at] >= '0' && text[at] <= '9') || text[at] == ','); ++at)
    if (text[at] != ',') digits.push_back(text[at]);
  const auto value = parse_unsigned(digits);
  if (!value || *value == 0 || *value > 1'000'000'000) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

using Rule = std::optional<Repair> (*)(const Refusal&, const Dialect&, const Adjustments&);

Repair with_flag(int number, std::string key, std::string value) {
  Repair repair;
  repair.number = number;
  repair.flags.emplace_back(std::move(key), std::move(value));
  return repair;
}

std::optional<Repair> swap_cap_field(const Refusal& refusal, const Dialect&, const Adjustments&) {
  if (!is_unsupported(refusal)) return std::nullopt;
  const bool wants_completion =
      has_any(refusal.text, {"use 'max_completion_tokens'", "use max_completion_tokens"});
  if (wants_completion || refusal.param == "max_tokens")
    return with_flag(1, "cap", "max_completion_tokens");
  if (names(refusal, "max_completion_tokens")) return with_flag(1, "cap", "max_tokens");
  if (names(refusal, "max_tokens")) return with_flag(1, "cap", "max_completion_tokens");
  return std::nullopt;
}

// The list behind "supported values are: 'low', 'medium', and 'high'".
std::string listed_levels(std::string_view text) {
  std::size_t at = text.find("supported");
  // "unsupported value" is not yet the list.
  while (at != std::string_view::npos && at > 0 && text[at - 1] == 'n')
    at = text.find("supported", at + 1);
  if (at == std::string_view::npos) return {};
  std::string levels;
  std::string word;
  for (char c : text.substr(at)) {
    if (c >= 'a' && c <= 'z') {
      word.push_back(c);
      continue;
    }
    Effort effort;
    if (parse_effort(word, effort)) levels += (levels.empty() ? "" : ",") + word;
    word.clear();
  }
  Effort effort;
  if (parse_effort(word, effort)) levels += (levels.empty() ? "" : ",") + word;
  return levels;
}

std::optional<Repair> fit_effort(const Refusal& refusal, const Dialect&, const Adjustments&) {
  const bool about = names(refusal, "reasoning_effort") || names(refusal, "reasoning.effort") ||
                     names(refusal, "effort");
  // Row 5 has its own words.
  if (!about || has(refusal.text, "function tools")) return std::nullopt;
  const std::string levels = listed_levels(refusal.text);
  if (!levels.empty()) return with_flag(2, "efforts", levels);
  if (!is_unsupported(refusal)) return std::nullopt;
  return with_flag(2, "reasoning", "none");
}

std::optional<Repair> drop_sampling(const Refusal& refusal, const Dialect& current,
                                    const Adjustments&) {
  if (!is_unsupported(refusal)) return std::nullopt;
  if (current.top_k && names(refusal, "top_k")) return with_flag(3, "top_k", "false");
  if (names(refusal, "temperature") || names(refusal, "top_p"))
    return with_flag(3, "sampling", "false");
  return std::nullopt;
}

std::optional<Repair> drop_stop(const Refusal& refusal, const Dialect& current,
                                const Adjustments&) {
  if (current.max_stop == 0 || !is_unsupported(refusal)) return std::nullopt;
  const bool about =
      refusal.param == "stop" ||
      has_any(refusal.text, {"'stop'", "\"stop\"", "parameter: stop", "`stop`", "stop sequence"});
  if (!about) return std::nullopt;
  return with_flag(4, "max_stop", "0");
}

// Tools together with reasoning exist only on another API of that server: reasoning is given up.
std::optional<Repair> tools_without_effort(const Refusal& refusal, const Dialect& current,
                                           const Adjustments&) {
  const bool about = has(refusal.text, "function tools") && has(refusal.text, "reasoning_effort");
  if (!about || current.reasoning == ReasoningRequest::none) return std::nullopt;
  if (current.efforts == efforts_of(Effort::none)) return with_flag(5, "reasoning", "none");
  return with_flag(5, "efforts", "none");
}

std::optional<Repair> drop_stream_options(const Refusal& refusal, const Dialect& current,
                                          const Adjustments&) {
  if (!is_unsupported(refusal)) return std::nullopt;
  if (current.include_obfuscation && names(refusal, "include_obfuscation"))
    return with_flag(6, "include_obfuscation", "false");
  if (!current.stream_options) return std::nullopt;
  if (names(refusal, "stream_options") || names(refusal, "include_usage"))
    return with_flag(6, "stream_options", "false");
  return std::nullopt;
}

std::optional<Repair> drop_parallel(const Refusal& refusal, const Dialect&, const Adjustments&) {
  if (!names(refusal, "parallel_tool_calls") || !is_unsupported(refusal)) return std::nullopt;
  return with_flag(7, "parallel_tool_calls", "false");
}

std::optional<Repair> soften_tool_choice(const Refusal& refusal, const Dialect& current,
                                         const Adjustments& adjusted) {
  if (!has(refusal.text, "tool_choice") && refusal.param != "tool_choice") return std::nullopt;
  const bool thinking = has_any(refusal.text, {"thinking", "reasoning"});
  if (thinking && !current.forced_without_thinking) {
    Repair repair = with_flag(9, "forced_without_thinking", "true");
    return repair;
  }
  if (!thinking && current.tool_choice == ToolChoice::all &&
      has_any(refusal.text,
              {"invalid tool_choice type", "must be a string", "should be a valid string",
               "expected a string", "expected string", "supported string values"}))
    return with_flag(8, "tool_choice", "strings");
  if (adjusted.auto_tool_choice || (!thinking && !is_unsupported(refusal))) return std::nullopt;
  Repair repair;
  repair.number = thinking ? 9 : 8;
  repair.adjustments.auto_tool_choice = true;
  return repair;
}

// "supports at most N completion tokens", and "… context length is M … (K in the messages …)".
std::optional<Repair> fit_cap(const Refusal& refusal, const Dialect&, const Adjustments&) {
  if (!has_any(refusal.text, {"max_tokens", "max_completion_tokens", "completion tokens",
                              "output tokens", "max_new_tokens", "in the completion"}))
    return std::nullopt;
  constexpr std::int64_t kLeastUseful = 256, kMargin = 16;
  std::optional<std::int64_t> most;
  for (std::string_view key :
       {"at most ", "less than or equal to ", "must be <=", "maximum allowed is ",
        "maximum value is ", "must not exceed ", "[1, "})
    if (!most) most = number_after(refusal.text, key);
  const auto window = number_after(refusal.text, "maximum context length is");
  auto input = number_after(refusal.text, "your request has");
  for (std::string_view key : {"input tokens: ", "prompt contains at least ", "prompt contains "})
    if (!input) input = number_after(refusal.text, key);
  if (!input) {
    // "(9000 in the messages, 4096 in the completion)"
    const std::size_t at = refusal.text.find(" in the messages");
    if (at != std::string::npos) {
      std::size_t from = refusal.text.find_last_not_of("0123456789", at - 1);
      if (const auto n = parse_unsigned(refusal.text.substr(from + 1, at - from - 1)))
        input = static_cast<std::int64_t>(*n);
    }
  }
  if (window && input) most = *window - *input - kMargin;
  if (!most || *most < (window ? kLeastUseful : 1)) return std::nullopt;
  Repair repair;
  repair.number = 10;
  repair.adjustments.max_output = *most;
  repair.lasting = !(window && input);
  return repair;
}

std::optional<Repair> shorten_descriptions(const Refusal& refusal, const Dialect& current,
                                           const Adjustments&) {
  if (!has(refusal.text, "description") && !has(refusal.param, "description")) return std::nullopt;
  if (!has_any(refusal.text, {"too long", "maximum length", "at most"}) &&
      !has(refusal.code, "above_max_length"))
    return std::nullopt;
  auto most = number_after(refusal.text, "maximum length");
  if (!most) most = number_after(refusal.text, "at most");
  const std::int64_t limit = most.value_or(1024);
  if (current.max_description != 0 && current.max_description <= limit) return std::nullopt;
  return with_flag(11, "max_description", std::to_string(limit));
}

std::optional<Repair> change_system_role(const Refusal& refusal, const Dialect& current,
                                         const Adjustments&) {
  const bool about_role =
      has(refusal.text, "role") || has(refusal.param, "role") || has(refusal.text, "template");
  if (!about_role) return std::nullopt;
  if (has(refusal.text, "developer") && current.system_role == SystemRole::developer)
    return with_flag(12, "system_role", "system");
  if (has(refusal.text, "system") && current.system_role != SystemRole::user &&
      (is_unsupported(refusal) || has(refusal.text, "system role")))
    return with_flag(12, "system_role", "user");
  return std::nullopt;
}

std::optional<Repair> drop_media(const Refusal& refusal, const Dialect& current,
                                 const Adjustments&) {
  const bool image = has_any(refusal.text, {"image_url", "image input", "images", "vision",
                                            "multimodal", "image content"});
  if (image && current.images && is_unsupported(refusal)) {
    Repair repair = with_flag(13, "images", "false");
    repair.flags.emplace_back("image_urls", "false");
    return repair;
  }
  const bool file = has_any(refusal.text, {"'file'", "\"file\"", "file input", "pdf"});
  if (file && current.pdf_files && is_unsupported(refusal))
    return with_flag(13, "pdf_files", "false");
  return std::nullopt;
}

std::optional<Repair> weaken_json_output(const Refusal& refusal, const Dialect& current,
                                         const Adjustments&) {
  if (!has_any(refusal.text, {"response_format", "json_schema", "structured output"}) &&
      !refusal.param.starts_with("response_format"))
    return std::nullopt;
  switch (current.json_output) {
    case JsonOutput::json_schema:
      return with_flag(14, "json_output", "json_object");
    case JsonOutput::json_object:
      return with_flag(14, "json_output", "none");
    case JsonOutput::none:
      break;
  }
  return std::nullopt;
}

std::optional<Repair> drop_field(const Refusal& refusal, const Dialect&,
                                 const Adjustments& adjusted) {
  if (!is_unsupported(refusal)) return std::nullopt;
  for (std::string_view field :
       {"safety_identifier", "prompt_cache_key", "prompt_cache_options", "prompt_cache_breakpoint",
        "store", "metadata", "service_tier", "session_id", "reasoning_format", "user"}) {
    const bool quoted = has(refusal.text, "'" + std::string(field) + "'") ||
                        has(refusal.text, "\"" + std::string(field) + "\"");
    // "user" and "store" are ordinary words; they count only when they are named as a field.
    const bool named = field == "user" || field == "store" || field == "metadata"
                           ? quoted || refusal.param == field
                           : names(refusal, field);
    if (!named) continue;
    const auto& dropped = adjusted.drop_fields;
    if (std::find(dropped.begin(), dropped.end(), field) != dropped.end()) continue;
    Repair repair;
    repair.number = 16;
    repair.adjustments.drop_fields.emplace_back(field);
    return repair;
  }
  return std::nullopt;
}

std::optional<Repair> replay_reasoning(const Refusal& refusal, const Dialect& current,
                                       const Adjustments&) {
  if (!has(refusal.text, "reasoning_content") || current.replay_on_calls) return std::nullopt;
  if (!has_any(refusal.text, {"must be passed", "missing", "required", "is required",
                              "must be provided", "passed back"}))
    return std::nullopt;
  Repair repair = with_flag(17, "replay", "reasoning_content");
  repair.flags.emplace_back("replay_on_calls", "true");
  return repair;
}

std::optional<Repair> give_up_stream(const Refusal& refusal, const Dialect&,
                                     const Adjustments& adjusted) {
  const bool about =
      refusal.param == "stream" ||
      (has(refusal.text, "stream") && has(refusal.text, "organization must be verified"));
  if (!about || adjusted.no_stream || has(refusal.text, "stream_options")) return std::nullopt;
  Repair repair;
  repair.number = 18;
  repair.adjustments.no_stream = true;
  return repair;
}

std::optional<Repair> bypass_signature(const Refusal& refusal, const Dialect& current,
                                       const Adjustments&) {
  if (!has_any(refusal.text, {"thought_signature", "thought signature"}) ||
      current.replay == ReasoningReplay::gemini)
    return std::nullopt;
  return with_flag(19, "replay", "gemini");
}

// "Invalid schema for function 'NAME': …"
std::optional<Repair> reduce_schema(const Refusal& refusal, const Dialect&,
                                    const Adjustments& adjusted) {
  constexpr std::string_view kOpening = "invalid schema for function '";
  const std::size_t at = refusal.text.find(kOpening);
  if (at == std::string::npos) return std::nullopt;
  const std::size_t from = at + kOpening.size();
  const std::size_t to = refusal.text.find('\'', from);
  if (to == std::string::npos) return std::nullopt;
  const std::string name = refusal.text.substr(from, to - from);
  for (const std::string& done : adjusted.reduced_tools)
    if (iequals(done, name)) return std::nullopt;
  Repair repair;
  repair.number = 20;
  repair.adjustments.reduced_tools.push_back(name);
  return repair;
}

std::optional<Repair> alternate_roles(const Refusal& refusal, const Dialect& current,
                                      const Adjustments&) {
  if (current.strict_alternation) return std::nullopt;
  if (!has_any(refusal.text, {"must alternate", "roles must alternate", "alternate user/assistant",
                              "unexpected role", "expected last role"}))
    return std::nullopt;
  Repair repair = with_flag(21, "strict_alternation", "true");
  repair.flags.emplace_back("mid_system", "fold");
  return repair;
}

// Specific texts first: "max_tokens is too large" is not "max_tokens is unknown".
constexpr Rule kRules[] = {
    reduce_schema,
    shorten_descriptions,
    tools_without_effort,
    fit_cap,
    swap_cap_field,
    fit_effort,
    soften_tool_choice,
    drop_parallel,
    drop_stream_options,
    give_up_stream,
    replay_reasoning,
    bypass_signature,
    weaken_json_output,
    drop_sampling,
    drop_stop,
    change_system_role,
    alternate_roles,
    drop_media,
    drop_field,
};

}  // namespace

std::optional<Repair> detect_repair(int status, std::string_view body, const Dialect& current,
                                    const Adjustments& adjusted) {
  if (status != 400 && status != 404 && status != 422 && status != 200) return std::nullopt;
  const Refusal refusal = read_refusal(body);
  for (const Rule rule : kRules)
    if (auto repair = rule(refusal, current, adjusted)) return repair;
  return std::nullopt;
}

std::string repair_key(const Repair& repair) {
  std::string key = std::to_string(repair.number);
  // A cap field that was swapped is not swapped back.
  if (repair.number == 1) return key;
  if (!repair.flags.empty()) key += " " + repair.flags[0].first + "=" + repair.flags[0].second;
  for (const std::string& field : repair.adjustments.drop_fields) key += " " + field;
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
  adjustments.no_stream |= more.no_stream;
}

}  // namespace clasp::translate
