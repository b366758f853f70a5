// Replies of the Responses API from servers that leave things out, tell them twice, late or in
// another order (translation spec §5.5, §5.7).
#include <doctest/doctest.h>

#include "../../support/reply_run.h"
#include "../../support/responses_kit.h"

using namespace clasp::test;
using clasp::translate::ReplyContext;
using Blocks = std::vector<std::string>;

namespace {

struct Run : StreamRun {
  explicit Run(const std::string& input, ReplyContext context = responses_context())
      : StreamRun(input, std::move(context)) {}
};

ReplyContext searching() {
  ReplyContext context = responses_context();
  context.web_search = true;
  return context;
}

std::string citation(const std::string& url, int start, int end) {
  return R"({"type":"url_citation","url":")" + url + R"(","title":"T","start_index":)" +
         std::to_string(start) + R"(,"end_index":)" + std::to_string(end) + "}";
}

std::string cited_message(const std::string& text, const std::string& annotations) {
  return R"("type":"message","content":[{"type":"output_text","text":")" + text +
         R"(","annotations":[)" + annotations + "]}]";
}

std::string annotation_event(const std::string& annotation) {
  return ev("response.output_text.annotation.added",
            at(0) + R"(,"content_index":0,"annotation":)" + annotation);
}

const std::string kReason = R"("incomplete_details":{"reason":"max_output_tokens"})";

