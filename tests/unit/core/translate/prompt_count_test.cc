// The local count of a whole prompt (section 7.1).
#include "core/translate/prompt_count.h"

#include "core/translate/api_choice.h"
#include "core/translate/function_text.h"
#include "tiny_vocabulary.h"

namespace clasp::translate {

namespace {

// Every word that the tests use is a token, everything else is counted by its bytes.
const Vocabulary& words() {
  static const Vocabulary kWords = tiny_vocabulary(
      {"us", "er", "user", "as", "si", "st", "an", "assi", "stan", "assistan", "assistant"});
  return kWords;
}

std::int64_t count(std::string body, Api api = Api::chat) {
  const auto tokens = count_prompt(words(), {api, std::move(body)});
  REQUIRE(tokens);
  return *tokens;
}

std::string function_text(std::string_view schema, std::string_view description = "") {
  std::string out;
  append_function_text(out, "f", description, schema);
  return out;
}

}  // namespace

TEST_CASE("section 7.1: the models of OpenAI that share a vocabulary, whoever serves them") {
  for (const std::string_view name :
       {"gpt-4o", "gpt-4o-mini-2024-07-18", "chatgpt-4o-latest", "gpt-4.1-nano", "gpt-4.5-preview",
        "gpt-5", "GPT-5.1-Codex", "openai/gpt-5.4:free", "gpt-6.2", "o1", "o3-mini", "o4-mini",
        "codex-mini-latest", "openai/gpt-oss-120b", "ft:gpt-4o-mini:acme::id"})
    CHECK_MESSAGE(speaks_o200k(name), name);
  for (const std::string_view name : {"gpt-4", "gpt-4-turbo", "gpt-3.5-turbo", "gpt-", "llama3.1",
                                      "qwen3-coder", "claude-sonnet-4-5", "", "olmo", "gpt-4o/x"})
    CHECK_MESSAGE(!speaks_o200k(name), name);
}

TEST_CASE("section 7.1: three for each message and three to begin, beside the texts") {
  CHECK(count(R"({"messages":[]})") == 3);
  CHECK(
      count(R"({"model":"gpt-4o","messages":[{"role":"user","content":"abc"}],"temperature":1})") ==
      3 + 3 + 1 + 3);
  CHECK(
      count(R"({"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]})") ==
      3 + 2 * 3 + 2 + 2);
  // Escapes are what they stand for.
  CHECK(count(R"({"messages":[{"role":"user","content":"\u0061\n\"\ud83d\ude00"}]})") ==
        7 + 1 + 1 + 1 + 4);
  CHECK(
      count(
          R"({"messages":[{"role":"user","name":"ab","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]})") ==
      7 + 2 + 2 + 1);
}

TEST_CASE("section 7.1: calls and results are messages too") {
  const std::string call =
      R"({"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"ab","arguments":"{}"}}]})";
  const std::string result = R"({"role":"user","tool_call_id":"call_1","content":"xyz"})";
  constexpr int kFunctions = 10;  // "functions." by its bytes
  CHECK(count("{\"messages\":[" + call + "," + result + "]}") ==
        3 + (3 + 1) + (3 + kFunctions + 2 + 2) + (3 + 1 + 3));
  CHECK(count(R"({"input":[{"type":"function_call","call_id":"c","name":"ab","arguments":"{}"},)"
              R"({"type":"function_call_output","call_id":"c","output":"xyz"}]})",
              Api::responses) == 3 + (3 + kFunctions + 2 + 2) + (3 + 4 + 3));
}

TEST_CASE("section 7.1: instructions are a message, sealed reasoning counts nothing") {
  CHECK(
      count(
          R"({"instructions":"abc","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"x"}]},)"
          R"({"type":"reasoning","id":"rs","summary":[],"encrypted_content":"QUJDREVG"}]})",
          Api::responses) == 3 + (3 + 8 + 3) + (3 + 1 + 1));
}

TEST_CASE("section 7.1: pictures and PDFs are counted as the estimate has it, never as text") {
  const std::string image = R"({"type":"image_url","image_url":{"url":"data:image/png;base64,)" +
                            std::string(60'000, 'A') + R"("}})";
  CHECK(count(R"({"messages":[{"role":"user","content":[)" + image + "]}]}") == 3 + 4 + 1600);
  CHECK(
      count(
          R"({"input":[{"type":"message","role":"user","content":[{"type":"input_image","image_url":"https://a.example/x.png"},)"
          R"({"type":"input_file","file_url":"https://a.example/x.pdf"}]}]})",
          Api::responses) == 3 + 4 + 1600 + 2000);
  CHECK(
      count(
          R"({"messages":[{"role":"user","content":[{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,)" +
          std::string(4000, 'A') + R"("}}]}]})") == 3 + 4 + 150);
}

