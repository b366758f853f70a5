#include "core/wire/anthropic_request.h"

#include <doctest/doctest.h>

using namespace clasp::wire;

namespace {

MessagesRequest accepted(const std::string& body) {
  auto request = parse_messages_request(body, false);
  if (!request) FAIL(request.error().message);
  return *request;
}

std::string refused(const std::string& body) {
  const auto request = parse_messages_request(body, false);
  REQUIRE_FALSE(request);
  CHECK(request.error().status == 400);
  CHECK(request.error().type == ErrorType::invalid_request);
  return request.error().message;
}

// A request with the given members besides the needed ones.
std::string with(const std::string& members) {
  return R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":"a"}],)" + members +
         "}";
}

const char kSample[] =
    R"({"model":"claude-x[1m]","max_tokens":1000,"stream":true,
 "system":[{"type":"text","text":"You are","cache_control":{"type":"ephemeral"}}],
 "messages":[{"role":"user","content":"hi \"you\" \ud83d\ude00"},
  {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"sig"},
    {"type":"text","text":"ok"},{"type":"tool_use","id":"t1","name":"Read","input":{"n":12345678901234567890123}}]},
  {"role":"user","content":[{"tool_use_id":"t1","type":"tool_result","content":[{"type":"text","text":"out"},
    {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}],"is_error":true},
    {"type":"document","title":"T","source":{"type":"text","data":"doc"},"citations":{"enabled":true}}]},
  {"role":"system","content":"note","clear_at":"next_user_message","output_config":{"effort":"low"}}],
 "tools":[{"name":"Read","description":"reads","input_schema":{"type":"object","$schema":"x"},"strict":true}],
 "tool_choice":{"type":"tool","name":"Read","disable_parallel_tool_use":true},
 "thinking":{"type":"enabled","budget_tokens":4096,"display":"omitted"},
 "metadata":{"user_id":"u","other":1},"stop_sequences":["a\n","b"],"temperature":0.70,
 "foo":1,"bar":null})";

}  // namespace

TEST_CASE("the index of a whole request") {
  const std::string body = kSample;
  const MessagesRequest r = accepted(body);
  CHECK(r.model == "claude-x");
  CHECK(r.max_tokens == 1000);
  CHECK(r.stream);
  REQUIRE(r.system.size() == 1);
  CHECK(r.system[0].cache_control_json == R"({"type":"ephemeral"})");
  REQUIRE(r.messages.size() == 4);
  REQUIRE(r.blocks.size() == 7);
  CHECK(r.blocks[0].text_raw == R"(hi \"you\" \ud83d\ude00)");
  CHECK(r.blocks[1].type == BlockType::thinking);
  CHECK(r.blocks[1].signature_raw == "sig");
  CHECK(r.blocks[3].input_json == R"({"n":12345678901234567890123})");
  const Block& result = r.blocks[4];
  CHECK(result.type == BlockType::tool_result);
  CHECK(result.is_error);
  CHECK(result.has_content);
  REQUIRE(result.end_child - result.first_child == 2);
  CHECK(r.children[1].data_raw == "AAAA");
  CHECK(r.children[1].media_type_raw == "image/png");
  CHECK(r.blocks[5].citations);
  CHECK(r.blocks[5].data_raw == "doc");
  CHECK(r.blocks[5].json.starts_with("{\"type\":\"document\""));
  CHECK(r.messages[3].role == Role::system);
  CHECK(r.messages[3].clear_at_raw == "next_user_message");
  CHECK(r.messages[3].effort_raw == "low");
  REQUIRE(r.tools.size() == 1);
  CHECK(r.tools[0].schema_json == R"({"type":"object","$schema":"x"})");
  CHECK(r.tools[0].strict == true);
  CHECK(r.tool_choice == ToolChoiceKind::tool);
  CHECK(r.disable_parallel_tool_use);
  CHECK(r.thinking == ThinkingKind::enabled);
  CHECK(r.thinking_budget == 4096);
  CHECK(r.user_id_raw == "u");
  CHECK(r.stop_sequences == std::vector<std::string>{"a\n", "b"});
  CHECK(r.temperature_json == "0.70");
  CHECK(r.unknown_fields == std::vector<std::string>{"metadata.other", "foo"});
}

