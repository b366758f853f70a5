// Replies of the Responses API: what each kind of event and item becomes (translation spec §4.5,
// §5.7), vector by vector.
#include <doctest/doctest.h>

#include "../../support/reply_run.h"
#include "../../support/responses_kit.h"

using namespace clasp::test;
using clasp::translate::decode_signature;
using clasp::translate::ReplyContext;
using Blocks = std::vector<std::string>;

namespace {

struct Run : StreamRun {
  explicit Run(const std::string& input, ReplyContext context = responses_context())
      : StreamRun(input, std::move(context)) {}
};

// The Message of a plain answer.
struct Plain {
  Outcome out;
  Json message;
  explicit Plain(const std::string& body, ReplyContext context = responses_context()) {
    out = plain(std::move(context), body);
    if (out.done()) message = parse_json(out.sse);
  }
  std::string get(const char* key) const { return dump_json(json_object_get(message.get(), key)); }
  std::string stop() const { return json_text(json_object_get(message.get(), "stop_reason")); }
};

std::string summary_piece(int index, int part, const std::string& raw) {
  return ev(
      "response.reasoning_summary_text.delta",
      at(index) + ",\"summary_index\":" + std::to_string(part) + ",\"delta\":\"" + raw + "\"");
}

ReplyContext searching() {
  ReplyContext context = responses_context();
  context.web_search = true;
  return context;
}

std::string search_item(const std::string& action, const std::string& status = "completed") {
  return R"("id":"ws_1","type":"web_search_call","status":")" + status + R"(","action":)" + action;
}

}  // namespace

TEST_CASE("vector 99: how a Response ended, in a plain answer") {
  const auto status = [](const std::string& name, const std::string& more, std::string items = "") {
    return Plain(response_json(name, items, more));
  };
  const std::string text = "{" + message_item("Hi") + "}";
  const std::string call = "{" + call_item("fc_1", "call_a1", "read", "{}") + "}";
  CHECK(status("completed", "", text).stop() == "end_turn");
  CHECK(status("completed", "", text + "," + call).stop() == "tool_use");
  const auto incomplete = [&](const std::string& reason) {
    return status("incomplete", "\"incomplete_details\":{\"reason\":\"" + reason + "\"}", text);
  };
  CHECK(incomplete("max_output_tokens").stop() == "max_tokens");
  CHECK(incomplete("content_filter").stop() == "refusal");
  CHECK(incomplete("steered").stop() == "max_tokens");
  CHECK(incomplete("steered").out.notes.size() == 1);
  const auto failed = [&](const std::string& code) {
    return status("failed", R"("error":{"code":")" + code + R"(","message":"It broke."})").out;
  };
  CHECK(failed("server_error").error.status == 500);
  CHECK(failed("server_error").error.message == "It broke.");
  CHECK(failed("rate_limit_exceeded").error.status == 429);
  CHECK(failed("invalid_image").error.status == 400);
  CHECK(failed("image_too_large").error.status == 400);
  CHECK(failed("vector_store_timeout").error.status == 504);
  for (const char* code : {"invalid_prompt", "bio_policy", "misalignment_policy_violation",
                           "image_content_policy_violation"})
    CHECK(failed(code).stop_reason == "refusal");
  CHECK(status("cancelled", "", text).out.failed());
  CHECK(status("in_progress", "", text).out.failed());
  CHECK(status("queued", "").out.failed());
  CHECK(Plain(R"({"output":[{)" + message_item("Hi") + "}]}").stop() == "end_turn");
}

TEST_CASE("§4.1: what is no Response") {
  CHECK(Plain(R"({"choices":[]})").out.error.message == "backend returned no output");
  CHECK(Plain(R"({"error":{"code":"rate_limit_exceeded","message":"slow"}})").out.error.status ==
        429);
  CHECK(Plain(R"({"type":"error","code":"server_error","message":"m"})").out.error.status == 500);
  CHECK(Plain(R"({"detail":"Not Found"})").out.failed());
  CHECK(Plain("<html>nothing</html>").out.error.status == 502);
  CHECK(Plain("[1]").out.failed());
  CHECK(Plain(response_json("completed")).get("content") == "[]");
  // A document where a stream was asked for, and the other way round.
  const std::string whole = response_json("completed", "{" + message_item("Hi") + "}");
  CHECK(Run(whole).blocks() == Blocks{"text:Hi"});
  const Outcome collected =
      collect(responses_context(), text_piece(0, "Hi") + terminal("completed"));
  CHECK(collected.done());
}

