// Streams: the vectors of the translation spec about streaming.
#include <doctest/doctest.h>

#include <algorithm>

#include "../../support/reply_run.h"

using namespace clasp::test;
using clasp::translate::ReplyContext;
using Blocks = std::vector<std::string>;
using Run = StreamRun;

namespace {

// Runs the stream whole and byte by byte, checks the grammar, gives back the checker.

}  // namespace

TEST_CASE("vector 102, defect 1, defect 15: the ordinary stream, frame by frame") {
  const Run run(frames({delta("\"role\":\"assistant\",\"content\":\"\""), say("Hi"), finish("stop"),
                        usage_chunk(10, 5)}));
  REQUIRE(run.out.done());
  CHECK(run.out.sse ==
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":"
        "\"msg_0123456789abcdefghijklmn\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
        "\"claude-test\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,"
        "\"stop_details\":null,\"container\":null,\"diagnostics\":null,\"usage\":{\"input_tokens\":"
        "77,"
        "\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":1,"
        "\"output_tokens_details\":null,\"server_tool_use\":null,\"cache_creation\":null,"
        "\"inference_geo\":null,\"service_tier\":\"standard\",\"speed\":null}}}\n\n"
        "event: ping\ndata: {\"type\":\"ping\"}\n\n"
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,"
        "\"content_block\":{\"type\":\"text\",\"text\":\"\",\"citations\":null}}\n\n"
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
        "{\"type\":\"text_delta\",\"text\":\"Hi\"}}\n\n"
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
        "\"end_turn\",\"stop_sequence\":null,\"stop_details\":null,\"container\":null},\"usage\":"
        "{\"input_tokens\":10,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,"
        "\"output_tokens\":5,\"output_tokens_details\":null,\"server_tool_use\":null}}\n\n"
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
  CHECK(run.out.sse.find("[DONE]") == std::string::npos);
}

TEST_CASE("vector 103: usage wherever it comes") {
  const std::string with_usage =
      "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],"
      "\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5}}";
  CHECK(Run(frames({say("Hi"), with_usage})).out.usage.output_tokens == 5);
  const std::string running =
      "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}],"
      "\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":2}}";
  const std::string zero =
      "{\"choices\":[],\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0}}";
  const Run each(frames({running, running, with_usage, zero}));
  CHECK(each.out.usage.output_tokens == 5);
  CHECK(each.out.usage.input_tokens == 10);
  const Run missing(frames({say("Hello, this is a text"), finish("stop")}));
  CHECK(missing.out.usage.estimated);
  CHECK(missing.out.usage.input_tokens == 77);
  CHECK(missing.out.usage.output_tokens > 3);
}

TEST_CASE("vector 104: interleaved fragments of two calls") {
  const Run run(
      frames({calls({call(0, "call_a1", "read", "{\\\"a\\\"")}),
              calls({call(1, "call_b1", "write", "{\\\"b\\\"")}), calls({call(0, "", "", ":1}")}),
              calls({call(1, "", "", ":2}")}), finish("tool_calls")}));
  CHECK(run.grammar.blocks() == Blocks{"tool_use:read:{\"a\":1}", "tool_use:write:{\"b\":2}"});
  CHECK(run.stop() == "tool_use");
  CHECK(run.grammar.tool_ids() == Blocks{"call_a1", "call_b1"});
}

TEST_CASE("vector 105, defect 7: arguments before the name") {
  const Run run(
      frames({calls({call(0, "call_a1", "", "{\\\"x\\\"")}), calls({call(0, "", "read", "")}),
              calls({call(0, "", "", ":1}")}), finish("tool_calls")}));
  CHECK(run.grammar.blocks() == Blocks{"tool_use:read:{\"x\":1}"});
}

