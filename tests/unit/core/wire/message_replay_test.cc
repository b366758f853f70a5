#include "core/wire/message_replay.h"

#include <doctest/doctest.h>

#include "base/text.h"
#include "core/wire/json_reader.h"
#include "core/wire/tee_sink.h"

using namespace clasp;
using wire::MessageCollector;
using wire::MessageReplay;

namespace {

// Collects again, and remembers the deltas.
class Probe final : public wire::EventSink {
 public:
  void message_start(const wire::MessageStart& start) override {
    copy.message_start(start);
    log += "start(" + std::string(start.id) + "," + std::to_string(start.usage.input_tokens) + "," +
           std::to_string(start.usage.output_tokens) + ") ";
  }
  void text_start(int index) override { copy.text_start(index), log += "text "; }
  void text_delta(int index, std::string_view raw) override {
    copy.text_delta(index, raw);
    piece("delta ", raw);
  }
  void thinking_start(int index) override { copy.thinking_start(index), log += "thinking "; }
  void thinking_delta(int index, std::string_view raw) override {
    copy.thinking_delta(index, raw);
    piece("delta ", raw);
  }
  void signature_delta(int index, std::string_view signature) override {
    copy.signature_delta(index, signature), log += "signature ";
  }
  void tool_start(int index, std::string_view id, std::string_view name,
                  std::string_view toolset) override {
    copy.tool_start(index, id, name, toolset), log += "tool ";
  }
  void input_delta(int index, std::string_view json) override {
    copy.input_delta(index, json);
    CHECK(is_valid_utf8(json));
    log += "input ";
  }
  void citation_delta(int index, std::string_view json) override {
    copy.citation_delta(index, json), log += "citation ";
  }
  void block_stop(int index) override { copy.block_stop(index), log += "stop "; }
  void compaction(int, std::optional<std::string_view>, std::string_view) override {}
  void whole_block(int index, std::string_view json) override {
    copy.whole_block(index, json), log += "whole ";
  }
  void message_end(const wire::MessageEnd& end) override { copy.message_end(end), log += "end"; }

  MessageCollector copy;
  std::string log;
  std::size_t longest = 0;

 private:
  void piece(const char* what, std::string_view raw) {
    CHECK(wire::is_valid_json("\"" + std::string(raw) + "\""));
    CHECK(decode_json_string(raw).find("\xEF\xBF\xBD") == std::string::npos);  // no lone half
    longest = std::max(longest, raw.size());
    log += what;
  }
};

// All of it, in one go or in many.
Probe replay(std::string_view message, std::size_t most, bool started = false) {
  Probe probe;
  MessageReplay again(message, "msg_new", started);
  int turns = 0;
  while (again.next(probe, most)) REQUIRE(++turns < 100'000);
  return probe;
}

constexpr std::string_view kUsage =
    R"("usage":{"input_tokens":7,"cache_creation_input_tokens":2,"cache_read_input_tokens":3,)"
    R"("output_tokens":9,"output_tokens_details":{"thinking_tokens":4},"server_tool_use":null,)"
    R"("cache_creation":{"ephemeral_5m_input_tokens":2,"ephemeral_1h_input_tokens":0},)"
    R"("inference_geo":null,"service_tier":"priority","speed":"fast"}})";

std::string message(std::string_view content, std::string_view end) {
  return R"({"id":"msg_new","type":"message","role":"assistant","model":"claude \"x\"","content":[)" +
         std::string(content) + "]," + std::string(end) + std::string(kUsage);
}

constexpr std::string_view kEnd =
    R"("stop_reason":"tool_use","stop_sequence":null,"stop_details":null,"container":null,"diagnostics":null,)";

}  // namespace

TEST_CASE("message replay: every kind of block, and the same message again") {
  const std::string whole = message(
      R"({"type":"thinking","thinking":"let me \u00e9 see","signature":"sig=="},)"
      R"({"type":"text","text":"hi \"you\"\n","citations":[{"type":"char_location"},{"b":2}]},)"
      R"({"type":"tool_use","id":"toolu_1","name":"Bash","input":{"cmd":"ls \"x\""},"caller":{"type":"direct"},"toolset_name":"set"},)"
      R"({"type":"tool_use","id":"toolu_2","name":"No","input":{},"caller":{"type":"direct"}},)"
      R"({"type":"server_tool_use","id":"x"})",
      kEnd);
  for (const std::size_t most : {1u, 100u, 1u << 20}) {
    const Probe probe = replay(whole, most);
    CHECK(probe.copy.body() == whole);
    CHECK(probe.log ==
          "start(msg_new,7,1) thinking delta signature stop text delta citation citation stop "
          "tool input stop tool input stop whole end");
  }
}