TEST_CASE("vector 122: reasoning in parts, a message, two calls with interleaved input") {
  const Run run(
      added(0, R"("type":"reasoning","id":"rs_1","encrypted_content":"part","summary":[])") +
      summary_piece(0, 0, "First") +
      ev("response.reasoning_summary_text.done", at(0) + R"(,"summary_index":0,"text":"First")") +
      ev("response.reasoning_summary_part.done",
         at(0) + R"(,"summary_index":0,"part":{"type":"summary_text","text":"First"})") +
      ev("response.reasoning_summary_part.added", at(0) + R"(,"summary_index":1)") +
      summary_piece(0, 1, "Sec") + summary_piece(0, 1, "ond") +
      item_done(0, reasoning_item("rs_1", "WHOLE", {"First", "Second"})) +
      added(1, R"("type":"message","id":"m","phase":"commentary","content":[])") +
      text_piece(1, "I look.") + item_done(1, message_item("I look.")) +
      added(2, call_item("fc_1", "call_a1", "read", "")) +
      added(3, call_item("fc_2", "call_b2", "write", "")) + input_piece(2, "{\\\"a\\\"") +
      input_piece(3, "{\\\"b\\\"") + input_piece(2, ":1}") + input_piece(3, ":2}") +
      item_done(3, call_item("fc_2", "call_b2", "write", "{\\\"b\\\":2}")) +
      item_done(2, call_item("fc_1", "call_a1", "read", "{\\\"a\\\":1}")) + terminal("completed"));
  CHECK(run.blocks() == Blocks{"thinking:First\n\nSecond", "text:I look.",
                               "tool_use:read:{\"a\":1}", "tool_use:write:{\"b\":2}"});
  CHECK(run.stop() == "tool_use");
  CHECK(run.grammar.tool_ids() == Blocks{"call_a1", "call_b2"});
  CHECK(run.state(0) == R"(r {"id":"rs_1","ec":"WHOLE","phase":"commentary"})");
}

TEST_CASE("§5.7: pieces are shown at once, and the thinking ends when the message begins") {
  const ReplyContext context = responses_context();
  std::string sse;
  clasp::wire::SseEventWriter writer(sse);
  run_with(context, writer, [&](clasp::translate::Converter& reply) {
    const auto feed = [&](const std::string& event) {
      sse.clear();
      reply.feed_stream(event);
      return sse;
    };
    CHECK(feed(ev("response.created", "\"response\":" + response_json("in_progress"))).empty());
    CHECK(feed(added(0, R"("type":"reasoning","id":"rs_1")")).empty());
    CHECK(feed(summary_piece(0, 0, "Hm")).find("\"thinking\":\"Hm\"") != std::string::npos);
    CHECK(feed(item_done(0, reasoning_item("rs_1", "E", {"Hm"}))).empty());
    CHECK(feed(added(1, R"("type":"message","phase":"final_answer")")).find("signature_delta") !=
          std::string::npos);
    CHECK(feed(text_piece(1, "Hi")).find("\"text\":\"Hi\"") != std::string::npos);
    CHECK(feed(item_done(1, message_item("Hi"))).empty());
    CHECK(feed(added(2, call_item("fc_1", "call_a1", "read", ""))).find("tool_use") !=
          std::string::npos);
    CHECK(feed(input_piece(2, "{}")).find("content_block_stop") != std::string::npos);
    CHECK(feed(terminal("completed")).find("message_stop") != std::string::npos);
    CHECK(reply.upstream_id() == "resp_1");
  });
}

TEST_CASE("vector 123: a stream with only response.completed") {
  const std::string output = "{" + reasoning_item("rs_1", "E", {"A", "B"}) + "},{" +
                             message_item("Text") + "},{" +
                             call_item("fc_1", "call_a1", "read", "{\\\"a\\\":1}") + "}";
  const Run run(terminal("completed", output));
  CHECK(run.blocks() == Blocks{"thinking:A\n\nB", "text:Text", "tool_use:read:{\"a\":1}"});
  CHECK(run.stop() == "tool_use");
  CHECK(run.out.usage.input_tokens == 6);
  CHECK(run.out.usage.cache_read == 4);
  CHECK(run.out.usage.thinking_tokens == 2);
}