TEST_CASE("vector 106: late, repeated and empty ids") {
  const Run late(frames({calls({call(0, "", "read", "")}), calls({call(0, "call_late1", "", "{}")}),
                         finish("tool_calls")}));
  CHECK(late.grammar.blocks() == Blocks{"tool_use:read:{}"});
  const Run repeated(frames({calls({call(0, "call_xy", "read", "{\\\"a\\\":")}),
                             calls({call(0, "call_xy", "read", "[1")}),
                             calls({call(0, "call_xy", "", "]}")}), finish("tool_calls")}));
  CHECK(repeated.grammar.blocks() == Blocks{"tool_use:read:{\"a\":[1]}"});
  CHECK(repeated.grammar.tool_ids() == Blocks{"call_xy"});
  const Run empty(frames({calls({"{\"index\":0,\"id\":\"\",\"function\":{\"name\":\"read\"}}"}),
                          calls({"{\"index\":0,\"id\":null,\"function\":{\"arguments\":\"{}\"}}"}),
                          finish("tool_calls")}));
  CHECK(empty.grammar.blocks() == Blocks{"tool_use:read:{}"});
}

TEST_CASE("vector 107: gemini sends two calls without index and id") {
  const Run run(frames({calls({call(-1, "", "read", "{\\\"p\\\":1}")}),
                        calls({call(-1, "", "read", "{\\\"p\\\":1}")}), finish("stop")}),
                make_context("gemini"));
  CHECK(run.grammar.blocks() == Blocks{"tool_use:read:{\"p\":1}", "tool_use:read:{\"p\":1}"});
  CHECK(run.stop() == "tool_use");
}

TEST_CASE("vector 108: ollama numbers every call 0") {
  const Run run(
      frames({calls({call(0, "call_aaaaaaaa", "read", "{\\\"p\\\":1}")}),
              calls({call(0, "call_bbbbbbbb", "read", "{\\\"p\\\":2}")}), finish("stop")}),
      make_context("ollama"));
  CHECK(run.grammar.blocks() == Blocks{"tool_use:read:{\"p\":1}", "tool_use:read:{\"p\":2}"});
  CHECK(run.stop() == "tool_use");
}

TEST_CASE("vector 109, defect 3: text, call, text; white space between calls is no block") {
  const Run run(frames(
      {say("A"), calls({call(0, "call_x1", "read", "{}")}), say("\\n"), say("B"), finish("stop")}));
  CHECK(run.grammar.blocks() == Blocks{"text:A", "tool_use:read:{}", "text:\nB"});
  const Run spaces(
      frames({say("\\n"), calls({call(0, "call_x1", "read", "{}")}), say(" \\n "),
              calls({call(1, "call_x2", "write", "{}")}), say(" "), finish("tool_calls")}));
  CHECK(spaces.grammar.blocks() == Blocks{"tool_use:read:{}", "tool_use:write:{}"});
  const Run behind(frames({calls({call(0, "call_x1", "read", "{\\\"a\\\"")}), say("B"),
                           calls({call(0, "", "", ":1}")}), finish("stop")}));
  CHECK(behind.grammar.blocks() == Blocks{"tool_use:read:{\"a\":1}", "text:B"});
}

TEST_CASE("vector 110: reasoning, text, reasoning") {
  const Run run(frames({think("r1"), say("t"), think("r2"), finish("stop")}),
                make_context("deepseek"));
  CHECK(run.grammar.blocks() == Blocks{"thinking:r1", "text:t", "thinking:r2"});
  CHECK(run.grammar.signatures().size() == 2);
  CHECK(run.grammar.signatures()[0].substr(0, 7) == "clasp1.");
}

TEST_CASE("vector 111, defect 4: reasoning and content in one chunk") {
  const Run run(frames({delta("\"content\":\"T\",\"reasoning\":\"R\""), finish("stop")}),
                make_context("vllm"));
  CHECK(run.grammar.blocks() == Blocks{"thinking:R", "text:T"});
}

TEST_CASE("vector 112: a call without arguments") {
  const Run run(frames({calls({call(0, "call_x1", "read", "")}), finish("tool_calls")}));
  CHECK(run.grammar.blocks() == Blocks{"tool_use:read:{}"});
}

TEST_CASE("vector 113, defect 5: the stream breaks off") {
  const Run run(frames({say("half")}, false));
  CHECK(run.out.failed());
  CHECK(run.out.error.type == clasp::wire::ErrorType::api);
  CHECK(run.out.error.message == "stream ended prematurely");
  CHECK(run.out.sse.find("message_delta") == std::string::npos);
  CHECK(run.out.sse.find("message_stop") == std::string::npos);
  CHECK(run.out.sse.find("content_block_stop") == std::string::npos);
}

