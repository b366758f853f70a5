// What went wrong in other programs of this kind, one case each, named by the complaint.
#include <doctest/doctest.h>

#include "../../support/reply_run.h"

using namespace clasp::test;
using clasp::translate::ReplyContext;
using clasp::wire::ErrorType;
using Blocks = std::vector<std::string>;
using Run = StreamRun;

namespace {

std::string both(const std::string& inside) {
  return delta(inside);
}

}  // namespace

TEST_CASE("trap 1: indices with gaps, a stop for a block never opened (new-api 5482)") {
  const Run run(frames({say(""), say(" "), think(""), finish("stop")}), make_context("vllm"));
  CHECK(run.grammar.events() == Blocks{"message_start", "ping", "message_delta", "message_stop"});
}

TEST_CASE("trap 2: one index for blocks of two kinds (CLIProxyAPI 539, ollama 17101)") {
  const Run run(frames({say("a"), think("b"), say("c"), finish("stop")}), make_context("ollama"));
  CHECK(run.grammar.blocks() == Blocks{"text:a", "thinking:b", "text:c"});
}

TEST_CASE("trap 3: thinking_delta inside a text block, a second message_start (litellm 33224)") {
  const Run run(frames({delta("\"role\":\"assistant\",\"content\":\"a\""),
                        both("\"content\":\"b\",\"reasoning_content\":\"r\""),
                        delta("\"role\":\"assistant\",\"content\":\"c\""), finish("stop")}),
                make_context("deepseek"));
  CHECK(run.grammar.blocks() == Blocks{"text:a", "thinking:r", "text:bc"});
}

TEST_CASE("trap 4: arguments in the chunk that switches blocks (litellm 25321)") {
  const Run run(frames({say("a"),
                        both("\"reasoning_content\":\"r\",\"content\":\"b\",\"tool_calls\":[" +
                             call(0, "call_x1", "read", "{\\\"p\\\":1}") + "]"),
                        finish("tool_calls")}),
                make_context("vllm"));
  CHECK(run.grammar.blocks() ==
        Blocks{"text:a", "thinking:r", "text:b", "tool_use:read:{\"p\":1}"});
}

TEST_CASE("trap 5: the first text after thinking is lost (litellm 30765)") {
  const Run run(frames({think("r"), say("first"), say(" second"), finish("stop")}),
                make_context("deepseek"));
  CHECK(run.grammar.blocks() == Blocks{"thinking:r", "text:first second"});
}

TEST_CASE("trap 6: an empty 200 is an error before anything was sent (CLIProxyAPI 3697)") {
  for (const std::string& nothing : {std::string(), std::string(": ping\n\n"), frames({}),
                                     frames({"{\"choices\":[]}"}), std::string("\n\n")}) {
    const Run run(nothing);
    CHECK(run.out.failed());
    CHECK_FALSE(run.out.opened);
    CHECK(run.out.sse.empty());
  }
}

TEST_CASE("trap 8: the backend holds the connection open after finish_reason (CCR 1271)") {
  std::string sse;
  clasp::wire::SseEventWriter writer(sse);
  run_with(make_context(), writer, [](clasp::translate::Reply& reply) {
    reply.feed_stream("data: " + say("x") + "\n\n");
    CHECK_FALSE(reply.awaiting_usage());
    reply.feed_stream("data: " + finish("stop") + "\n\n");
    CHECK(reply.awaiting_usage());
    CHECK(reply.finish_stream() == clasp::translate::Reply::State::done);
    CHECK_FALSE(reply.awaiting_usage());
  });
  Grammar grammar;
  CHECK(grammar.check_complete(sse) == "");
}

TEST_CASE("trap 9: every path ends with message_stop or fails (better-ccflare 307)") {
  for (const std::string& input :
       {frames({say("x")}), frames({say("x")}, false), frames({finish("stop")}),
        frames({think("x")}), frames({calls({call(0, "", "", "{}")})}),
        std::string("data: {\n\n")}) {
    const Run run(input, make_context("generic"));
    CHECK((run.grammar.stopped() || run.out.failed()));
  }
}

TEST_CASE("trap 10: comments are not data (llm-gateway 2053)") {
  const Run run(": OPENROUTER PROCESSING\n\n" + frames({say("x"), finish("stop")}));
  CHECK(run.grammar.blocks() == Blocks{"text:x"});
  CHECK(run.out.notes.empty());
}