// What of the stream has come out after each event.
std::vector<std::string> shown_by(const std::vector<std::string>& events, ReplyContext context) {
  std::vector<std::string> out;
  std::string sse;
  clasp::wire::SseEventWriter writer(sse);
  run_with(std::move(context), writer, [&](clasp::translate::Converter& reply) {
    for (const std::string& event : events) {
      sse.clear();
      reply.feed_stream(event);
      out.push_back(sse);
    }
  });
  return out;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("§5.7: response.done ends a stream as its status says") {
  const std::string text = text_piece(0, "Hi");
  const auto done = [&](const std::string& status, const std::string& more = "") {
    return Run(text + ev("response.done", "\"response\":" + response_json(status, "", more)));
  };
  CHECK(done("completed").stop() == "end_turn");
  CHECK(done("completed").out.usage.input_tokens == 6);
  CHECK(done("incomplete", kReason).stop() == "max_tokens");
  CHECK(done("cancelled").out.failed());
  CHECK(done("failed", R"("error":{"code":"server_error","message":"m"})").out.error.status == 500);
  const std::string both = terminal("completed") + ev("response.done", "\"response\":{}");
  CHECK(Run(text + both).blocks() == Blocks{"text:Hi"});
}

TEST_CASE("§5.7: a Response that stands beside the type of its last event") {
  const std::string members = response_json("completed", "{" + message_item("Hi") + "}");
  const std::string flat = members.substr(1, members.size() - 2);
  const Run run(ev("response.completed", flat));
  CHECK(run.blocks() == Blocks{"text:Hi"});
  CHECK(run.out.usage.input_tokens == 6);
  const Run streamed(text_piece(0, "Hi") + ev("response.completed", R"("status":"completed")"));
  CHECK(streamed.blocks() == Blocks{"text:Hi"});
  const Run cut(text_piece(0, "Hi") +
                ev("response.incomplete", R"("status":"incomplete",)" + kReason));
  CHECK(cut.stop() == "max_tokens");
  CHECK(cut.out.notes.empty());
  // The one in its own place counts more, wherever it stands.
  const std::string own =
      "\"response\":" + response_json("completed", "{" + message_item("A") + "}");
  const std::string other = R"("status":"failed","output":[{)" + message_item("B") + "}]";
  CHECK(Run(ev("response.completed", own + "," + other)).blocks() == Blocks{"text:A"});
  CHECK(Run(ev("response.completed", other + "," + own)).blocks() == Blocks{"text:A"});
}

TEST_CASE("§0.2.2: an end that says nothing and nothing before it are no answer") {
  for (const char* members : {"", "\"response\":{}", "\"response\":null"}) {
    CAPTURE(members);
    const Run run(ev("response.completed", members));
    CHECK(run.out.error.message == "backend returned no output");
  }
  CHECK(Run(terminal("completed")).stop() == "end_turn");
  CHECK(Run(text_piece(0, "Hi") + ev("response.completed")).stop() == "end_turn");
}

TEST_CASE("§5.7: items come in the order of the output, as far as they wait") {
  const std::string call = call_item("f", "call_a", "read", "{}");
  const Blocks wanted{"thinking:Hm", "text:Hi", "tool_use:read:{}"};
  const std::string thought = item_done(0, reasoning_item("rs", "E", {"Hm"}));
  const std::string said = item_done(1, message_item("Hi"));
  const std::string called = item_done(2, call);
  for (const std::string& input :
       {called + said + thought, said + thought + called, thought + called + said})
    CHECK(Run(input + terminal("completed")).blocks() == wanted);
  // Pieces of a later item wait behind one that has begun; those between go before them.
  CHECK(Run(added(0, R"("type":"reasoning","id":"rs","summary":[])") + added(2, call) +
            text_piece(1, "Hi") + item_done(1, message_item("Hi")) + item_done(2, call) + thought +
            terminal("completed"))
            .blocks() == wanted);
  // What only the final output tells stands in its place too.
  CHECK(Run(called + thought +
            terminal("completed", "{" + reasoning_item("rs", "E", {"Hm"}) + "},{" +
                                      message_item("Hi") + "},{" + call + "}"))
            .blocks() == wanted);
}

TEST_CASE("§5.7: places that the backend leaves out hold nothing up") {
  const std::string call = call_item("f", "call_a", "read", "{}");
  auto shown = shown_by({text_piece(3, "Hi")}, responses_context());
  CHECK(has(shown[0], "\"text\":\"Hi\""));
  shown = shown_by({item_done(1, call), text_piece(2, "Hi")}, responses_context());
  CHECK(shown[0].empty());
  CHECK(has(shown[1], "tool_use"));
  CHECK(has(shown[1], "\"text\":\"Hi\""));
  // Calls in their places, whole: each is shown at once.
  shown = shown_by({item_done(0, call), item_done(1, call_item("g", "call_b", "read", "{}"))},
                   responses_context());
  CHECK(has(shown[0], "content_block_stop"));
  CHECK(has(shown[1], "content_block_stop"));
  CHECK(
      Run(item_done(4, call) + item_done(7, message_item("Hi")) + terminal("completed")).blocks() ==
      Blocks{"tool_use:read:{}", "text:Hi"});
}

TEST_CASE("§5.5: a call that was cut off, though its item is called done or complete") {
  const std::string half = "{\\\"text\\\":\\\"half";
  const std::string begun =
      added(0, call_item("fc_1", "call_a1", "write", "")) + input_piece(0, half);
  const std::string item = call_item("fc_1", "call_a1", "write", half);
  const std::string end = terminal("incomplete", "", kReason);
  const Blocks cut{"tool_use:write:{\"text\":\"half"};
  CHECK(Run(begun + item_done(0, item) + end).blocks() == cut);
  CHECK(Run(begun + item_done(0, item + R"(,"status":"completed")") + end).blocks() == cut);
  CHECK(Run(begun +
            ev("response.function_call_arguments.done", at(0) + R"(,"arguments":")" + half + "\"") +
            end)
            .blocks() == cut);
  CHECK(Run(item_done(0, item) + end).blocks() == cut);
  CHECK(Run(begun + item_done(0, item) + end).stop() == "max_tokens");
  // The answer went on to its end: the input is closed.
  CHECK(Run(begun + item_done(0, item) + terminal("completed")).blocks() ==
        Blocks{"tool_use:write:{\"text\":\"half\"}"});
  const std::string custom = R"("type":"custom_tool_call","name":"write","input":"ab")";
  CHECK(Run(item_done(0, custom) + end).blocks() == Blocks{"tool_use:write:{\"input\":\"ab"});
  CHECK(Run(item_done(0, custom + R"(,"status":"completed")") + end).blocks() ==
        Blocks{"tool_use:write:{\"input\":\"ab\"}"});
  // Whole input is done whatever comes.
  const std::string whole = call_item("fc_1", "call_a1", "write", "{}");
  CHECK(has(shown_by({item_done(0, whole)}, responses_context())[0], "content_block_stop"));
}