TEST_CASE("content before type gives the same children") {
  const std::string body = R"({"model":"m","max_tokens":1,"messages":[{"content":[
    {"content":[{"text":"x","type":"text"},5],"type":"tool_result","tool_use_id":"t"}],"role":"user"}]})";
  const MessagesRequest r = accepted(body);
  REQUIRE(r.blocks.size() == 1);
  REQUIRE(r.blocks[0].end_child - r.blocks[0].first_child == 1);
  CHECK(r.children[r.blocks[0].first_child].text_raw == "x");
}

TEST_CASE("truncation at every byte is a 400 and never more") {
  const std::string body = kSample;
  for (std::size_t i = 0; i < body.size(); ++i) {
    CAPTURE(i);
    refused(body.substr(0, i));
  }
}

TEST_CASE("any byte replaced is answered or refused, never worse") {
  const std::string body = kSample;
  for (const char c : {'"', '{', ']', ',', '\\', '0', ' ', '\x01', '\xff', 'n'}) {
    for (std::size_t i = 0; i < body.size(); ++i) {
      std::string bad = body;
      bad[i] = c;
      const auto request = parse_messages_request(bad, i % 2 == 0);
      if (!request) CHECK(request.error().status == 400);
    }
  }
}

TEST_CASE("errors name the path") {
  CHECK(refused(R"({"max_tokens":5,"messages":[{"role":"user","content":"a"}]})") ==
        "model: Field required");
  CHECK(refused(R"({"model":"m","messages":[{"role":"user","content":"a"}]})") ==
        "max_tokens: Field required");  // vector 6
  CHECK(refused(R"({"model":"m","max_tokens":1})").starts_with("messages: "));
  CHECK(refused(R"({"model":"m","max_tokens":1,"messages":[]})").starts_with("messages: "));
  CHECK(refused(R"({"model":"m","max_tokens":1,"messages":null})").starts_with("messages: "));
  CHECK(refused(R"({"model":"m","max_tokens":1,"messages":[{"content":"a"}]})") ==
        "messages.0.role: Field required");
  CHECK(refused(R"({"model":"m","max_tokens":1,"messages":[{"role":"tool","content":"a"}]})")
            .starts_with("messages.0.role: "));
  CHECK(
      refused(
          R"({"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"text":"b"}]}]})") ==
      "messages.0.content.1.type: Field required");
  CHECK(
      refused(
          R"({"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","text":5}]}]})")
          .starts_with("messages.0.content.0.text: "));
  CHECK(refused(R"({"model":"m","max_tokens":1,"messages":[{"role":"user","content":5}]})")
            .starts_with("messages.0.content: "));
  CHECK(
      refused(
          R"({"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"tool_result","content":"x"}]}]})") ==
      "messages.0.content.0.tool_use_id: Field required");
  CHECK(refused(with(R"("max_tokens":-1)")).starts_with("max_tokens: "));
  CHECK(refused(with(R"("max_tokens":1.5)")).starts_with("max_tokens: "));
  CHECK(refused(with(R"("max_tokens":"5")")).starts_with("max_tokens: "));
  CHECK(refused(with(R"("max_tokens":99999999999999999999)")).starts_with("max_tokens: "));
  CHECK(refused(with(R"("tools":[{"name":5}])")).starts_with("tools.0.name: "));
  CHECK(refused(with(R"("tools":{})")).starts_with("tools: "));
  CHECK(refused(with(R"("tool_choice":{"type":"some"})")).starts_with("tool_choice.type: "));
  CHECK(refused(with(R"("tool_choice":{"type":"tool"})")).starts_with("tool_choice.name: "));
  CHECK(refused(with(R"("thinking":{"type":"on"})")).starts_with("thinking.type: "));
  CHECK(refused(with(R"("stream":"yes")")).starts_with("stream: "));
  CHECK(refused(with(R"("temperature":"hot")")).starts_with("temperature: "));
  CHECK(refused(with(R"("stop_sequences":"a")")).starts_with("stop_sequences: "));
  CHECK(refused(with(R"("system":5)")).starts_with("system: "));
  CHECK(refused("[]") == "The request body is not a JSON object");
  CHECK(refused("{\"model\":\"\xff\"}") == "The request body is not valid UTF-8");
}

TEST_CASE("invalid JSON inside parts that are only sliced is refused") {
  refused(with(R"("tools":[{"name":"t","input_schema":{"a":01}}])"));
  refused(with(R"("tools":[{"name":"t","input_schema":{"a":"\q"}}])"));
  refused(with(R"("foo":[1,])"));
  refused(with(R"("foo":1)") + "x");
  refused(
      R"({"model":"m","max_tokens":5,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"b","input":{"x":nul}}]}]})");
}

