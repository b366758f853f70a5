// Reasoning state, local stops, prefill and what else a reply does to its content on the way.
#include <doctest/doctest.h>

#include "../../support/reply_run.h"

using namespace clasp::test;
using clasp::translate::decode_signature;
using clasp::translate::ReplyContext;
using Blocks = std::vector<std::string>;
using Run = StreamRun;

namespace {

std::string details(const std::string& list) {
  return delta("\"reasoning_details\":[" + list + "]");
}

ReplyContext with_stops(std::vector<std::string> stops) {
  ReplyContext context = make_context();
  context.stop_sequences = context.local_stops = std::move(stops);
  return context;
}

}  // namespace

TEST_CASE("vector 17: a local stop sequence") {
  const Run run(frames({say("abcSTOPdef"), finish("stop")}),
                with_stops({"x1", "x2", "STOP", "x4", "x5", "x6"}));
  CHECK(run.grammar.blocks() == Blocks{"text:abc"});
  CHECK(run.stop() == "stop_sequence");
  CHECK(run.sequence() == "STOP");
  CHECK(run.out.cancel);
  CHECK(run.out.usage.estimated);
}

TEST_CASE("vector 18: a local stop split over chunks is never shown") {
  const Run run(frames({say("a ST"), say("OP"), say("more"), finish("stop")}),
                with_stops({"STOP"}));
  CHECK(run.grammar.blocks() == Blocks{"text:a "});
  CHECK(run.out.sse.find("ST\"") == std::string::npos);
  const Run almost(frames({say("a ST"), say("AY \\u00e9"), finish("stop")}), with_stops({"STOP"}));
  CHECK(almost.grammar.blocks() == Blocks{"text:a STAY \xC3\xA9"});
  CHECK(almost.stop() == "end_turn");
  const Run end(frames({say("a ST"), finish("stop")}), with_stops({"STOP"}));
  CHECK(end.grammar.blocks() == Blocks{"text:a ST"});
  // Neither thinking nor tool input is searched; the first match in the text counts.
  const Run elsewhere(
      frames({think("STOP"), calls({call(0, "call_x1", "read", "{\\\"a\\\":\\\"STOP\\\"}")}),
              finish("tool_calls")}),
      with_stops({"STOP"}));
  CHECK(elsewhere.grammar.blocks().size() == 2);
  CHECK(elsewhere.stop() == "tool_use");
  const Run two(frames({say("x b a"), finish("stop")}), with_stops({"a", "b"}));
  CHECK(two.sequence() == "b");
  CHECK(two.grammar.blocks() == Blocks{"text:x "});
}

TEST_CASE("vector 49: an emulated prefill is cut from the reply") {
  ReplyContext context = make_context();
  context.prefill = "{";
  CHECK(Run(frames({say("{\\\"a\\\":1}"), finish("stop")}), context).grammar.blocks() ==
        Blocks{"text:\"a\":1}"});
  context.prefill = "Once upon";
  CHECK(Run(frames({say(" On"), say("ce up"), say("on a time"), finish("stop")}), context)
            .grammar.blocks() == Blocks{"text: a time"});
  CHECK(Run(frames({say("Once more"), finish("stop")}), context).grammar.blocks() ==
        Blocks{"text:Once more"});
}

TEST_CASE("vector 79: only the first call is kept where the client wants one") {
  ReplyContext context = make_context("ollama");
  context.single_tool_call = true;
  const Run run(
      frames({calls({call(0, "call_a1", "read", "{}"), call(1, "call_b1", "write", "{}")}),
              say("text"), finish("stop")}),
      context);
  CHECK(run.grammar.blocks() == Blocks{"tool_use:read:{}", "text:text"});
}

TEST_CASE("vector 146: an encrypted detail with the first call") {
  const std::string encrypted =
      "{\"type\":\"reasoning.encrypted\",\"data\":\"gAAA\",\"id\":\"rs_1\",\"format\":\"openai-"
      "responses-v1\",\"index\":0}";
  const Run run(frames({say("T"),
                        delta("\"reasoning_details\":[" + encrypted + "],\"tool_calls\":[" +
                              call(0, "call_x1", "read", "{}") + "]"),
                        finish("tool_calls")}),
                make_context("openrouter"));
  CHECK(run.grammar.blocks() == Blocks{"text:T", "thinking:", "tool_use:read:{}"});
  CHECK(run.state(0) == "o [" + encrypted + "]");
  // After a call it is too late for a block.
  ReplyContext context = make_context("openrouter");
  context.keep_states = true;
  const Run late(
      frames({calls({call(0, "call_x1", "read", "{}")}), details(encrypted), finish("tool_calls")}),
      context);
  CHECK(late.grammar.blocks() == Blocks{"tool_use:read:{}"});
  const auto& kept = late.out.call_states;
  CHECK(kept.tool_ids == std::vector<std::string>{"call_x1"});
  CHECK(decode_signature(kept.state.whole)->state_json == "[" + encrypted + "]");
  CHECK(kept.state.late == kept.state.whole);
}