TEST_CASE("section 7.1: functions are shown to the model as types") {
  CHECK(function_text("", "Where it is") == "// Where it is\ntype f = () => any;\n\n");
  CHECK(function_text(R"({"type":"object","properties":{}})") == "type f = () => any;\n\n");
  // The example of the published description of the form.
  CHECK(
      function_text(
          R"({"type":"object","properties":{"location":{"type":"string","description":"The city and state, e.g. San Francisco, CA"},)"
          R"("format":{"type":"string","enum":["celsius","fahrenheit"],"default":"celsius"}},"required":["location"]})",
          "Gets the current weather in the provided location.") ==
      "// Gets the current weather in the provided location.\n"
      "type f = (_: {\n"
      "// The city and state, e.g. San Francisco, CA\n"
      "location: string,\n"
      "format?: \"celsius\" | \"fahrenheit\", // default: celsius\n"
      "}) => any;\n\n");
  CHECK(
      function_text(
          R"({"properties":{"a":{"type":"array","items":{"type":"integer"}},"b":{"anyOf":[{"type":"string"},{"type":"null"}]},)"
          R"("c":{"type":["number","boolean"]},"d":{"type":"object","properties":{"e":{}},"required":["e"]},"f":{"const":1},"g":{"type":"object"}}})",
          "One\\nTwo") ==
      "// One\n// Two\ntype f = (_: {\na?: number[],\nb?: string | null,\nc?: number | boolean,\n"
      "d?: {\ne: any,\n},\nf?: 1,\ng?: object,\n}) => any;\n\n");
}

TEST_CASE("section 7.1: the text of functions is counted once, with what stands around them") {
  const std::string body =
      R"({"messages":[],"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{}}}}]})";
  const std::string text =
      std::string(kFunctionsBegin) + "// d\ntype f = () => any;\n\n" + std::string(kFunctionsEnd);
  CountBudget budget{1'000'000};
  CHECK(count(body) == 3 + static_cast<std::int64_t>(*count_tokens_of(words(), text, budget)));
  // Flat ones, and tools of the server's own, which are as dear as in the estimate.
  CHECK(
      count(
          R"({"input":[],"tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object","properties":{}}},{"type":"web_search"}]})",
          Api::responses) == count(body) + 250);
  const std::string format = "# Response Formats\n\n## out\n\n{\"type\":\"object\"}";
  CHECK(
      count(
          R"({"messages":[],"response_format":{"type":"json_schema","json_schema":{"name":"out","schema":{"type": "object"}}}})") ==
      3 + static_cast<std::int64_t>(*count_tokens_of(words(), format, budget)));
  CHECK(
      count(
          R"({"input":[],"text":{"format":{"type":"json_schema","name":"out","schema":{"type":"object"}}}})",
          Api::responses) ==
      3 + static_cast<std::int64_t>(*count_tokens_of(words(), format, budget)));
}

TEST_CASE("section 7.1: schemas may be as deep and as wide as JSON allows") {
  std::string deep = R"({"type":"string"})";
  for (int i = 0; i < 200; ++i) deep = R"({"type":"object","properties":{"a":)" + deep + "}}";
  // Below the ninth it is the schema itself.
  CHECK(function_text(deep).size() < 2 * deep.size());
  std::string wide = R"({"type":"object","properties":{)", required = "[";
  for (int i = 0; i < 20'000; ++i) {
    const std::string name = "\"p" + std::to_string(i) + "\"";
    wide.append(i ? "," : "").append(name).append(":{}");
    required.append(i ? "," : "").append(name);
  }
  const std::string text = function_text(wide + "},\"required\":" + required + "]}");
  CHECK(text.find("p19999: any") != std::string::npos);
}

TEST_CASE("section 7.1: a prompt beyond the budget has no count") {
  const std::string text(100'000, 'x');
  const Prompt prompt{Api::chat, R"({"messages":[{"role":"user","content":")" + text + R"("}]})"};
  CHECK(count_prompt(words(), prompt));
  CHECK_FALSE(count_prompt(words(), prompt, {50'000}));
  const Prompt tools{
      Api::chat,
      R"({"messages":[],"tools":[{"type":"function","function":{"name":"f","parameters":{"x":")" +
          text + R"("}}}]})"};
  CHECK(count_prompt(words(), tools));
  CHECK_FALSE(count_prompt(words(), tools, {50'000}));
}

TEST_CASE("section 7.1: what is counted is the request as the backend gets it") {
  const auto parsed = wire::parse_messages_request(
      R"({"model":"c","system":"s","messages":[{"role":"user","content":"hi"}]})", true);
  REQUIRE(parsed);
  Target target;
  target.dialect = find_dialect("openai");
  target.model = "gpt-4o";
  const auto chat = make_prompt(*parsed, target, {});
  REQUIRE(chat);
  CHECK(chat->api == Api::chat);
  CHECK(chat->body.find(R"("messages":[{"role":"system","content":"s"},)") != std::string::npos);
  CHECK(*count_prompt(words(), *chat) == 3 + (3 + 5 + 1) + (3 + 1 + 2));
  const Dialect responses = responses_dialect(*target.dialect);
  target.dialect = &responses;
  target.api = Api::responses;
  target.model = "gpt-5.4";
  const auto other = make_prompt(*parsed, target, {});
  REQUIRE(other);
  CHECK(*count_prompt(words(), *other) == 3 + (3 + 8 + 1) + (3 + 1 + 2));
  target.model = "llama3.1";
  CHECK_FALSE(make_prompt(*parsed, target, {}));
}

}  // namespace clasp::translate
