// Which API a call uses (translation spec §0.4), and what a refusal teaches about that (§6.5, rows
// 5, 15 and 18).
#include "core/translate/api_choice.h"

#include <doctest/doctest.h>

#include <string>

#include "core/translate/repair.h"
#include "core/translate/signature.h"

using namespace clasp;
using namespace clasp::translate;

namespace {

constexpr const char* kHi =
    R"({"model":"c","max_tokens":9,"messages":[{"role":"user","content":"hi"}]})";

struct Ask {
  std::string model = "gpt-4o";
  std::string dialect = "openai";
  std::string flag = {};
  Adjustments learned = {};
};

Api choose(const Ask& ask, const std::string& body = kHi) {
  const auto request = wire::parse_messages_request(body, false);
  REQUIRE(request);
  Dialect dialect = *find_dialect(ask.dialect);
  if (!ask.flag.empty()) REQUIRE(set_dialect_flag(dialect, "responses", ask.flag));
  Target target;
  target.dialect = &dialect;
  target.model = ask.model;
  target.base_url_hash = "b0b0b0b0";
  target.adjustments = &ask.learned;
  return choose_api(*request, target);
}

std::string asked(const std::string& messages, const std::string& members = "") {
  return R"({"model":"c","max_tokens":9,"messages":[)" + messages + "]" + members + "}";
}
const std::string kUser = R"({"role":"user","content":"hi"})";

std::string error(const std::string& message, const std::string& param = "",
                  const std::string& code = "") {
  return R"({"error":{"message":")" + message + R"(","type":"invalid_request_error","param":")" +
         param + R"(","code":")" + code + "\"}}";
}

std::optional<Repair> lesson(const std::string& body, Api api, const Adjustments& learned = {},
                             int status = 400, const std::string& dialect = "openai") {
  const Dialect row = *find_dialect(dialect);
  return detect_repair(status, body, api == Api::chat ? row : responses_dialect(row), learned, api);
}

}  // namespace

TEST_CASE("§0.4: models that exist or think with tools on Responses only") {
  for (const char* model :
       {"gpt-5.4", "gpt-5.4-mini", "gpt-5.10", "gpt-5.6-2026-01-01", "gpt-6", "gpt-6-astra",
        "gpt-6.2-sol", "gpt-5-codex", "gpt-5.1-codex-max", "codex-mini-latest", "gpt-5-pro",
        "gpt-5.2-pro-2025-12-11", "o1-pro", "o3-pro", "o3-deep-research", "o4-mini-deep-research",
        "openai/gpt-5.4"})
    CHECK_MESSAGE(choose({.model = model}) == Api::responses, model);
  for (const char* model :
       {"gpt-4o", "gpt-4.1", "gpt-3.5-turbo", "gpt-5", "gpt-5-mini", "gpt-5.1", "gpt-5.3", "o1",
        "o3", "o4-mini", "gpt-5.4-chat-latest", "gpt-4o-search-preview", "my-deployment",
        "gpt-oss-120b", "chatgpt-4o-latest"})
    CHECK_MESSAGE(choose({.model = model}) == Api::chat, model);
  CHECK(choose({.model = "gpt-5.4", .dialect = "azure"}) == Api::responses);
}

TEST_CASE("§0.4: other dialects use it when they are told to") {
  for (const char* dialect : {"vllm", "openrouter", "lmstudio", "ollama", "xai", "generic"}) {
    CHECK(choose({.model = "gpt-5.4", .dialect = dialect}) == Api::chat);
    CHECK(choose({.model = "gpt-5.4", .dialect = dialect, .flag = "auto"}) == Api::responses);
    CHECK(choose({.model = "llama", .dialect = dialect, .flag = "true"}) == Api::responses);
  }
  CHECK(choose({.model = "gpt-5.1", .flag = "true"}) == Api::responses);
  CHECK(choose({.model = "gpt-5.4", .flag = "false"}) == Api::chat);
  CHECK(choose({.model = "gpt-5.4", .dialect = "anthropic", .flag = "true"}) == Api::chat);
}

TEST_CASE("§0.4: requests that ask for what only Responses has") {
  const std::string search = R"(,"tools":[{"type":"web_search_20250305","name":"web_search"}])";
  CHECK(choose({}, asked(kUser, search)) == Api::responses);
  CHECK(choose({.model = "gpt-4o-search-preview"}, asked(kUser, search)) == Api::chat);
  CHECK(choose({.dialect = "vllm"}, asked(kUser, search)) == Api::chat);
  const std::string server = R"(,"mcp_servers":[{"type":"url","name":"w","url":"https://w.test")";
  CHECK(choose({}, asked(kUser, server + "}]")) == Api::responses);
  CHECK(choose({}, asked(kUser, server + R"(,"tool_configuration":{"enabled":false}}])")) ==
        Api::chat);
  const auto document = [](const std::string& source) {
    return asked(R"({"role":"user","content":[{"type":"document","source":)" + source + "}]}");
  };
  CHECK(choose({}, document(R"({"type":"url","url":"https://x.test/a.pdf"})")) == Api::responses);
  CHECK(choose({}, document(R"({"type":"base64","media_type":"application/pdf","data":"AA=="})")) ==
        Api::chat);
  const std::string zero = R"({"model":"c","max_tokens":0,"messages":[)" + kUser + "]}";
  CHECK(choose({.model = "gpt-5.1"}, zero) == Api::chat);
}

TEST_CASE(
    "§0.4: a conversation with sealed reasoning of this backend goes on where it can be read") {
  const auto with = [](char kind, const std::string& backend) {
    const SignatureState state{"openai", backend, "gpt-5.4", kind, R"({"id":"rs_1","ec":"g"})"};
    return asked(
        kUser +
        R"(,{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":")" +
        encode_signature(state) + R"("},{"type":"text","text":"a"}]},)" + kUser);
  };
  CHECK(choose({.model = "gpt-5.1"}, with('r', "b0b0b0b0")) == Api::responses);
  CHECK(choose({.model = "gpt-5.1"}, with('r', "other000")) == Api::chat);
  CHECK(choose({.model = "gpt-5.1"}, with('n', "b0b0b0b0")) == Api::chat);
  CHECK(choose({.model = "gpt-4o"}, with('r', "b0b0b0b0")) == Api::chat);
}