TEST_CASE("vector 147: fragments of one detail become one entry") {
  const Run run(frames({details("{\"type\":\"reasoning.text\",\"text\":\"ab\",\"index\":0,"
                                "\"format\":\"f\",\"extra\":[1]}"),
                        details("{\"type\":\"reasoning.text\",\"text\":\"c\\u00e9\",\"index\":0,"
                                "\"signature\":null}"),
                        details("{\"type\":\"reasoning.text\",\"index\":0,\"signature\":\"sig\"}"),
                        details("{\"type\":\"reasoning.summary\",\"summary\":\"S\",\"index\":1}"),
                        say("T"), finish("stop")}),
                make_context("openrouter"));
  CHECK(run.grammar.blocks() == Blocks{"thinking:abc\xC3\xA9S", "text:T"});
  CHECK(run.state(0) ==
        "o "
        "[{\"type\":\"reasoning.text\",\"text\":\"abc\xC3\xA9\",\"index\":0,\"format\":\"f\","
        "\"extra\":[1],"
        "\"signature\":\"sig\"},{\"type\":\"reasoning.summary\",\"summary\":\"S\",\"index\":1}]");
}

TEST_CASE("vector 100: citations of a stream, and the sources behind it") {
  const std::string note =
      "\"annotations\":[{\"type\":\"url_citation\",\"url_citation\":{\"url\":\"http://a/\","
      "\"title\":\"A\",\"start_index\":0,\"end_index\":2}}]";
  ReplyContext context = make_context();
  context.web_search = true;
  const Run run(frames({say("It is"), delta(note), delta(note), finish("stop")}), context);
  CHECK(run.grammar.blocks() == Blocks{"text:It is", "server_tool_use", "web_search_tool_result"});
  const json_t* content = json_object_get(run.grammar.message(), "content");
  CHECK(json_array_size(json_object_get(json_array_get(content, 2), "content")) == 1);
  CHECK(run.stop() == "end_turn");
  CHECK(Run(frames({say("It is"), delta(note), finish("stop")})).grammar.blocks() ==
        Blocks{"text:It is"});
  // What a filter took back has no sources either.
  CHECK(Run(frames({say("It is"), delta(note), finish("content_filter")}), context)
            .grammar.blocks() == Blocks{"text:It is"});
}

TEST_CASE("openrouter's reasoning text is not shown twice") {
  const Run run(frames({delta("\"reasoning\":\"R\",\"reasoning_details\":[{\"type\":\"reasoning."
                              "text\",\"text\":\"R\","
                              "\"index\":0}]"),
                        say("T"), finish("stop")}),
                make_context("openrouter"));
  CHECK(run.grammar.blocks() == Blocks{"thinking:R", "text:T"});
}

TEST_CASE("gemini's thought signature goes ahead of the step's first call") {
  const auto signed_call = [](const std::string& id, const std::string& signature) {
    return "{\"id\":\"" + id +
           "\",\"type\":\"function\",\"function\":{\"name\":\"read\",\"arguments\":\"{}\"},"
           "\"extra_content\":{\"google\":{\"thought_signature\":\"" +
           signature + "\"}}}";
  };
  ReplyContext context = make_context("gemini");
  context.keep_states = true;
  const Run run(
      frames({say("T"), calls({signed_call("call_g1", "c2ln"), signed_call("call_g2", "c2ln2")}),
              finish("stop")}),
      context);
  CHECK(run.grammar.blocks() ==
        Blocks{"text:T", "thinking:", "tool_use:read:{}", "tool_use:read:{}"});
  CHECK(run.state(0) == "g {\"call_g1\":\"c2ln\",\"call_g2\":\"c2ln2\"}");
  const Run later(frames({calls({signed_call("call_g1", "AA")}),
                          calls({signed_call("call_g2", "BB")}), finish("stop")}),
                  context);
  CHECK(later.grammar.blocks() == Blocks{"thinking:", "tool_use:read:{}", "tool_use:read:{}"});
  CHECK(later.state(0) == "g {\"call_g1\":\"AA\"}");
  REQUIRE(later.out.call_states.tool_ids.size() == 2);
  CHECK(decode_signature(later.out.call_states.state.whole)->state_json ==
        "{\"call_g1\":\"AA\",\"call_g2\":\"BB\"}");
  CHECK(decode_signature(later.out.call_states.state.late)->state_json == "{\"call_g2\":\"BB\"}");
  // Without an id the key is the id that the client was given.
  const Run no_id(frames({calls({signed_call("", "AA")}), finish("stop")}), context);
  REQUIRE(no_id.grammar.tool_ids().size() == 1);
  CHECK(no_id.state(0) == "g {\"" + no_id.grammar.tool_ids()[0] + "\":\"AA\"}");
}

