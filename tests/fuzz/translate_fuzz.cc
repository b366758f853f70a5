// A client's body from arbitrary bytes, for every dialect: what is accepted becomes valid JSON, the
// same one every time, and what is refused is refused with a 4xx and a reason.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/translate/api_choice.h"
#include "core/translate/request.h"
#include "core/translate/signature.h"
#include "core/wire/json_reader.h"
#include "core/wire/tool_memory.h"

using namespace clasp;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_refusal(const wire::ApiError& error) {
  require(error.status / 100 == 4 && !error.message.empty());
}

// Knows something about every call.
class Store final : public translate::ReplaySource {
 public:
  translate::KeptStatePtr find(std::string_view) const override { return kept_; }

 private:
  translate::KeptStatePtr kept_ = std::make_shared<const translate::KeptState>(translate::KeptState{
      translate::encode_signature({"d", "0a0a0a0a", "vendor/m", 't', R"({"text":"x"})"}) + " " +
          translate::encode_signature(
              {"d", "0a0a0a0a", "gpt-5.6", 'r', R"({"id":"rs_1","ec":"x","at":1})"}),
      translate::encode_signature({"d", "0a0a0a0a", "vendor/m", 'o', "[1]"})});
};

// Context edits never make a conversation longer, and say so in JSON.
void check_edits(const wire::MessagesRequest& request, const translate::Dialect& dialect,
                 const translate::ReplyContext& reply) {
  const auto count = translate::count_tokens(request, dialect);
  require(count.has_value());
  require(count->input_tokens <= count->original_input_tokens.value_or(count->input_tokens));
  const std::string& edits = reply.context_management_json;
  require(edits.empty() || wire::is_valid_json(edits));
  if (!reply.compaction) require(reply.input_estimate.tokens() == count->input_tokens);
}

void check_dialect(const wire::MessagesRequest& request, const translate::Dialect& row, bool strict,
                   translate::Api api = translate::Api::chat) {
  const translate::Dialect dialect =
      api == translate::Api::chat ? row : translate::responses_dialect(row);
  translate::Target target;
  target.dialect = &dialect;
  target.api = api;
  target.model = dialect.openai_families ? "gpt-5.6" : "vendor/model";
  target.base_url_hash = "0a0a0a0a";
  target.strict = strict;
  translate::RequestFacts facts;
  facts.anthropic_version = "2026-10-21";
  const Store store;
  facts.replay = &store;
  const auto result = translate::translate_request(request, target, facts);
  if (!result) return check_refusal(result.error());
  require(result->answer_without_call || wire::is_valid_json(result->body));
  require(!strict || result->warnings.empty());
  check_edits(request, dialect, result->reply);
  for (const std::string& warning : result->warnings)
    for (const char c : warning) require(c > 0x20 && c < 0x7f && c != ',');
  require(translate::translate_request(request, target, facts)->body == result->body);
}

// A memory of tool lists changes nothing, neither the first time nor when it knows the list.
void check_memory(const std::string& body) {
  const auto plain = wire::parse_messages_request(body, false);
  wire::ToolMemory memory;
  for (int i = 0; i < 2; ++i) {
    const auto with = wire::parse_messages_request(body, false, &memory);
    require(with.has_value() == plain.has_value());
    if (!plain) {
      require(with.error().message == plain.error().message);
      continue;
    }
    require(with->spaces == plain->spaces && with->needless_escapes == plain->needless_escapes);
    require(with->tools.size() == plain->tools.size());
    for (std::size_t k = 0; k < plain->tools.size(); ++k) {
      const wire::Tool &a = with->tools[k], &b = plain->tools[k];
      require(a.json.data() == b.json.data() && a.json == b.json && a.name_raw == b.name_raw);
      require(a.schema_json == b.schema_json && a.description_raw == b.description_raw);
    }
    require(translate::estimate_tokens(*with) == translate::estimate_tokens(*plain));
  }
}

}  // namespace

// First byte: the dialect, and whether it is strict. The rest: the body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string body(reinterpret_cast<const char*>(data) + 1, size - 1);
  check_memory(body);
  const auto request = wire::parse_messages_request(body, false);
  if (!request) {
    check_refusal(request.error());
    return 0;
  }
  require(wire::is_valid_json(body));
  require(translate::estimate_tokens(*request) >= 0);
  const auto names = translate::dialect_names();
  const bool strict = data[0] >= 128;
  const translate::Dialect& dialect = *translate::find_dialect(names[data[0] % names.size()]);
  check_dialect(*request, dialect, strict);
  check_dialect(*request, dialect, strict, translate::Api::responses);
  return 0;
}