TEST_CASE("trap 12: an error becomes an empty success (litellm 20347)") {
  const std::string error = "{\"error\":{\"message\":\"boom\",\"type\":\"server_error\"}}";
  const Run run(frames({error, finish("stop")}));
  CHECK(run.out.failed());
  CHECK(run.out.error.message == "boom");
  CHECK(run.out.error.type == ErrorType::api);
}

TEST_CASE("trap 13: openrouter's error chunk with finish_reason error (OmniRoute 8210)") {
  const Run run(frames({say("x"),
                        "{\"error\":{\"code\":429,\"message\":\"slow\"},\"choices\":[{\"index\":0,"
                        "\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}"}));
  CHECK(run.out.error.type == ErrorType::rate_limit);
  CHECK(Run(frames({say("x"), finish("error")})).out.failed());
}

TEST_CASE("trap 14: context exceeded inside a stream (oh-my-claudecode 3574)") {
  const Run run(frames(
      {"{\"error\":{\"message\":\"maximum context length is 100 tokens, requested 200\"}}"}));
  CHECK(run.out.error.type == ErrorType::invalid_request);
  CHECK(run.out.error.message == "prompt is too long: 200 tokens > 100 maximum");
}

TEST_CASE("trap 19: the start of the arguments is lost (CLIProxyAPI 3776)") {
  const Run run(
      frames({calls({call(0, "", "", "{\\\"command\\\"")}), calls({call(0, "call_x1", "", ":")}),
              calls({call(0, "", "read", "\\\"ls\\\"}")}), finish("tool_calls")}));
  CHECK(run.grammar.blocks() == Blocks{"tool_use:read:{\"command\":\"ls\"}"});
  CHECK(run.grammar.tool_ids() == Blocks{"call_x1"});
}

TEST_CASE("trap 20: broken arguments are never shown as none (9router 3416)") {
  const Run run(
      frames({calls({call(0, "call_x1", "read", "{\\\"a\\\": oops}")}), finish("tool_calls")}));
  CHECK(run.out.failed());
  CHECK(run.out.error.message == "backend produced invalid tool arguments");
  CHECK(run.grammar.started());
}

TEST_CASE("trap 21: the id is repeated or new in each piece (nanoclaw 1241)") {
  const Run same(frames({calls({call(0, "call_x1", "read", "{")}),
                         calls({call(0, "call_x1", "", "\\\"a\\\"")}),
                         calls({call(0, "call_x1", "", ":1}")}), finish("tool_calls")}));
  CHECK(same.grammar.blocks() == Blocks{"tool_use:read:{\"a\":1}"});
  const Run fresh(frames({calls({call(0, "call_x1", "read", "{")}),
                          calls({call(0, "call_x2", "", "\\\"a\\\"")}),
                          calls({call(0, "call_x3", "", ":1}")}), finish("tool_calls")}));
  CHECK(fresh.grammar.blocks() == Blocks{"tool_use:read:{\"a\":1}"});
}

TEST_CASE("trap 27: the call comes in the final message only (bifrost 1354)") {
  const std::string whole =
      "{\"choices\":[{\"index\":0,\"delta\":{},\"message\":{\"content\":\"Hi\",\"tool_calls\":[" +
      call(0, "call_x1", "read", "{\\\"a\\\":1}") + "]},\"finish_reason\":\"tool_calls\"}]}";
  const Run run(frames({say("Hi"), whole}));
  CHECK(run.grammar.blocks() == Blocks{"text:Hi", "tool_use:read:{\"a\":1}"});
  const Run alone(frames({whole}));
  CHECK(alone.grammar.blocks() == Blocks{"text:Hi", "tool_use:read:{\"a\":1}"});
}

TEST_CASE("trap 38: usage on any chunk, also after the finish (CLIProxyAPI 1700)") {
  const Run run(frames({say("x"), finish("stop"), usage_chunk(40, 2)}));
  const json_t* usage = json_object_get(run.grammar.message(), "usage");
  CHECK(dump_json(json_object_get(usage, "input_tokens")) == "40");
}

TEST_CASE("section 5.5: stray bytes behind a call's input are noted, a repetition is not") {
  const std::string start = calls({call(0, "call_abc1", "read", "{\\\"a\\\":1}")});
  const Run odd(frames({start, calls({call(0, "", "", " more")}), finish("tool_calls")}));
  CHECK(odd.out.notes == Blocks{"bytes behind tool input"});
  const Run same(frames({start, calls({call(0, "", "", "{\\\"a\\\":1}")}), finish("tool_calls")}));
  CHECK(same.out.notes == Blocks{});
}

