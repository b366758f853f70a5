// Input that nobody honest sends: cut, scrambled, repeated, huge. Whatever is accepted must come
// out as valid JSON; nothing may crash or take forever.
#include <chrono>

#include "core/translate/signature.h"
#include "core/wire/json_reader.h"
#include "request_fixture.h"

using namespace clasp;
using namespace clasp::translate;

namespace {

std::string sample() {
  return R"({"model":"m","max_tokens":9,"stream":true,"system":[{"type":"text","text":"S","cache_control":{"type":"ephemeral"}}],"messages":[
{"role":"user","content":[{"type":"text","text":"a\n\"\u00e9"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},{"type":"document","title":"t","source":{"type":"content","content":[{"type":"text","text":"d"}]}}]},
{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":")" +
         encode_signature({"vllm", "b0b0b0b0", "m", 't', R"({"text":"x"})"}) +
         R"("},{"type":"text","text":"b"},{"type":"tool_use","id":"t1","name":"T","input":{"x":[1,"y"]}},{"type":"server_tool_use","id":"s","name":"web_search","input":{}},{"type":"web_search_tool_result","tool_use_id":"s","content":[{"type":"web_search_result","title":"T","url":"u"}]}]},
{"role":"system","content":"note","clear_at":"next_user_message"},
{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","is_error":true,"content":[{"type":"text","text":"c"},{"type":"image","source":{"type":"url","url":"u"}}]},{"type":"search_result","source":"s","title":"t","content":[{"type":"text","text":"r"}]}]},
{"role":"assistant","content":"pre "}],
"tools":[{"name":"T","description":"D","input_schema":{"type":"object","$ref":"#/$defs/a","properties":{"x":{"type":["array","null"]}},"required":["x"],"$defs":{"a":{"anyOf":[{"const":1},{"type":"null"}]}}},"strict":true,"input_examples":[{"x":[1]}]},{"type":"computer_toolset_20260801","configs":{"zoom":{"enabled":false}}}],
"tool_choice":{"type":"tool","name":"T","disable_parallel_tool_use":true},"thinking":{"type":"enabled","budget_tokens":5000},
"output_config":{"effort":"max","format":{"type":"json_schema","schema":{"type":"object","properties":{"a":{"oneOf":[{"type":"string"}]}}}}},
"metadata":{"user_id":"{\"session_id\":\"x\"}"},"stop_sequences":["a","b","c","d","e"],"temperature":0.5,"top_k":3,"mcp_servers":[],"container":"c"})";
}

void translate_everywhere(const std::string& body) {
  const auto parsed = wire::parse_messages_request(body, false);
  if (!parsed) return;
  CHECK(estimate_tokens(*parsed) >= 0);
  for (const char* name : {"openai", "openrouter", "gemini", "mistral", "llamacpp", "deepseek"}) {
    for (const bool strict : {false, true}) {
      const auto result = try_translate(body, {.dialect = name, .strict = strict});
      if (!result) {
        CHECK(result.error().status / 100 == 4);
        CHECK_FALSE(result.error().message.empty());
      } else if (!wire::is_valid_json(result->body) && !result->answer_without_call) {
        FAIL_CHECK(name << " made invalid JSON of " << body << "\n" << result->body);
      }
    }
  }
}

double seconds(const std::string& body, const Setup& setup = {}) {
  const auto start = std::chrono::steady_clock::now();
  (void)try_translate(body, setup);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string repeat(const std::string& item, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += (i ? "," : "") + item;
  return out;
}

}  // namespace

TEST_CASE("a request cut anywhere is refused") {
  const std::string body = sample();
  ask(body);
  for (std::size_t i = 0; i < body.size(); ++i) CHECK(refusal(body.substr(0, i)).status == 400);
}

TEST_CASE("scrambled requests") {
  const std::string body = sample();
  std::uint64_t state = 42;
  const auto random = [&state](std::size_t limit) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::size_t>((state >> 33) % limit);
  };
  for (int round = 0; round < 3000; ++round) {
    std::string bad = body;
    for (std::size_t n = random(3) + 1; n > 0; --n) {
      const std::size_t at = random(bad.size()), length = random(40);
      switch (random(4)) {
        case 0:
          bad.erase(at, length);
          break;
        case 1:
          bad.insert(at, body.substr(random(body.size()), length));
          break;
        case 2:
          bad[at] = static_cast<char>(random(256));
          break;
        default:
          bad.replace(at, 1, random(2) ? "null" : "\"\\ud800\"");
          break;
      }
    }
    translate_everywhere(bad);
  }
}

