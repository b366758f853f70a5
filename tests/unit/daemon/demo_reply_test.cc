#include "daemon/demo_reply.h"

#include <doctest/doctest.h>
#include <jansson.h>

using namespace clasp::daemon;

namespace {
constexpr const char* kTools =
    R"(,"tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object",
       "properties":{"city":{"type":"string"},"days":{"type":"integer"},"unit":{"enum":["c","f"]}},
       "required":["city","days","unit"]}}},
       {"type":"function","function":{"name":"get","parameters":{"type":"object","properties":{}}}}])";

std::string with(const std::string& text) {
  return R"({"model":"m","messages":[{"role":"user","content":")" + text + "\"}]" + kTools + "}";
}
}  // namespace

TEST_CASE("demo: says what it is and repeats what it was told") {
  const DemoReply reply = make_demo_reply(with("Hello there"));
  CHECK(reply.error.empty());
  CHECK(reply.tool_name.empty());
  const std::string document = render_demo_document(reply);
  CHECK(document.find("demo backend, not a model") != std::string::npos);
  CHECK(document.find("Hello there") != std::string::npos);
  CHECK(make_demo_reply(with("Hello there")).words == reply.words);
}

TEST_CASE("demo: calls the tool that is named, with arguments that fit its schema") {
  const DemoReply reply = make_demo_reply(with(R"(Please use get_weather for \"Bern\")"));
  CHECK(reply.tool_name == "get_weather");
  CHECK(reply.tool_arguments == R"({"city":"Bern","days":1,"unit":"c"})");
  CHECK(render_demo_document(reply).find(R"("finish_reason":"tool_calls")") != std::string::npos);
  CHECK(make_demo_reply(with("forget it")).tool_name.empty());
}

TEST_CASE("demo: every chunk is one event of valid JSON") {
  const auto chunks = render_demo_chunks(make_demo_reply(with("a \\\"quoted\\\" \\n line")));
  CHECK(chunks.size() > 5);
  CHECK(chunks.back() == "data: [DONE]\n\n");
  for (const std::string& chunk : chunks) {
    REQUIRE(chunk.starts_with("data: "));
    REQUIRE(chunk.ends_with("\n\n"));
    if (&chunk == &chunks.back()) continue;
    const std::string json = chunk.substr(6);
    json_t* parsed = json_loadb(json.data(), json.size(), 0, nullptr);
    CHECK(parsed != nullptr);
    json_decref(parsed);
  }
}

TEST_CASE("demo: senseless requests") {
  CHECK_FALSE(make_demo_reply("").error.empty());
  CHECK_FALSE(make_demo_reply("{}").error.empty());
  CHECK_FALSE(make_demo_reply(R"({"messages":[]})").error.empty());
}
