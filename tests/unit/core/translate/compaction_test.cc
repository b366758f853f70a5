// Summaries on demand: translation spec §1.10.
#include "../../support/reply_kit.h"
#include "core/translate/signature.h"
#include "request_fixture.h"

using namespace clasp;
using namespace clasp::translate;

namespace {

const std::string kSummarize = R"("compaction":{"type":"summarize"})";
const std::string kTools =
    R"("tools":[{"name":"Read","input_schema":{"type":"object","properties":{}}}])";
const std::string kTalk = said("user", "\"one\"") + "," + said("assistant", "\"two\"");

std::string with(const std::string& members) {
  return chat(kTalk, kSummarize + "," + members);
}

ReplyContext summary_context() {
  ReplyContext context = test::make_context("vllm");
  context.compaction = context.thinking_disabled = context.beta = true;
  return context;
}

// The message that a stream and a plain answer agree on, as JSON without id and usage.
std::string message(const std::vector<std::string>& chunks) {
  const std::string input = test::frames(chunks);
  const test::Outcome streamed = test::stream(summary_context(), input);
  REQUIRE(streamed.done());
  CHECK(test::stream(summary_context(), input, 1).sse == streamed.sse);
  test::Grammar grammar;
  CHECK(grammar.check_complete(streamed.sse) == "");
  const test::Outcome collected = test::collect(summary_context(), input);
  const auto shape = [](const json_t* json) {
    test::Json copy(json_deep_copy(json));
    json_object_del(copy.get(), "usage");
    return test::dump_json(copy.get());
  };
  const std::string out = shape(grammar.message());
  CHECK(shape(test::parse_json(collected.sse).get()) == out);
  CHECK(streamed.stop_reason == test::json_text(json_object_get(grammar.message(), "stop_reason")));
  return out;
}

}  // namespace

TEST_CASE("§1.10: one ordinary call, the instruction behind the conversation") {
  const auto plain = ask(chat(kTalk + "," + said("user", "\"x\""), kTools));
  const auto u = ask(with(kTools));
  CHECK(u.size("messages") == 3);
  CHECK(u.text("messages.2.role") == "user");
  CHECK(u.text("messages.2.content").starts_with("Write a summary of this conversation."));
  CHECK(u.text("messages.2.content").find("\n- ") != std::string::npos);
  // What stood there before is what the backend has in its cache: tools too.
  CHECK(u.at("tools") == plain.at("tools"));
  CHECK(u.text("tool_choice") == "none");
  CHECK(u.body.substr(0, u.body.find("Write a summary")) ==
        plain.body.substr(0, u.body.find("Write a summary")));
  CHECK(u.request.reply.compaction);
  CHECK(u.request.warnings.empty());
  CHECK(ask(chat(kTalk, kSummarize)).at("tool_choice") == "");
  ask(with(kTools), {.strict = true});
}

TEST_CASE("§1.10: instructions of the client take the place of ours, behind the user's words") {
  const auto asked = [](const std::string& instructions) {
    return ask(chat(said("user", "\"one\""),
                    R"("compaction":{"type":"summarize","instructions":)" + instructions + "}"))
        .at("messages.0.content");
  };
  CHECK(asked(R"("only \"names\"\n")").find(R"(only \"names\"\n)") != std::string::npos);
  CHECK(asked(R"("only names")").find("Write a summary") == std::string::npos);
  for (const char* blank : {R"("")", R"(" \n ")", "null"})
    CHECK(asked(blank).find("Write a summary") != std::string::npos);
}

TEST_CASE("§1.10: what would shape an answer is refused") {
  for (const auto& [members, path] : std::vector<std::pair<std::string, std::string>>{
           {R"("context_management":{"edits":[]})", "context_management"},
           {R"("stop_sequences":["x"])", "stop_sequences"},
           {R"("output_config":{"format":{"type":"json_schema","schema":{}}})", "output_config"},
           {kTools + R"(,"tool_choice":{"type":"any"})", "tool_choice"},
           {kTools + R"(,"tool_choice":{"type":"tool","name":"Read"})", "tool_choice"},
           {R"("max_tokens":0)", "max_tokens"}}) {
    CAPTURE(members);
    CHECK(refusal(with(members)).message.starts_with(path));
  }
  CHECK(refusal(hi(R"("compaction":{"type":"shrink"})")).message.starts_with("compaction.type"));
  CHECK(refusal(hi(R"("compaction":{"type":"summarize","instructions":1})"))
            .message.starts_with("compaction.instructions"));
  CHECK(ask(hi(R"("compaction":null)")).request.reply.compaction == false);
}

TEST_CASE("§1.10: the reply is one signed compaction block") {
  using test::say, test::think, test::finish, test::calls, test::call;
  const std::string whole =
      message({think("a secret thought"), say("They \\\"met\\\""), say(" once.\\n"),
               calls({call(0, "call_x1", "read", "{}")}), finish("stop")});
  CHECK(whole.find(R"("stop_reason":"compaction")") != std::string::npos);
  CHECK(whole.find(R"("content":"They \"met\" once.")") != std::string::npos);
  CHECK(whole.find("call_x1") == std::string::npos);
  CHECK(whole.find("secret") == std::string::npos);
  const std::size_t at = whole.find("\"signature\":\"") + 13;
  const auto tag = decode_signature(whole.substr(at, whole.find('"', at) - at));
  REQUIRE(tag);
  CHECK(tag->kind == 'n');
  CHECK(tag->state_json == "{}");
}

TEST_CASE("§1.10: no summary is better than half of one") {
  using test::say, test::finish, test::calls, test::call;
  const std::string none =
      R"("content":[{"content":null,"encrypted_content":null,"signature":null,"type":"compaction"}])";
  for (const auto& chunks : std::vector<std::vector<std::string>>{
           {say("They met and"), finish("length")},
           {finish("stop")},
           {calls({call(0, "call_x1", "read", "{}")}), finish("tool_calls")}}) {
    const std::string made = message(chunks);
    CHECK(made.find(none) != std::string::npos);
    CHECK(made.find(R"("stop_reason":"compaction")") != std::string::npos);
  }
  const std::string refused = message({say("They"), finish("content_filter")});
  CHECK(refused.find(R"("content":[],)") != std::string::npos);
  CHECK(refused.find(R"("stop_reason":"refusal")") != std::string::npos);
  // A stream that breaks is an error, as ever.
  CHECK(test::stream(summary_context(), test::frames({say("They")}, false)).failed());
}

TEST_CASE("§1.10, vector 65: the block that was given out comes back as the user's first words") {
  const auto u = ask(chat(
      said(
          "assistant",
          R"([{"type":"compaction","content":"They met.","encrypted_content":null,"signature":"clasp1.x.y"}])") +
      "," + said("user", "\"and then?\"")));
  CHECK(u.size("messages") == 1);
  CHECK(u.at("messages.0.content").find("[Summary of the earlier conversation]\\nThey met.") !=
        std::string::npos);
  CHECK(u.at("messages.0.content").find("and then?") != std::string::npos);
}