TEST_CASE("vector 100: citations of the whole text are added to those that came by themselves") {
  const std::string a = citation("http://a/", 0, 2), b = citation("http://b/", 3, 6);
  const std::string text = text_piece(0, "Hi you");
  const auto urls = [](const Run& run) {
    std::string out;
    std::size_t i = 0;
    const json_t* one = nullptr;
    json_array_foreach(json_object_get(run.block(0), "citations"), i, one) out +=
        json_text(json_object_get(one, "url")) + " ";
    return out;
  };
  const std::string part_done =
      ev("response.content_part.done",
         at(0) + R"(,"content_index":0,"part":{"type":"output_text","text":"Hi you",)" +
             R"("annotations":[)" + a + "]}");
  for (const std::string& first : {annotation_event(a), part_done, annotation_event(a) + part_done})
    CHECK(urls(Run(text + first + item_done(0, cited_message("Hi you", a + "," + b)) +
                       terminal("completed"),
                   searching())) == "http://a/ http://b/ ");
  // The same page for another span is another citation.
  CHECK(urls(Run(text + annotation_event(a) +
                     item_done(0, cited_message("Hi you", citation("http://a/", 3, 6))) +
                     terminal("completed"),
                 searching())) == "http://a/ http://a/ ");
  // The first part's block ends where the second begins.
  const Run two(
      text + ev("response.output_text.done", at(0) + R"(,"content_index":0,"text":"Hi you")") +
          text_piece(0, "More", 1) + terminal("completed"),
      searching());
  CHECK(two.blocks() == Blocks{"text:Hi you", "text:More"});
}

TEST_CASE("vector 94 for Responses: thinking in tags at the beginning of the text") {
  const ReplyContext vllm = responses_context("vllm");
  const Blocks wanted{"thinking:a", "text:b"};
  CHECK(Run(added(0, R"("type":"message","content":[])") + text_piece(0, "<th") +
                text_piece(0, "ink>a</think>b") + terminal("completed"),
            vllm)
            .blocks() == wanted);
  CHECK(Run(item_done(0, message_item("<think>\\na</think>\\n\\nb")) + terminal("completed"), vllm)
            .blocks() == wanted);
  CHECK(Run(item_done(0, R"("type":"reasoning","summary":[])") +
                item_done(1, message_item("<think>a</think>b")) + terminal("completed"),
            vllm)
            .blocks() == wanted);
  CHECK(Run(text_piece(0, "b <think>a</think>") + terminal("completed"), vllm).blocks() ==
        Blocks{"text:b <think>a</think>"});
  CHECK(Run(text_piece(0, "x") + text_piece(1, "<think>a</think>") + terminal("completed"), vllm)
            .blocks() == Blocks{"text:x", "text:<think>a</think>"});
  // A server that tells its reasoning means its tags, and so does OpenAI.
  CHECK(Run(item_done(0, reasoning_item("r", "", {"T"})) +
                item_done(1, message_item("<think>a</think>b")) + terminal("completed"),
            vllm)
            .blocks() == Blocks{"thinking:T", "text:<think>a</think>b"});
  CHECK(Run(item_done(0, message_item("<think>a</think>b")) + terminal("completed")).blocks() ==
        Blocks{"text:<think>a</think>b"});
}