TEST_CASE("odd but valid input is accepted unchanged") {
  accepted(
      with(R"("tools":[{"name":"t","input_schema":{"n":[1e999,18446744073709551616,"\udc00"]}}])"));
  CHECK(accepted(with(R"("max_tokens":4096.0)")).max_tokens == 4096);
  CHECK(accepted(with(R"("m\u006fdel":"z")")).model == "z");  // escaped name, repeated: last one
  CHECK(
      accepted(with(R"("tools":null,"system":null,"stream":null,"thinking":null)")).tools.empty());
  CHECK_FALSE(accepted(with(R"("fallbacks":[ ])")).fallbacks);
  CHECK(accepted(with(R"("fallbacks":"default")")).fallbacks);
  CHECK(accepted(with(R"("messages":[{"role":"system"},{"role":"user","content":"z"}])"))
            .messages.size() == 2);
}

TEST_CASE("count_tokens needs no max_tokens") {
  CHECK(
      parse_messages_request(R"({"model":"m","messages":[{"role":"user","content":"a"}]})", true));
}

TEST_CASE("message and block floods are refused") {
  std::string many = R"({"model":"m","max_tokens":1,"messages":[)";
  for (std::size_t i = 0; i <= kMaxMessages; ++i) many += R"({"role":"user","content":""},)";
  many.back() = ']';
  many += "}";
  CHECK(refused(many).starts_with("messages: too many"));
  std::string blocks = R"({"model":"m","max_tokens":1,"messages":[{"role":"user","content":[)";
  for (std::size_t i = 0; i <= kMaxBlocks; ++i) blocks += R"({"type":"x"},)";
  blocks.back() = ']';
  blocks += "}]}";
  CHECK(refused(blocks) == "messages: too many content blocks");
}

TEST_CASE("content slices parse later") {
  const auto blocks = parse_content_blocks(R"([{"type":"text","text":"a"},{"text":"no type"},7])");
  REQUIRE(blocks.size() == 2);
  CHECK(blocks[0].text_raw == "a");
  CHECK(parse_content_blocks(R"("plain")").at(0).text_raw == "plain");
}

TEST_CASE("the envelope of a request whose shapes are judged elsewhere") {
  const auto envelope = parse_messages_envelope(
      R"({"messages":7,"model":"m[1m]","thinking":{"type":"new"},"stream":true,"max_tokens":"?"})");
  REQUIRE(envelope);
  CHECK(envelope->model == "m");
  CHECK(envelope->stream);
  CHECK(envelope->messages.empty());
  for (const char* body : {R"({"messages":[]})", R"({"model":"m","x":})", R"(["model"])", "",
                           "{\"model\":\"m\",\"x\":\"\xff\"}", R"({"model":"m","stream":1})",
                           R"({"model":["m"]})", R"({"model":"m"} 1)"}) {
    const auto refusal = parse_messages_envelope(body);
    REQUIRE_FALSE(refusal);
    CHECK(refusal.error().status == 400);
  }
}

TEST_CASE("section 0: what is nested too deep is refused by path") {
  const auto nested = [](std::size_t levels) {
    std::string out = "1";
    for (std::size_t i = 0; i < levels; ++i) out = "[" + out + "]";
    return out;
  };
  const auto call = [](const std::string& input) {
    return R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":"a[\"{\\"},)"
           R"({"role":"assistant","content":[{"type":"text","text":"t"},)"
           R"({"type":"tool_use","id":"i","name":"n","input":{"k":1,"x":)" +
           input + "}}]}]}";
  };
  accepted(call(nested(500)));
  CHECK(refused(call(nested(600))) ==
        "messages.1.content.1.input.x: nested deeper than 512 levels, which is not accepted");
  CHECK(
      refused(with(R"("tools":[{"name":"t","input_schema":{"properties":{"a":)" + nested(600) +
                   "}}}]")) ==
      "tools.0.input_schema.properties.a.0: nested deeper than 512 levels, which is not accepted");
  CHECK(refused(with("\"" + std::string(100, 'k') + "\":" + nested(600))).starts_with("….0.0.0"));
  // Other mistakes keep their words, at any depth.
  CHECK(refused(with("\"x\":[[}")).find("not valid JSON") != std::string::npos);
  CHECK(refused(with("\"x\":" + std::string(300, '[') + "}")).find("not valid JSON") !=
        std::string::npos);
}
