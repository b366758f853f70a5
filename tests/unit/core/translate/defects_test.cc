// What the program that this one replaces did wrong, and what no other test says in one place.
#include <doctest/doctest.h>

#include "../../support/reply_kit.h"
#include "request_fixture.h"

using namespace clasp::test;
using clasp::translate::ask;
using clasp::translate::chat;
using clasp::translate::hi;
using clasp::translate::said;
using clasp::translate::Setup;
using Blocks = std::vector<std::string>;

TEST_CASE("defect 2: thinking, then a call: one index each, one stop each") {
  const Outcome out =
      stream(make_context("deepseek"),
             frames({think("r"), calls({call(0, "call_x1", "read", "{}")}), finish("tool_calls")}));
  Grammar grammar;
  CHECK(grammar.check_complete(out.sse) == "");
  CHECK(grammar.blocks() == Blocks{"thinking:r", "tool_use:read:{}"});
  const auto count = [&out](std::string_view part) {
    std::size_t n = 0;
    for (std::size_t at = out.sse.find(part); at != std::string::npos;
         at = out.sse.find(part, at + 1))
      ++n;
    return n;
  };
  CHECK(count(R"("type":"content_block_stop","index":0)") == 1);
  CHECK(count(R"("type":"content_block_stop","index":1)") == 1);
  CHECK(count(R"("type":"content_block_start","index":1)") == 1);
}

TEST_CASE("defect 1: every block starts with its empty members") {
  const Outcome out =
      stream(make_context("deepseek"),
             frames({think("r"), say("t"), calls({call(0, "call_x1", "read", "{\\\"a\\\":1}")}),
                     finish("tool_calls")}));
  for (const char* start :
       {R"("content_block":{"type":"thinking","thinking":"","signature":""})",
        R"("content_block":{"type":"text","text":"","citations":null})",
        R"("content_block":{"type":"tool_use","id":"call_x1","name":"read","input":{},)"})
    CHECK(out.sse.find(start) != std::string::npos);
}

TEST_CASE("defect 11: the client's own Bash keeps its schema, calls in history have no index") {
  const std::string schema =
      R"({"type":"object","properties":{"command":{"type":"string"},"mine":{"type":"integer"}},"required":["command","mine"]})";
  const auto u = ask(chat(
      said("user", "\"go\"") + "," +
          said(
              "assistant",
              R"([{"type":"tool_use","id":"t1","name":"Bash","input":{"command":"ls","mine":1}}])") +
          "," + said("user", R"([{"type":"tool_result","tool_use_id":"t1","content":"out"}])"),
      R"("tools":[{"name":"Bash","description":"D","input_schema":)" + schema + "}]"));
  CHECK(u.at("tools.0.function.parameters") == schema);
  CHECK(u.text("tools.0.function.description") == "D");
  CHECK(
      u.at("messages.1.tool_calls.0") ==
      R"({"id":"t1","type":"function","function":{"name":"Bash","arguments":"{\"command\":\"ls\",\"mine\":1}"}})");
}

TEST_CASE("defect 12: the system prompt is sent word by word") {
  const std::string words = "You are Claude, made by Anthropic. Claude Code: say <so>.\\n";
  for (const auto name : clasp::translate::dialect_names()) {
    const auto u = ask(hi("\"system\":\"" + words + "\""), {.dialect = std::string(name)});
    CHECK(u.text("messages.0.content") == clasp::decode_json_string(words));
    CHECK(u.size("messages") == 2);
  }
}

TEST_CASE("trap 30: cache hints of blocks that are no text") {
  const std::string hint = R"("cache_control":{"type":"ephemeral"})";
  const std::string a = chat(
      said(
          "user",
          R"([{"type":"text","text":"see"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="},)" +
              hint + "}]") +
          "," + said("assistant", R"([{"type":"tool_use","id":"t1","name":"t","input":{}}])") +
          "," +
          said("user",
               R"([{"type":"tool_result","tool_use_id":"t1","content":"out",)" + hint + "}]"),
      R"("tools":[{"name":"t","input_schema":{"type":"object"},)" + hint + "}]");
  const auto kept = ask(a, {.dialect = "openrouter"});
  CHECK(kept.at("messages.0.content.1.cache_control") == R"({"type":"ephemeral"})");
  CHECK(kept.at("messages.2.content.0.cache_control") == R"({"type":"ephemeral"})");
  CHECK(kept.at("tools.0.cache_control") == R"({"type":"ephemeral"})");
  for (const char* other : {"openai", "vllm", "gemini", "ollama"}) {
    const auto gone = ask(a, {.dialect = other});
    CHECK(gone.body.find("cache_control") == std::string::npos);
    CHECK(gone.request.warnings.empty());
  }
}