TEST_CASE("vector 124: one error of two, and none of a cut stream is a success") {
  const std::string text = text_piece(0, "Hi");
  const std::string failed =
      ev("response.failed", R"("response":{"status":"failed","error":{"code":"server_error",)"
                            R"("message":"It broke."}})");
  const std::string error = ev("error", R"("code":"server_error","message":"Again.")");
  const Run run(text + failed + error);
  CHECK(run.out.failed());
  CHECK(run.out.error.message == "It broke.");
  CHECK(run.blocks().empty());
  const Run cut(text);
  CHECK(cut.out.error.message == "stream ended prematurely");
  CHECK(Run("").out.failed());
  CHECK(Run(text + "data: [DONE]\n\n").out.failed());
  CHECK(Run(text + "data: [DONE]\n\n", responses_context("ollama")).out.done());
  CHECK(Run(text + ev("response.cancelled")).out.failed());
  CHECK(Run(error).out.error.status == 500);
  const Run nested(ev("error", R"("error":{"type":"invalid_request_error","code":"context_length_)"
                               R"(exceeded","message":"Your input exceeds the context window."})"));
  CHECK(nested.out.error.message.starts_with("prompt is too long"));
  // A blocked prompt is an answer, as long as there is none.
  const std::string policy =
      ev("response.failed", R"("response":{"error":{"code":"bio_policy","message":"no"}})");
  CHECK(Run(policy).stop() == "refusal");
  CHECK(Run(text + policy).out.failed());
}

TEST_CASE("§4.6: usage, tier and searches") {
  const Run run(text_piece(0, "Hi") +
                    ev("response.completed",
                       R"("response":{"status":"completed","service_tier":"priority","usage":{)"
                       R"("input_tokens":100,"input_tokens_details":{"cached_tokens":30,)"
                       R"("cache_write_tokens":20},"output_tokens":9,"output_tokens_details":{)"
                       R"("reasoning_tokens":4}},"tool_usage":{"web_search":{"num_requests":3}}})"),
                searching());
  const json_t* usage = json_object_get(run.grammar.message(), "usage");
  CHECK(json_integer_value(json_object_get(usage, "input_tokens")) == 50);
  CHECK(json_integer_value(json_object_get(usage, "cache_read_input_tokens")) == 30);
  CHECK(json_integer_value(json_object_get(usage, "cache_creation_input_tokens")) == 20);
  CHECK(dump_json(json_object_get(usage, "output_tokens_details")) == R"({"thinking_tokens":4})");
  CHECK(dump_json(json_object_get(usage, "server_tool_use")) ==
        R"({"web_fetch_requests":0,"web_search_requests":3})");
  CHECK(Plain(response_json("completed", "", R"("service_tier":"priority")"))
            .get("usage")
            .find(R"("service_tier":"priority")") != std::string::npos);
  CHECK(Run(text_piece(0, "Hi") + ev("response.completed")).out.usage.estimated);
}

TEST_CASE("§5.7: whole texts add what the pieces lacked, and nothing else") {
  const auto done = [](const std::string& text) {
    return ev("response.output_text.done", at(0) + R"(,"content_index":0,"text":")" + text + "\"");
  };
  const std::string hel = text_piece(0, "Hel");
  CHECK(Run(hel + done("Hello") + terminal("completed")).blocks() == Blocks{"text:Hello"});
  CHECK(Run(hel + done("Hel") + done("Hel") + item_done(0, message_item("Hel")) +
            terminal("completed", "{" + message_item("Hel") + "}"))
            .blocks() == Blocks{"text:Hel"});
  CHECK(Run(hel + item_done(0, message_item("Hello")) + terminal("completed")).blocks() ==
        Blocks{"text:Hello"});
  CHECK(Run(hel + terminal("completed", "{" + message_item("Hello") + "}")).blocks() ==
        Blocks{"text:Hello"});
  const Run other(hel + done("Other") + terminal("completed"));
  CHECK(other.blocks() == Blocks{"text:Hel"});
  CHECK(other.out.notes.size() == 1);
  // A character in two halves.
  CHECK(Run(text_piece(0, "\\ud83d") + text_piece(0, "\\udc4b") + terminal("completed")).blocks() ==
        Blocks{"text:\xF0\x9F\x91\x8B"});
}