TEST_CASE("message replay: without a start when that is out, and without content") {
  CHECK(replay(message("", kEnd), 10, true).log == "end");
  CHECK(replay(message(R"({"type":"thinking","thinking":"","signature":"s"})", kEnd), 10).log ==
        "start(msg_new,7,1) thinking signature stop end");
}

TEST_CASE("message replay: stop sequence, beta members, a refusal") {
  const std::string beta = message(
      R"({"type":"text","text":"a","citations":null})",
      R"("stop_reason":"stop_sequence","stop_sequence":"\n\nX","stop_details":null,"container":null,"diagnostics":null,"context_management":{"applied_edits":[]},)");
  CHECK(replay(beta, 1000).copy.body() == beta);
  const std::string null_edits = message(
      "",
      R"("stop_reason":"refusal","stop_sequence":null,"stop_details":{"type":"refusal","category":null,"explanation":"no"},"container":null,"diagnostics":null,"context_management":null,)");
  CHECK(replay(null_edits, 1000).copy.body() == null_edits);
}

TEST_CASE("message replay: long texts come in pieces that cut neither characters nor escapes") {
  for (const std::string_view unit : {"a", "\\\\", "\\n", "\\u00e9", "\\ud83d\\ude00", "é", "😀",
                                      "\\\\u0041", "ab\\\"é😀\\ud83d\\ude00"})
    for (std::size_t shift = 0; shift < 13; ++shift) {
      std::string text(shift, 'x');
      while (text.size() < 20'000) text.append(unit);
      const std::string whole =
          message(R"({"type":"text","text":")" + text + R"(","citations":null},)" +
                      R"({"type":"tool_use","id":"t","name":"n","input":{"a":")" + text +
                      R"("},"caller":{"type":"direct"}})",
                  kEnd);
      const Probe probe = replay(whole, 10'000);
      REQUIRE(probe.copy.body() == whole);
      CHECK(probe.longest <= 4096);
      CHECK(probe.longest > 4000);
    }
}

TEST_CASE("message replay: a turn emits about what it may") {
  const std::string whole = message(
      R"({"type":"text","text":")" + std::string(100'000, 'x') + R"(","citations":null})", kEnd);
  std::string out;
  wire::SseEventWriter writer(out);
  MessageReplay again(whole, "msg_new", false);
  std::size_t turns = 0;
  for (bool more = true; more; ++turns) {
    out.clear();
    more = again.next(writer, 16'384);
    CHECK(out.size() < 24'000);
  }
  CHECK(turns == 7);
}

TEST_CASE("tee sink: the client's events and the message, unless that is too long") {
  std::string out;
  wire::SseEventWriter writer(out);
  const std::string whole = message(R"({"type":"text","text":"hello","citations":null})", kEnd);
  wire::TeeSink tee(writer, 10'000);
  MessageReplay(whole, "msg_new", false).next(tee, 10'000);
  CHECK(tee.take() == whole);
  CHECK(out.find("message_stop") != std::string::npos);
  wire::TeeSink small(writer, whole.size() - 1);
  MessageReplay(whole, "msg_new", false).next(small, 10'000);
  CHECK(small.take().empty());
}