TEST_CASE("vector 114: finish_reason without [DONE] is a normal end") {
  const Run run(frames({say("ok"), finish("stop")}, false));
  CHECK(run.stop() == "end_turn");
}

TEST_CASE("vector 115: an error chunk in and before the content") {
  const std::string error = "{\"error\":{\"code\":502,\"message\":\"upstream died\"}}";
  const Run mid(frames({say("x"), error, say("y")}));
  REQUIRE(mid.out.failed());
  CHECK(mid.out.error.type == clasp::wire::ErrorType::api);
  CHECK(mid.out.opened);
  CHECK(mid.out.sse.find("\"y\"") == std::string::npos);
  const Run first(frames({error}));
  REQUIRE(first.out.failed());
  CHECK_FALSE(first.out.opened);
  CHECK(first.out.sse == "");
  CHECK(first.out.error.status == 502);
  CHECK(first.out.error.message == "upstream died");
}

TEST_CASE("vector 116: arguments cut off") {
  const Blocks chunks = {calls({call(0, "call_x1", "write", "{\\\"a\\\":1,\\\"b\\\":\\\"te")})};
  const Run length(frames({chunks[0], finish("length")}));
  CHECK(length.grammar.blocks() == Blocks{"tool_use:write:{\"a\":1,\"b\":\"te"});
  CHECK(length.stop() == "max_tokens");
  const Run whole(frames({chunks[0], finish("tool_calls")}));
  CHECK(whole.grammar.blocks() == Blocks{"tool_use:write:{\"a\":1,\"b\":\"te\"}"});
  const Run key(frames(
      {calls({call(0, "call_x1", "write", "{\\\"a\\\":1,\\\"b\\\":")}), finish("tool_calls")}));
  CHECK(key.grammar.blocks() == Blocks{"tool_use:write:{\"a\":1}"});
}

TEST_CASE("vector 117: a raw line break inside an argument string") {
  const Run run(frames(
      {calls({call(0, "call_x1", "write", "{\\\"t\\\":\\\"a\\nb\\\"}")}), finish("tool_calls")}));
  CHECK(run.grammar.blocks() == Blocks{"tool_use:write:{\"t\":\"a\\nb\"}"});
}

TEST_CASE("vector 118: a final snapshot repeats all arguments") {
  const Run with_id(
      frames({calls({call(0, "call_x1", "read", "{\\\"a\\\"")}), calls({call(0, "", "", ":1}")}),
              calls({call(0, "call_x1", "read", "{\\\"a\\\":1}")}), finish("tool_calls")}));
  CHECK(with_id.grammar.blocks() == Blocks{"tool_use:read:{\"a\":1}"});
  const Run without(
      frames({calls({call(0, "call_x1", "read", "{\\\"a\\\"")}), calls({call(0, "", "", ":1}")}),
              calls({call(0, "", "read", "{\\\"a\\\":1}")}), finish("tool_calls")}));
  CHECK(without.grammar.blocks() == Blocks{"tool_use:read:{\"a\":1}"});
}

TEST_CASE("vector 119: the old function_call") {
  const Run run(
      frames({delta("\"function_call\":{\"name\":\"read\",\"arguments\":\"\"}"),
              delta("\"function_call\":{\"arguments\":\"{\\\"a\\\":\"}"),
              delta("\"function_call\":{\"arguments\":\"1}\"}"), finish("function_call")}));
  CHECK(run.grammar.blocks() == Blocks{"tool_use:read:{\"a\":1}"});
  CHECK(run.stop() == "tool_use");
}

TEST_CASE("vector 120, trap 7: a read ends inside a character") {
  const std::string input = frames({say("a\xF0\x9F\x98\x80z"), finish("stop")});
  const Run run(input);
  CHECK(run.grammar.blocks() == Blocks{"text:a\xF0\x9F\x98\x80z"});
}

TEST_CASE("vector 126: azure's first chunk has filter results only") {
  const Run run(
      frames({"{\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\","
              "\"prompt_filter_results\":[{\"prompt_index\":0,\"content_filter_results\":{}}]}",
              say("Hi"), finish("stop")}),
      make_context("azure"));
  CHECK(run.grammar.blocks() == Blocks{"text:Hi"});
}
