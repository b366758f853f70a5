// See count_request.h.
#include "core/translate/count_request.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/text.h"
#include "core/translate/extra_members.h"
#include "core/translate/request.h"
#include "core/wire/json_reader.h"

namespace clasp::translate {

namespace {

// Members that shape an answer, which there is none of.
const std::vector<std::string>& answer_members() {
  static const std::vector<std::string> kMembers{"max_output_tokens",
                                                 "max_tool_calls",
                                                 "include",
                                                 "store",
                                                 "temperature",
                                                 "top_p",
                                                 "safety_identifier",
                                                 "prompt_cache_key",
                                                 "service_tier",
                                                 "prompt_cache_options",
                                                 "stream",
                                                 "stream_options"};
  return kMembers;
}

// What a chat template sees of a request.
constexpr std::array<std::string_view, 12> kTemplateMembers{"model",
                                                            "messages",
                                                            "tools",
                                                            "tool_choice",
                                                            "parallel_tool_calls",
                                                            "response_format",
                                                            "reasoning_format",
                                                            "chat_template",
                                                            "chat_template_kwargs",
                                                            "add_generation_prompt",
                                                            "continue_final_message",
                                                            "mm_processor_kwargs"};
// vLLM applies these outside of the template: its tokenizer does not know them.
constexpr std::array<std::string_view, 4> kUnknownToVllm{"tool_choice", "parallel_tool_calls",
                                                         "response_format", "reasoning_format"};

bool has(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string template_members(std::string_view body, bool vllm) {
  std::string out = "{";
  wire::JsonReader reader(body);
  wire::JsonReader::Members members(reader);
  std::string_view name, value;
  while (members.next(name) && reader.skip(value)) {
    if (!has(kTemplateMembers, name) || (vllm && has(kUnknownToVllm, name))) continue;
    if (out.size() > 1) out.push_back(',');
    out.append("\"").append(name).append("\":").append(value);
  }
  return out.append("}");
}

std::optional<std::int64_t> number_in(std::string_view answer, std::string_view member) {
  constexpr std::uint64_t kMost = 1'000'000'000;
  const auto json = wire::json_member(answer, member);
  const auto tokens = json ? parse_unsigned(*json) : std::nullopt;
  if (!tokens || *tokens > kMost) return std::nullopt;
  return static_cast<std::int64_t>(*tokens);
}

std::optional<std::int64_t> items_in(std::string_view answer, std::string_view member) {
  const auto json = wire::json_member(answer, member);
  if (!json || !json->starts_with('[')) return std::nullopt;
  wire::JsonReader reader(*json);
  wire::JsonReader::Items items(reader);
  std::int64_t count = 0;
  while (items.next() && reader.skip()) ++count;
  return count;
}

}  // namespace

std::optional<CountStep> first_count_step(const Target& target) {
  const CountInput by = target.dialect->count_input;
  // What Responses counts are its own items, what the local servers count is a chat.
  if (by == CountInput::none || (target.api == Api::responses) != (by == CountInput::responses))
    return std::nullopt;
  return by == CountInput::vllm ? CountStep::vllm_tokenize : CountStep::input_tokens;
}

std::optional<std::string> count_request(const wire::MessagesRequest& request, const Target& target,
                                         const RequestFacts& facts) {
  const auto step = first_count_step(target);
  if (!step) return std::nullopt;
  auto translated = translate_request(request, target, facts);
  if (!translated || translated->body.empty()) return std::nullopt;
  if (target.api == Api::responses)
    return without_fields(std::move(translated->body), answer_members());
  return template_members(translated->body, *step == CountStep::vllm_tokenize);
}

std::optional<std::string> tokenize_request(std::string_view answer) {
  if (!wire::is_valid_json(answer)) return std::nullopt;
  const auto prompt = wire::json_member(answer, "prompt");
  // A picture is a mark in the text here, and many tokens to the model.
  if (!prompt || !prompt->starts_with('"') || prompt->find("<__media") != std::string_view::npos)
    return std::nullopt;
  return R"({"add_special":true,"parse_special":true,"content":)" + std::string(*prompt) + "}";
}

std::string count_url(CountStep step, std::string_view api_url) {
  const std::size_t path_end = std::min(api_url.find('?'), api_url.size());
  std::string_view path = api_url.substr(0, path_end);
  const std::string_view query = api_url.substr(path_end);
  if (step == CountStep::input_tokens)
    return std::string(path).append("/input_tokens").append(query);
  // These stand beside the API, not in it.
  for (const std::string_view tail : {"/chat/completions", "/v1"})
    if (path.ends_with(tail)) path.remove_suffix(tail.size());
  return std::string(path)
      .append(step == CountStep::apply_template ? "/apply-template" : "/tokenize")
      .append(query);
}

std::optional<std::int64_t> counted_tokens(CountStep step, std::string_view answer) {
  if (!wire::is_valid_json(answer)) return std::nullopt;
  switch (step) {
    case CountStep::input_tokens:
      return number_in(answer, "input_tokens");
    case CountStep::vllm_tokenize:
      return number_in(answer, "count");
    case CountStep::tokenize:
      return items_in(answer, "tokens");
    case CountStep::apply_template:
      break;
  }
  return std::nullopt;
}

}  // namespace clasp::translate