TEST_CASE("gemini's thought content is thinking") {
  const Run run(
      frames({delta("\"content\":\"R\",\"extra_content\":{\"google\":{\"thought\":true}}"),
              say("T"), finish("stop")}),
      make_context("gemini"));
  CHECK(run.grammar.blocks() == Blocks{"thinking:R", "text:T"});
  CHECK(run.state(0) == "n {}");
}

TEST_CASE("the kind of state follows the dialect") {
  const auto state = [](const char* name) {
    return Run(frames({think("R"), say("T"), finish("stop")}), make_context(name)).state(0);
  };
  CHECK(state("deepseek") == "t {}");
  CHECK(state("vllm") == "t {}");
  CHECK(state("xai") == "n {}");
}

TEST_CASE("white space alone opens no thinking block") {
  const Run run(frames({think("\\n"), say("T"), finish("stop")}), make_context("vllm"));
  CHECK(run.grammar.blocks() == Blocks{"text:T"});
  const Run kept(
      frames({think("\\n"), think("R"), say("\\n\\n"), think("S"), say("T"), finish("stop")}),
      make_context("vllm"));
  CHECK(kept.grammar.blocks() == Blocks{"thinking:\nRS", "text:T"});
}

TEST_CASE("citations of a stream go to the open text block") {
  ReplyContext context = make_context();
  context.web_search = true;
  const Run run(
      frames({say("See A"),
              delta("\"annotations\":[{\"type\":\"url_citation\",\"url_citation\":{\"url\":"
                    "\"http://a/\",\"start_index\":4,\"end_index\":5}}]"),
              finish("stop")}),
      context);
  const json_t* block = json_array_get(json_object_get(run.grammar.message(), "content"), 0);
  const json_t* citation = json_array_get(json_object_get(block, "citations"), 0);
  CHECK(json_text(json_object_get(citation, "cited_text")) == "A");
}

TEST_CASE("think tags in pieces") {
  const std::string text = "  <think>\nab</thi\nnk>c</think>\n\nT";
  std::vector<std::string> chunks;
  for (const char c : text) chunks.push_back(say(c == '\n' ? "\\n" : std::string(1, c)));
  chunks.push_back(finish("stop"));
  const Run run(frames(chunks), make_context("ollama"));
  CHECK(run.grammar.blocks() == Blocks{"thinking:ab</thi\nnk>c", "text:T"});
  // A server that has a field for reasoning means its tags.
  const Run field(frames({think("R"), say("<think>x</think>y"), finish("stop")}),
                  make_context("ollama"));
  CHECK(field.grammar.blocks() == Blocks{"thinking:R", "text:<think>x</think>y"});
}

TEST_CASE("a blocked prompt inside a stream is a refusal, unless errors are wanted") {
  const std::string blocked =
      frames({"{\"error\":{\"code\":\"content_filter\",\"message\":\"blocked\"}}"});
  const Run run(blocked, make_context("azure"));
  CHECK(run.grammar.events() == Blocks{"message_start", "ping", "message_delta", "message_stop"});
  CHECK(run.stop() == "refusal");
  ReplyContext context = make_context("azure");
  context.policy_as_error = true;
  CHECK(Run(blocked, context).out.failed());
}

TEST_CASE("section 6.4: gemini blocks a prompt with a chunk that has no choice") {
  const Run run(frames({"{\"choices\":[],\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}"}),
                make_context("gemini"));
  CHECK(run.grammar.events() == Blocks{"message_start", "ping", "message_delta", "message_stop"});
  CHECK(run.stop() == "refusal");
}

TEST_CASE("a conclusion without content") {
  std::string sse;
  clasp::wire::SseEventWriter writer(sse);
  const Outcome out = run_with(make_context(), writer, [](clasp::translate::Reply& reply) {
    clasp::translate::Conclusion end;
    end.stop_reason = "max_tokens";
    reply.conclude(end);
    reply.conclude(end);
    reply.feed_stream("data: [DONE]\n\n");
  });
  Grammar grammar;
  CHECK(out.done());
  CHECK(grammar.check_complete(sse) == "");
  CHECK(out.usage.output_tokens == 0);
}