TEST_CASE("§0.4: what was learned about the APIs decides before names") {
  Adjustments lacks, told;
  lacks.no_responses = true;
  told.use_responses = true;
  CHECK(choose({.model = "gpt-5.4", .learned = lacks}) == Api::chat);
  CHECK(choose({.model = "llama", .dialect = "generic", .learned = told}) == Api::responses);
  CHECK(choose({.model = "gpt-5.4", .flag = "false", .learned = told}) == Api::chat);
}

TEST_CASE("repair 5: Chat Completions says that Responses is to be used") {
  for (const char* text :
       {"Function tools with reasoning_effort are not supported for gpt-5.4 in "
        "/v1/chat/completions. Please use /v1/responses instead.",
        "This model is only supported in v1/responses and not in v1/chat/completions.",
        "This is not a chat model and thus not supported in the v1/chat/completions endpoint."}) {
    const auto repair = lesson(error(text), Api::chat, {}, 404);
    REQUIRE_MESSAGE(repair, text);
    CHECK(repair->number == 5);
    CHECK(repair->adjustments.use_responses);
    CHECK(lesson(error(text), Api::chat, {}, 404, "generic")->adjustments.use_responses);
  }
  // Where it is missing too, tools do without thinking.
  Adjustments lacks;
  lacks.no_responses = true;
  const auto repair =
      lesson(error("Function tools with reasoning_effort are not supported, use /v1/responses"),
             Api::chat, lacks);
  REQUIRE(repair);
  CHECK(repair->flags[0] == std::pair<std::string, std::string>{"efforts", "none"});
}

TEST_CASE("repair 5: a server without Responses is asked on Chat Completions") {
  const auto learns = [](int status, const std::string& body) {
    const auto repair = lesson(body, Api::responses, {}, status);
    return repair && repair->adjustments.no_responses;
  };
  CHECK(learns(404, R"({"detail":"Not Found"})"));
  CHECK(learns(404, "404 page not found"));
  CHECK(learns(404, ""));
  CHECK(learns(405, R"({"detail":"Method Not Allowed"})"));
  CHECK(learns(501, ""));
  CHECK(learns(200, R"j({"error":"Unexpected endpoint or method. (POST /v1/responses)"})j"));
  CHECK(learns(400, error("This model is only supported in v1/chat/completions.")));
  // It is the model that is missing.
  CHECK_FALSE(learns(404, error("The model `x` does not exist or you do not have access to it.", "",
                                "model_not_found")));
  CHECK_FALSE(learns(404, error("The API deployment for this resource does not exist.", "",
                                "DeploymentNotFound")));
  CHECK_FALSE(learns(400, error("something else")));
  CHECK_FALSE(lesson("", Api::chat, {}, 405));
}

TEST_CASE("repair 15: reasoning items that are not taken") {
  const auto unknown =
      lesson(error("Item with id 'rs_0aB' not found. Items are not persisted when `store` is set "
                   "to false.",
                   "input"),
             Api::responses, {}, 404);
  REQUIRE(unknown);
  CHECK(unknown->number == 15);
  CHECK(unknown->adjustments.no_item_ids);
  CHECK(unknown->lasting);
  const std::string broken = error("The encrypted content for item rs_0aB could not be verified.",
                                   "", "invalid_encrypted_content");
  const auto sealed = lesson(broken, Api::responses);
  REQUIRE(sealed);
  CHECK(sealed->adjustments.drop_reasoning == "rs_0ab");
  CHECK_FALSE(sealed->lasting);
  Adjustments once = sealed->adjustments;
  CHECK(lesson(broken, Api::responses, once)->adjustments.drop_reasoning == "*");
  once.drop_reasoning = "*";
  CHECK_FALSE(lesson(broken, Api::responses, once));
  const auto alone = lesson(
      error("Item 'rs_1' of type 'reasoning' was provided without its required following item."),
      Api::responses);
  REQUIRE(alone);
  CHECK(alone->adjustments.drop_item == "rs_1");
}

TEST_CASE("repair 18: summaries for verified organisations only") {
  const auto repair =
      lesson(error("Your organization must be verified to generate reasoning summaries.",
                   "reasoning.summary", "unsupported_value"),
             Api::responses);
  REQUIRE(repair);
  CHECK(repair->number == 18);
  CHECK(repair->adjustments.no_summary);
}

TEST_CASE("repairs 2 and 16 know the names of Responses") {
  CHECK(lesson(error("Unsupported value: 'xhigh' is not supported. Supported values are: 'low', "
                     "'medium', and 'high'.",
                     "reasoning.effort", "unsupported_value"),
               Api::responses)
            ->flags[0]
            .second == "low,medium,high");
  CHECK(
      lesson(error("Unsupported parameter: max_output_tokens", "max_output_tokens"), Api::responses)
          ->adjustments.drop_fields == std::vector<std::string>{"max_output_tokens"});
  CHECK(lesson(error("Unknown parameter: 'truncation'.", "truncation"), Api::responses)
            ->adjustments.drop_fields == std::vector<std::string>{"truncation"});
}
