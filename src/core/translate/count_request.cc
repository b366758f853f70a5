// See count_request.h.
#include "core/translate/count_request.h"

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

}  // namespace

std::optional<std::string> count_request(const wire::MessagesRequest& request, const Target& target,
                                         const RequestFacts& facts) {
  if (target.api != Api::responses || !target.dialect->count_input) return std::nullopt;
  auto translated = translate_request(request, target, facts);
  if (!translated || translated->body.empty()) return std::nullopt;
  return without_fields(std::move(translated->body), answer_members());
}

std::optional<std::int64_t> counted_tokens(std::string_view body) {
  constexpr std::uint64_t kMost = 1'000'000'000;
  if (!wire::is_valid_json(body)) return std::nullopt;
  const auto json = wire::json_member(body, "input_tokens");
  const auto tokens = json ? parse_unsigned(*json) : std::nullopt;
  if (!tokens || *tokens > kMost) return std::nullopt;
  return static_cast<std::int64_t>(*tokens);
}

}  // namespace clasp::translate
