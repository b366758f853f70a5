// Asking backends how many tokens a prompt has (section 7.1).
#include "core/translate/count_request.h"

#include <doctest/doctest.h>

#include "core/translate/api_choice.h"

namespace clasp::translate {

namespace {

constexpr const char* kAsked =
    R"({"model":"c","system":"s","temperature":1,"max_tokens":9,"stream":true,"stop_sequences":["x"],)"
    R"("tools":[{"name":"f","description":"d","input_schema":{"type":"object","properties":{}}}],)"
    R"("tool_choice":{"type":"any"},"messages":[{"role":"user","content":"hi"}]})";

std::optional<std::string> body_for(std::string_view dialect, const char* asked) {
  const auto parsed = wire::parse_messages_request(asked, true);
  REQUIRE(parsed);
  Target target;
  target.dialect = find_dialect(dialect);
  target.model = "m";
  return count_request(*parsed, target, {});
}

}  // namespace

TEST_CASE("section 7.1: what is counted is the prompt, without what shapes an answer") {
  Dialect dialect = responses_dialect(*find_dialect("openai"));
  const auto parsed = wire::parse_messages_request(
      R"({"model":"c","system":"s","temperature":1,"metadata":{"user_id":"u"},"messages":[{"role":"user","content":"hi"}]})",
      true);
  REQUIRE(parsed);
  Target target;
  target.dialect = &dialect;
  target.api = Api::responses;
  target.model = "gpt-5.4";
  CHECK_FALSE(count_request(*parsed, target, {}));
  dialect.count_input = CountInput::responses;
  const auto body = count_request(*parsed, target, {});
  REQUIRE(body);
  CHECK(
      *body ==
      R"({"model":"gpt-5.4","instructions":"s","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]}],"truncation":"disabled"})");
  CHECK(count_url(*first_count_step(target), "https://a.example/v1/responses?v=1") ==
        "https://a.example/v1/responses/input_tokens?v=1");
  // A chat is not what that endpoint counts.
  target.api = Api::chat;
  CHECK_FALSE(first_count_step(target));
}

TEST_CASE("section 7.1: vLLM gets what its chat template sees, and nothing else") {
  const auto body = body_for("vllm", kAsked);
  REQUIRE(body);
  CHECK(
      *body ==
      R"({"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"hi"}],)"
      R"("tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{}}}}]})");
  // An answer that is begun stays open.
  const auto begun = body_for(
      "vllm",
      R"({"model":"c","max_tokens":9,"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"{"}]})");
  REQUIRE(begun);
  CHECK(begun->ends_with(R"("continue_final_message":true,"add_generation_prompt":false})"));
}

TEST_CASE("section 7.1: llama.cpp gets what forces a tool too, and no member of sampling") {
  const auto body = body_for("llamacpp", kAsked);
  REQUIRE(body);
  CHECK(body->find(R"("tool_choice":"required")") != std::string::npos);
  for (const char* gone : {"temperature", "max_tokens", "stream", "stop"})
    CHECK(body->find(gone) == std::string::npos);
}

TEST_CASE("section 7.1: other dialects count only when they are told to") {
  for (const char* name : {"openai", "ollama", "generic", "openrouter", "lmstudio"})
    CHECK_FALSE(body_for(name, kAsked));
  Dialect dialect = *find_dialect("vllm");
  Target target;
  target.dialect = &dialect;
  CHECK(first_count_step(target) == CountStep::vllm_tokenize);
  REQUIRE(set_dialect_flag(dialect, "count_input", "off"));
  CHECK_FALSE(first_count_step(target));
  REQUIRE(set_dialect_flag(dialect, "count_input", "llamacpp"));
  CHECK(first_count_step(target) == CountStep::input_tokens);
  // "true" asks in the way that the row knows.
  REQUIRE(set_dialect_flag(dialect, "count_input", "true"));
  CHECK(dialect.count_input == CountInput::llamacpp);
  Dialect plain;
  REQUIRE(set_dialect_flag(plain, "count_input", "true"));
  CHECK(plain.count_input == CountInput::responses);
  CHECK_FALSE(set_dialect_flag(plain, "count_input", "maybe"));
}

TEST_CASE("section 7.1: servers tokenize at their root, not below /v1") {
  CHECK(count_url(CountStep::vllm_tokenize, "http://h:8000/v1/chat/completions") ==
        "http://h:8000/tokenize");
  CHECK(count_url(CountStep::tokenize, "http://h/gpu1/v1/chat/completions?k=v") ==
        "http://h/gpu1/tokenize?k=v");
  CHECK(count_url(CountStep::apply_template, "http://h/chat/completions") ==
        "http://h/apply-template");
  CHECK(count_url(CountStep::input_tokens, "http://h/v1/chat/completions") ==
        "http://h/v1/chat/completions/input_tokens");
}

TEST_CASE("section 7.1: an old llama.cpp turns the chat into text first, then into tokens") {
  CHECK(tokenize_request(R"({"prompt":"<s>a\n\"b\""})") ==
        R"({"add_special":true,"parse_special":true,"content":"<s>a\n\"b\""})");
  // The text says nothing of the tokens of a picture.
  for (const char* odd :
       {R"({"prompt":"a <__media__> b"})", R"({"prompt":7})", "{}", "", "{\"prompt\":\"a"})
    CHECK_FALSE(tokenize_request(odd));
}

TEST_CASE("section 7.1: numbers that backends tell") {
  CHECK(counted_tokens(CountStep::input_tokens,
                       R"({"object":"response.input_tokens","input_tokens":12})") == 12);
  CHECK(counted_tokens(CountStep::vllm_tokenize,
                       R"({"count":3,"max_model_len":9,"tokens":[1,2,3],"token_strs":null})") == 3);
  CHECK(counted_tokens(CountStep::tokenize, R"({"tokens":[5,6,[],7]})") == 4);
  CHECK(counted_tokens(CountStep::tokenize, R"({"tokens":[]})") == 0);
  for (const char* odd : {"", "12", "{}", R"({"input_tokens":-1,"count":-1,"tokens":3})",
                          R"({"input_tokens":"9","count":"9","tokens":"9"})",
                          R"({"input_tokens":1e9,"count":1.5,"tokens":{}})",
                          R"({"input_tokens":99999999999999,"count":99999999999999})", "{",
                          R"({"count":3,"tokens":[1,2)"})
    for (const CountStep step :
         {CountStep::input_tokens, CountStep::vllm_tokenize, CountStep::tokenize})
      CHECK_FALSE(counted_tokens(step, odd));
}

}  // namespace clasp::translate