TEST_CASE("every value of the request replaced by every kind of value") {
  const std::string body = sample();
  for (std::size_t at = body.find(':'); at != std::string::npos; at = body.find(':', at + 1)) {
    wire::JsonReader reader(std::string_view(body).substr(at + 1));
    std::string_view value;
    if (!reader.skip(value)) continue;
    for (const char* other : {"null", "true", "1", "\"\"", "\"x\"", "[]", "{}", "[{}]",
                              R"([{"type":"text"}])", R"({"type":"x"})"})
      translate_everywhere(body.substr(0, at + 1) + other + body.substr(at + 1 + value.size()));
  }
}

TEST_CASE("floods take linear time") {
  // Generous bounds: only growth by the square would miss them.
  const std::string use = R"({"type":"tool_use","id":"same","name":"T","input":{}})";
  const std::string result = R"({"type":"tool_result","tool_use_id":"same","content":"x"})";
  const std::string many =
      chat(said("user", "\"x\"") + "," + said("assistant", "[" + repeat(use, 50000) + "]") + "," +
           said("user", "[" + repeat(result, 50000) + "]"));
  CHECK(seconds(many, {.dialect = "vllm"}) < 60);
  CHECK(seconds(many, {.dialect = "openai", .strict = true}) < 60);
  const std::string pdf = R"({"type":"document","source":{"type":"base64","data":"AAAA"}})";
  CHECK(seconds(chat(said("user", "[" + repeat(pdf, 50000) + "]"))) < 60);
  CHECK(seconds(chat(said("user", "[" + repeat(pdf, 50000) + "]")), {.dialect = "vllm"}) < 60);
  std::string properties, required, branches;
  for (int i = 0; i < 20000; ++i) {
    const std::string name = "\"p" + std::to_string(i) + "\"";
    properties += (i ? "," : "") + name + ":{}";
    required += (i ? "," : "") + name;
  }
  const std::string object =
      R"({"type":"object","properties":{)" + properties + R"(},"required":[)" + required + "]}";
  const auto tool = [](const std::string& schema) {
    return hi("\"tools\":[{\"name\":\"t\",\"strict\":true,\"input_schema\":" + schema + "}]");
  };
  CHECK(seconds(tool(object)) < 60);
  CHECK(seconds(tool(R"({"anyOf":[)" + object + "," + object + "]}"), {.dialect = "gemini"}) < 60);
  CHECK(seconds(chat(
            repeat(R"({"role":"system","content":"s","clear_at":"next_user_message"})", 20000) +
            "," + said("user", "\"x\""))) < 60);
  CHECK(seconds(chat(said("user", "\"x\"") + "," +
                     repeat(R"({"role":"system","content":"s","clear_at":"next_user_message"})",
                            20000)),
                {.dialect = "vllm"}) < 60);
}

TEST_CASE("escapes in names and ids survive") {
  const auto u = ask(
      chat(
          said("user", "\"x\"") +
              R"(,{"role":"assistant","content":[{"type":"tool_use","id":"a\u0022b","name":"n\"m","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a\"b","content":"r"}]})",
          R"("tools":[{"name":"n\u0022m","description":"\"q\"","input_schema":{"type":"object","properties":{"k\"":{}}}}])"),
      {.dialect = "vllm"});
  CHECK(u.text("messages.2.content") == "r");
  CHECK(u.text("messages.2.tool_call_id") == u.text("messages.1.tool_calls.0.id"));
  CHECK(u.request.reply.tools.at(u.text("tools.0.function.name")).name == "n\"m");
  CHECK(u.text("messages.1.tool_calls.0.function.name") == u.text("tools.0.function.name"));
}

TEST_CASE("deep nesting is cut off by the reader") {
  const std::string deep(600, '[');
  CHECK(refusal(hi("\"foo\":" + deep + std::string(600, ']'))).status == 400);
  ask(chat(
      said("user", "\"x\"") +
      R"(,{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"b","input":{"a":)" +
      std::string(400, '[') + std::string(400, ']') + "}}]}"));
}