TEST_CASE("trap: content after finish_reason still counts") {
  const Run run(frames({say("x"), finish("stop"), calls({call(0, "call_x1", "read", "{}")})}));
  CHECK(run.grammar.blocks() == Blocks{"text:x", "tool_use:read:{}"});
  CHECK(run.stop() == "tool_use");
}

TEST_CASE("trap: [DONE] without finish_reason depends on the server") {
  CHECK(Run(frames({say("x")}), make_context("llamacpp")).stop() == "end_turn");
  CHECK(Run(frames({calls({call(0, "call_x1", "read", "{}")})}), make_context("lmstudio")).stop() ==
        "tool_use");
  for (const char* strict : {"openai", "vllm", "deepseek", "openrouter"})
    CHECK(Run(frames({say("x")}), make_context(strict)).out.error.message ==
          "stream ended prematurely");
  CHECK(Run(frames({}), make_context("llamacpp")).out.error.message == "empty stream");
}

TEST_CASE("trap: a few unreadable chunks are skipped, three in a row are not") {
  const Run two(frames({say("a"), "nonsense", "{", say("b"), "]", finish("stop")}));
  CHECK(two.grammar.blocks() == Blocks{"text:ab"});
  CHECK(two.out.notes == Blocks{"unreadable chunk"});
  CHECK(Run(frames({say("a"), "x", "y", "z", finish("stop")})).out.failed());
}

TEST_CASE("trap: after [DONE] nothing counts") {
  const Run run(frames({say("a"), finish("stop")}) + frames({say("b")}));
  CHECK(run.grammar.blocks() == Blocks{"text:a"});
}

TEST_CASE("trap: LM Studio's error event") {
  const Run run("event: error\ndata: {\"error\":{\"message\":\"The model has crashed\"}}\n\n");
  CHECK(run.out.error.message == "The model has crashed");
  const Run vllm(
      "data: "
      "{\"object\":\"error\",\"message\":\"bad\",\"type\":\"BadRequestError\",\"code\":400}\n\n");
  CHECK(vllm.out.error.type == ErrorType::invalid_request);
}

TEST_CASE("trap: characters cut in two by the server are replaced, not fatal") {
  const Run run(frames({say("a\xF0\x9F"), say("\x98\x80z"), finish("stop")}));
  CHECK(run.grammar.blocks().size() == 1);
  const Run pair(frames({say("\\ud83d"), say("\\ude00!"), finish("stop")}));
  CHECK(pair.grammar.blocks() == Blocks{"text:\xF0\x9F\x98\x80!"});
  const Run lone(frames({say("\\ude00\\ud83d"), finish("stop")}));
  CHECK(lone.grammar.blocks() == Blocks{"text:\xEF\xBF\xBD\xEF\xBF\xBD"});
}

TEST_CASE("trap: a call without a name") {
  const Run many(frames({calls({call(0, "call_x1", "", "{}")}), finish("tool_calls")}));
  CHECK(many.out.failed());
  ReplyContext context = make_context();
  context.tools = {{"only", {"only", ""}}};
  const Run one(frames({calls({call(0, "call_x1", "", "{}")}), finish("tool_calls")}), context);
  CHECK(one.grammar.blocks() == Blocks{"tool_use:only:{}"});
}

TEST_CASE("trap: a name in pieces") {
  ReplyContext context = make_context();
  context.tools = {{"get_weather", {"get_weather", ""}}, {"read", {"read", ""}}};
  const Run run(
      frames({calls({call(0, "call_x1", "get_", "")}), calls({call(0, "", "weather", "")}),
              calls({call(0, "", "", "{}")}), finish("tool_calls")}),
      context);
  CHECK(run.grammar.blocks() == Blocks{"tool_use:get_weather:{}"});
}

TEST_CASE("defect 8: content_filter on a stream is a refusal") {
  const Run run(frames({say("part"), finish("content_filter")}));
  CHECK(run.grammar.blocks() == Blocks{"text:part"});
  CHECK(run.stop() == "refusal");
}

TEST_CASE("trap: answers without end are refused, not hoarded") {
  std::string sse;
  clasp::wire::SseEventWriter writer(sse);
  const Outcome out = run_with(make_context(), writer, [](clasp::translate::Reply& reply) {
    // The call's name never comes: all of it has to be kept.
    const std::string piece = frames({calls({call(0, "", "", std::string(1u << 20, 'x'))})}, false);
    for (int i = 0; i < 200 && reply.state() == clasp::translate::Reply::State::running; ++i)
      reply.feed_stream(piece);
  });
  CHECK(out.failed());
  CHECK(out.error.message == "backend's answer is too large");
}