TEST_CASE("§5.7: input of calls: only whole, only pieces, late names, an object") {
  const std::string whole = call_item("fc_1", "call_a1", "read", "{\\\"a\\\":1}");
  CHECK(Run(item_done(0, whole) + terminal("completed")).blocks() ==
        Blocks{"tool_use:read:{\"a\":1}"});
  CHECK(Run(added(0, call_item("fc_1", "call_a1", "read", "")) + input_piece(0, "{\\\"a\\\":1}") +
            terminal("completed"))
            .blocks() == Blocks{"tool_use:read:{\"a\":1}"});
  const std::string nameless = R"("type":"function_call","id":"fc_1")";
  const Run late(added(0, nameless) + input_piece(0, "{\\\"a\\\":1}") + item_done(0, whole) +
                 terminal("completed"));
  CHECK(late.blocks() == Blocks{"tool_use:read:{\"a\":1}"});
  CHECK(late.grammar.tool_ids() == Blocks{"call_a1"});
  CHECK(Run(item_done(0, R"("type":"function_call","name":"read","arguments":{"a":[1, 2]})") +
            terminal("completed"))
            .blocks() == Blocks{"tool_use:read:{\"a\":[1, 2]}"});
  CHECK(Run(item_done(0, call_item("f", "c1", "read", "")) + terminal("completed")).blocks() ==
        Blocks{"tool_use:read:{}"});
  CHECK(Run(item_done(0, call_item("f", "c1", "read", "not json")) + terminal("completed"))
            .blocks() == Blocks{"tool_use:read:{\"_raw_arguments\":\"not json\"}"});
  CHECK(Run(item_done(0, nameless) + terminal("completed")).out.failed());
  // The done event completes what the pieces left open.
  CHECK(Run(added(0, call_item("fc_1", "call_a1", "read", "")) + input_piece(0, "{\\\"a\\\":") +
            ev("response.function_call_arguments.done", at(0) + R"(,"arguments":"{\"a\":[1]}")") +
            terminal("completed"))
            .blocks() == Blocks{"tool_use:read:{\"a\":[1]}"});
}

TEST_CASE("§4.5: a call that the cap cut off, and one that a filter hides") {
  const std::string begun = added(0, call_item("fc_1", "call_a1", "write", "")) +
                            input_piece(0, "{\\\"text\\\":\\\"half");
  const std::string reason = R"("incomplete_details":{"reason":"max_output_tokens"})";
  const Run run(begun + terminal("incomplete", "", reason));
  CHECK(run.blocks() == Blocks{"tool_use:write:{\"text\":\"half"});
  CHECK(run.stop() == "max_tokens");
  const Run marked(begun +
                   item_done(0, call_item("fc_1", "call_a1", "write", "{\\\"text\\\":\\\"half") +
                                    R"(,"status":"incomplete")") +
                   terminal("incomplete", "", reason));
  CHECK(marked.blocks() == run.blocks());
  const Run closed(begun + terminal("completed"));
  CHECK(closed.blocks() == Blocks{"tool_use:write:{\"text\":\"half\"}"});
  const Plain filtered(response_json(
      "incomplete", "{" + message_item("Hi") + "},{" + call_item("f", "c", "read", "{}") + "}",
      R"("incomplete_details":{"reason":"content_filter"})"));
  CHECK(filtered.stop() == "refusal");
}

TEST_CASE("§3.7: only the first call where one was asked for") {
  ReplyContext context = responses_context();
  context.single_tool_call = true;
  const Run run(item_done(0, call_item("f1", "c1", "read", "{}")) +
                    item_done(1, call_item("f2", "c2", "write", "{}")) + terminal("completed"),
                context);
  CHECK(run.blocks() == Blocks{"tool_use:read:{}"});
}

TEST_CASE("§4.5: custom tools") {
  const Run run(
      added(0, R"("type":"custom_tool_call","id":"c","call_id":"call_c1","name":"write")") +
      ev("response.custom_tool_call_input.delta", at(0) + R"(,"delta":"a \"b\"\n")") +
      ev("response.custom_tool_call_input.delta", at(0) + R"(,"delta":"c")") +
      ev("response.custom_tool_call_input.done", at(0) + R"(,"input":"a \"b\"\nc")") +
      terminal("completed"));
  CHECK(run.blocks() == Blocks{R"(tool_use:write:{"input":"a \"b\"\nc"})"});
}

TEST_CASE("vector 90 for Responses: refusals") {
  const Run run(ev("response.refusal.delta", at(0) + R"(,"content_index":0,"delta":"I can")") +
                ev("response.refusal.delta", at(0) + R"(,"content_index":0,"delta":"not.")") +
                ev("response.refusal.done", at(0) + R"(,"content_index":0,"refusal":"I cannot.")") +
                terminal("completed"));
  CHECK(run.blocks() == Blocks{"text:I cannot."});
  CHECK(run.stop() == "refusal");
  CHECK(run.out.sse.find(R"("explanation":"I cannot.")") != std::string::npos);
  const Plain both(response_json("completed",
                                 R"({"type":"message","content":[{"type":"output_text",)"
                                 R"("text":"A"},{"type":"refusal","refusal":"B"}]})"));
  CHECK(both.stop() == "refusal");
  CHECK(json_array_size(json_object_get(both.message.get(), "content")) == 2);
}

TEST_CASE("§2.5: state of reasoning: with the text, without it, none, not shown") {
  const auto reasoned = [](const std::string& item, ReplyContext context = responses_context()) {
    return Run(item_done(0, item) + item_done(1, message_item("Hi")) + terminal("completed"),
               std::move(context));
  };
  const Run only_state = reasoned(reasoning_item("rs_1", "E", {}));
  CHECK(only_state.blocks() == Blocks{"thinking:", "text:Hi"});
  CHECK(only_state.state(0) == R"(r {"id":"rs_1","ec":"E"})");
  CHECK(reasoned(reasoning_item("rs_1", "", {})).blocks() == Blocks{"text:Hi"});
  const Run only_text = reasoned(reasoning_item("rs_1", "", {"T"}));
  CHECK(only_text.blocks() == Blocks{"thinking:T", "text:Hi"});
  CHECK(only_text.state(0) == R"(r {"id":"rs_1","ec":""})");
  ReplyContext omitted = responses_context();
  omitted.thinking_omitted = true;
  const Run hidden = reasoned(reasoning_item("rs_1", "E", {"T"}), omitted);
  CHECK(hidden.blocks() == Blocks{"thinking:", "text:Hi"});
  CHECK(hidden.state(0) == R"(r {"id":"rs_1","ec":"E"})");
  ReplyContext disabled = responses_context();
  disabled.thinking_disabled = true;
  CHECK(reasoned(reasoning_item("rs_1", "E", {"T"}), disabled).blocks() == Blocks{"text:Hi"});
  // Two items are two blocks, and a blank line is only between parts that say something.
  const Run two(item_done(0, reasoning_item("rs_1", "E", {"A", ""})) +
                item_done(1, reasoning_item("rs_2", "F", {"", "B"})) + terminal("completed"));
  CHECK(two.blocks() == Blocks{"thinking:A", "thinking:B"});
  CHECK(two.state(1) == R"(r {"id":"rs_2","ec":"F"})");
}

TEST_CASE("§2.3, §4.5: two messages side by side: a block between them holds their phases") {
  const auto message = [](const std::string& words, const std::string& phase) {
    return message_item(words) + (phase.empty() ? phase : ",\"phase\":\"" + phase + "\"");
  };
  const auto both = [&](const std::string& first, const std::string& second) {
    return Run(item_done(0, message("a", first)) + item_done(1, message("b", second)) +
               terminal("completed"));
  };
  const Run run = both("commentary", "final_answer");
  CHECK(run.blocks() == Blocks{"text:a", "thinking:", "text:b"});
  CHECK(run.state(0) == R"(r {"id":"","ec":"","phase":"final_answer","prior":"commentary"})");
  CHECK(both("commentary", "").blocks() == Blocks{"text:a", "thinking:", "text:b"});
  CHECK(both("", "").blocks() == Blocks{"text:a", "text:b"});
  // Between others there is something that keeps them apart, and reasoning has the phase itself.
  const Run apart(item_done(0, message("a", "commentary")) +
                  item_done(1, reasoning_item("rs", "E", {})) +
                  item_done(2, message("b", "final_answer")) +
                  item_done(3, call_item("f", "call_a", "read", "{}")) +
                  item_done(4, message("c", "final_answer")) + terminal("completed"));
  CHECK(apart.blocks() == Blocks{"text:a", "thinking:", "text:b", "tool_use:read:{}", "text:c"});
  // Of a message without words nothing is left to be kept apart.
  CHECK(Run(item_done(0, message("a", "commentary")) + item_done(1, message("", "commentary")) +
            item_done(2, message("b", "final_answer")) + terminal("completed"))
            .blocks() == Blocks{"text:a", "thinking:", "text:b"});
  ReplyContext off = responses_context();
  off.thinking_disabled = true;
  CHECK(Run(item_done(0, message("a", "commentary")) + item_done(1, message("b", "final_answer")) +
                terminal("completed"),
            off)
            .blocks() == Blocks{"text:a", "text:b"});
}

TEST_CASE("§4.5: reasoning text counts where there is no summary") {
  const std::string raw = R"("type":"reasoning","id":"r","content":[{"type":"reasoning_text",)"
                          R"("text":"raw"}])";
  CHECK(Run(item_done(0, raw) + terminal("completed")).blocks() == Blocks{"thinking:raw"});
  CHECK(
      Run(item_done(0, raw + R"(,"summary":[{"text":"sum"}])") + terminal("completed")).blocks() ==
      Blocks{"thinking:sum"});
  const std::string piece = R"(,"content_index":0,"delta":"ra")";
  CHECK(Run(ev("response.reasoning_text.delta", at(0) + piece) +
            item_done(0, raw + R"(,"summary":[{"text":"sum"}])") + terminal("completed"))
            .blocks() == Blocks{"thinking:ra"});
}

TEST_CASE("§2.5.8: state for the secondary store says how many calls stood in front of it") {
  ReplyContext context = responses_context();
  context.keep_states = true;
  context.thinking_disabled = true;
  const Run run(item_done(0, reasoning_item("rs_1", "E", {})) +
                    item_done(1, call_item("f1", "call_a", "read", "{}")) +
                    item_done(2, reasoning_item("rs_2", "F", {})) +
                    item_done(3, call_item("f2", "call_b", "write", "{}")) + terminal("completed"),
                context);
  CHECK(run.out.call_states.tool_ids == Blocks{"call_a", "call_b"});
  const std::string whole = run.out.call_states.state.whole;
  const std::size_t space = whole.find(' ');
  REQUIRE(space != std::string::npos);
  CHECK(decode_signature(whole.substr(0, space))->state_json == R"({"id":"rs_1","ec":"E","at":0})");
  CHECK(decode_signature(whole.substr(space + 1))->state_json ==
        R"({"id":"rs_2","ec":"F","at":1})");
}

TEST_CASE("§4.5: searches, their results and errors") {
  const std::string action =
      R"({"type":"search","query":"who \"x\"","sources":[{"type":"url","url":"https://a.example/1"},)"
      R"({"type":"url","url":"https://b.example/"}]})";
  const Run run(
      item_done(0, search_item(action)) + item_done(1, message_item("Hi")) + terminal("completed"),
      searching());
  CHECK(run.blocks() == Blocks{"server_tool_use", "web_search_tool_result", "text:Hi"});
  CHECK(run.at(0, "input") == R"({"query":"who \"x\""})");
  CHECK(json_text(json_object_get(run.block(0), "id")).starts_with("srvtoolu_clasp"));
  CHECK(json_array_size(json_object_get(run.block(1), "content")) == 2);
  const json_t* usage = json_object_get(run.grammar.message(), "usage");
  CHECK(dump_json(json_object_get(usage, "server_tool_use")) ==
        R"({"web_fetch_requests":0,"web_search_requests":1})");
  CHECK(run.stop() == "end_turn");
  // Nobody asked: nothing is shown.
  CHECK(Run(item_done(0, search_item(action)) + terminal("completed")).blocks().empty());
  CHECK(Run(item_done(0, search_item(R"({"type":"open_page","url":"https://a"})")) +
                terminal("completed"),
            searching())
            .blocks()
            .empty());
  const Run failed(item_done(0, search_item(action, "failed")) + terminal("completed"),
                   searching());
  CHECK(failed.at(1, "content") ==
        R"({"error_code":"unavailable","type":"web_search_tool_result_error"})");
  const Run queries(item_done(0, search_item(R"({"type":"search","queries":["q1","q2"]})")) +
                        terminal("completed"),
                    searching());
  CHECK(queries.at(0, "input") == R"({"query":"q1"})");
  CHECK(queries.at(1, "content") == "[]");
}

TEST_CASE("vector 100 for Responses: citations go to their text, and unseen sources to the end") {
  const std::string note =
      R"({"type":"url_citation","start_index":0,"end_index":2,"title":"T","url":"https://a/?utm_source=openai"})";
  const std::string message =
      R"("type":"message","content":[{"type":"output_text","text":"Hi you",)"
      R"("annotations":[)" +
      note + "]}]";
  const std::string streamed = text_piece(0, "Hi you") +
                               ev("response.output_text.annotation.added",
                                  at(0) + R"(,"content_index":0,"annotation":)" + note) +
                               item_done(0, message) + terminal("completed");
  const Run run(streamed, searching());
  CHECK(run.blocks() == Blocks{"text:Hi you", "server_tool_use", "web_search_tool_result"});
  CHECK(json_array_size(json_object_get(run.block(0), "citations")) == 1);
  CHECK(run.at(0, "citations").find(R"("cited_text":"Hi")") != std::string::npos);
  const Run deaf(streamed);
  CHECK(deaf.blocks() == Blocks{"text:Hi you"});
  CHECK(deaf.at(0, "citations") == "null");
  // A plain answer is cut where the span ends.
  const Plain whole(response_json("completed", "{" + message + "}"), searching());
  const json_t* content = json_object_get(whole.message.get(), "content");
  CHECK(json_text(json_object_get(json_array_get(content, 0), "text")) == "Hi");
  CHECK(json_text(json_object_get(json_array_get(content, 1), "text")) == " you");
  // Results that the client has already are not told again.
  const Run known(
      item_done(0, search_item(R"({"type":"search","sources":[{"url":"https://a/"}]})")) +
          item_done(1, message) + terminal("completed"),
      searching());
  CHECK(known.blocks() ==
        Blocks{"server_tool_use", "web_search_tool_result", "text:Hi", "text: you"});
}

TEST_CASE("§4.5: calls of MCP servers") {
  ReplyContext context = responses_context();
  context.mcp = true;
  const std::string call = R"("type":"mcp_call","id":"mcp_1","name":"find","server_label":"docs",)"
                           R"("arguments":"{\"q\": 1}")";
  const std::string list =
      item_done(0, R"("type":"mcp_list_tools","server_label":"docs","tools":[])");
  const Run run(list + item_done(1, call + R"(,"output":"found\n\"it\"","error":null)") +
                    terminal("completed"),
                context);
  CHECK(run.blocks() == Blocks{"mcp_tool_use", "mcp_tool_result"});
  CHECK(run.at(0, "input") == R"({"q":1})");
  CHECK(run.at(0, "server_name") == "\"docs\"");
  CHECK(run.at(1, "is_error") == "false");
  CHECK(run.at(1, "content") == R"([{"citations":null,"text":"found\n\"it\"","type":"text"}])");
  CHECK(run.stop() == "end_turn");
  const Run failed(
      item_done(0, call + R"(,"error":{"type":"http_error","code":500,"message":"no \"way\""})") +
          terminal("completed"),
      context);
  CHECK(failed.at(1, "is_error") == "true");
  CHECK(failed.at(1, "content").find(R"(no \"way\")") != std::string::npos);
  CHECK(Run(item_done(0, call) + terminal("completed")).blocks().empty());
  const Run approval(item_done(0, R"("type":"mcp_approval_request","name":"n","arguments":"{}")") +
                         terminal("completed"),
                     context);
  CHECK(approval.out.failed());
}

TEST_CASE("§4.5: images, compaction, unknown and unrequested items") {
  const Run image(item_done(0, R"("type":"image_generation_call","result":"aGk=")") +
                  terminal("completed"));
  CHECK(image.blocks() == Blocks{"text:[image generated by the model, not transferable]"});
  const Run compaction(item_done(0, R"("type":"compaction","id":"cmp","encrypted_content":"C")") +
                       item_done(1, message_item("Hi")) + terminal("completed"));
  CHECK(compaction.blocks() == Blocks{"thinking:", "text:Hi"});
  CHECK(compaction.state(0) == R"(r {"id":"cmp","ec":"C","type":"compaction"})");
  const Run other(added(0, R"("type":"code_interpreter_call")") +
                  ev("response.code_interpreter_call_code.delta", at(0) + R"(,"delta":"x")") +
                  added(1, R"("type":"from_the_future")") + text_piece(2, "Hi") +
                  terminal("completed", R"({"type":"code_interpreter_call"},)"
                                        R"({"type":"from_the_future"},{)" +
                                            message_item("Hi") + "}"));
  CHECK(other.blocks() == Blocks{"text:Hi"});
  CHECK(other.out.notes.size() == 2);
}

TEST_CASE("vectors 17, 18 for Responses: a local stop over pieces and items") {
  ReplyContext context = responses_context();
  context.stop_sequences = context.local_stops = {"STOP"};
  const Run run(text_piece(0, "a ST") + text_piece(0, "OP") + text_piece(0, "more") +
                    item_done(1, call_item("f", "c", "read", "{}")) + terminal("completed"),
                context);
  CHECK(run.blocks() == Blocks{"text:a "});
  CHECK(run.stop() == "stop_sequence");
  CHECK(run.out.cancel);
  const Run not_met(text_piece(0, "a ST") + item_done(0, message_item("a ST")) +
                        item_done(1, call_item("f", "c", "read", "{}")) + terminal("completed"),
                    context);
  CHECK(not_met.blocks() == Blocks{"text:a ST", "tool_use:read:{}"});
}

TEST_CASE("§1.2: a cap that had to be raised ends as the client's would have") {
  ReplyContext context = responses_context();
  context.cap_raised = true;
  context.max_tokens = 1;
  CHECK(Run(text_piece(0, "Hi") + terminal("completed"), context).stop() == "max_tokens");
  context.max_tokens = 15;
  CHECK(Run(text_piece(0, "Hi") + terminal("completed"), context).stop() == "end_turn");
}

TEST_CASE("§5.7: parts whose end nobody tells hide nothing") {
  const Run texts(text_piece(0, "a") + text_piece(0, "b", 1) + terminal("completed"));
  REQUIRE(texts.blocks() == Blocks{"text:a", "text:b"});
  CHECK(texts.at(1, "text") == "\"b\"");
  const Run refused(text_piece(0, "a") +
                    ev("response.refusal.delta", at(0) + R"(,"content_index":1,"delta":"no")") +
                    terminal("completed"));
  CHECK(refused.blocks() == Blocks{"text:a", "text:no"});
  CHECK(refused.stop() == "refusal");
  const Run summary(summary_piece(0, 0, "a") + summary_piece(0, 1, "b") + terminal("completed"));
  CHECK(summary.at(0, "thinking") == R"("a\n\nb")");
}

TEST_CASE("§5.7: the final output repeats nothing, though its ids and places are others") {
  const auto call = [](const std::string& id, const std::string& call_id) {
    return call_item(id, call_id, "read", "{}");
  };
  const std::string streamed =
      item_done(0, reasoning_item("x1", "E", {"sum"})) + text_piece(0, "Hi") +
      item_done(0, R"("id":"x2",)" + message_item("Hi")) + item_done(0, call("x3", "call_a1")) +
      item_done(0, call("x4", "call_a2"));
  const std::string output = "{" + reasoning_item("z1", "E", {"sum"}) + R"(},{"id":"z2",)" +
                             message_item("Hi") + "},{" + call("z3", "call_a1") + "},{" +
                             call("z4", "call_a2") + "}";
  const Blocks all{"thinking:sum", "text:Hi", "tool_use:read:{}", "tool_use:read:{}"};
  CHECK(Run(streamed + terminal("completed", output)).blocks() == all);
  // A call that was not shown is another one.
  const Run more(
      item_done(0, call("x3", "call_a1")) +
      terminal("completed", "{" + call("z4", "call_a2") + "},{" + call("z3", "call_a1") + "}"));
  CHECK(more.blocks() == Blocks{"tool_use:read:{}", "tool_use:read:{}"});
}

TEST_CASE("§5.7: a call that is done twice under two ids is one call") {
  const std::string first = call_item("f1", "call_a1", "read", "{}");
  const std::string again = call_item("f2", "call_a1", "read", "{}");
  CHECK(Run(item_done(0, first) + item_done(0, again) + terminal("completed")).blocks() ==
        Blocks{"tool_use:read:{}"});
  // At another place it is another one, whatever its id.
  CHECK(Run(item_done(0, first) + item_done(1, again) + terminal("completed")).blocks() ==
        Blocks{"tool_use:read:{}", "tool_use:read:{}"});
}

TEST_CASE("§5.7: events that come twice, and equal pieces that do not") {
  const auto counted = [](int n, const std::string& raw) {
    return ev("response.output_text.delta",
              "\"sequence_number\":" + std::to_string(n) + ",\"delta\":\"" + raw + "\"");
  };
  CHECK(Run(counted(1, "a") + counted(2, "ha") + counted(2, "ha") + counted(3, "ha") +
            terminal("completed"))
            .blocks() == Blocks{"text:ahaha"});
  // A server that does not count.
  CHECK(Run(counted(0, "ha") + counted(0, "ha") + counted(0, "ha") + terminal("completed"))
            .blocks() == Blocks{"text:hahaha"});
}

TEST_CASE("hostile: items without end, and what waits is bounded") {
  std::string many;
  for (int i = 0; i < 5000; ++i)
    many += added(i, R"("type":"message","id":")" + std::to_string(i) + "\"");
  CHECK(stream(responses_context(), many + terminal("completed")).failed());
  std::string parts;
  for (int i = 0; i < 1500; ++i) parts += text_piece(0, "x", i);
  CHECK(stream(responses_context(), parts + terminal("completed")).failed());
  // Many short pieces of an item that waits: no time is lost on what came before.
  std::string waiting = added(0, R"("type":"message","id":"m")");
  for (int i = 0; i < 50'000; ++i) waiting += text_piece(1, "xxxxxxxx");
  const Outcome out = stream(responses_context(), waiting + terminal("completed"));
  CHECK(out.done());
  // Three events in a row that are no JSON.
  CHECK(stream(responses_context(), "data: x\n\ndata: y\n\ndata: z\n\n").failed());
}
