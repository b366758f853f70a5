// Local context editing: translation spec §1.9, and what count_tokens says of it (§7).
#include "core/translate/signature.h"
#include "request_fixture.h"

using namespace clasp;
using namespace clasp::translate;

namespace {

const std::string kCleared = "[Old tool result cleared to save context]";
const std::string kLong(400, 'x');

std::string use(const std::string& id, const std::string& name = "Read") {
  return R"({"type":"tool_use","id":")" + id + R"(","name":")" + name + R"(","input":{"path":")" +
         std::string(80, 'p') + R"("}})";
}
std::string result(const std::string& id, const std::string& content = "\"" + kLong + "\"",
                   const std::string& more = "") {
  return R"({"type":"tool_result","tool_use_id":")" + id + R"(","content":)" + content + more + "}";
}
std::string user(const std::string& blocks) {
  return said("user", "[" + blocks + "]");
}
std::string assistant(const std::string& blocks) {
  return said("assistant", "[" + blocks + "]");
}
std::string text(const std::string& words) {
  return R"({"type":"text","text":")" + words + "\"}";
}
std::string thinking(const std::string& words, const std::string& dialect = "vllm") {
  return R"({"type":"thinking","thinking":")" + words + R"(","signature":")" +
         encode_signature({dialect, "b0b0b0b0", "m", 't', "{}"}) + "\"}";
}
// A task and `count` steps, each one call and its result; ids t1, t2, …
std::string steps(int count) {
  std::string out = said("user", "\"go\"");
  for (int i = 1; i <= count; ++i)
    out +=
        "," + assistant(use("t" + std::to_string(i))) + "," + user(result("t" + std::to_string(i)));
  return out;
}
std::string edits(const std::string& list) {
  return R"("context_management":{"edits":[)" + list + "]}";
}
std::string tool_edit(const std::string& members = "") {
  return edits(R"({"type":"clear_tool_uses_20250919")" + (members.empty() ? "" : "," + members) +
               "}");
}
std::string after(int uses) {
  return R"("trigger":{"type":"tool_uses","value":)" + std::to_string(uses) + "}";
}
std::string keep(int uses) {
  return R"("keep":{"type":"tool_uses","value":)" + std::to_string(uses) + "}";
}
std::string thinking_edit(const std::string& keep_json) {
  return edits(R"({"type":"clear_thinking_20251015")" +
               (keep_json.empty() ? "" : R"(,"keep":)" + keep_json) + "}");
}

// Which results were cleared, as the numbers of the tool messages: "1 2".
std::string cleared(const Translated& u) {
  std::string out;
  int n = 0;
  for (std::size_t i = 0; i < u.size("messages"); ++i) {
    const std::string at = "messages." + std::to_string(i);
    if (u.text(at + ".role") != "tool") continue;
    ++n;
    if (u.text(at + ".content").ends_with(kCleared))
      out += (out.empty() ? "" : " ") + std::to_string(n);
  }
  return out;
}
const std::string& applied(const Translated& u) {
  return u.request.reply.context_management_json;
}
std::int64_t estimate(const Translated& u) {
  return u.request.reply.input_estimate.tokens();
}

}  // namespace

TEST_CASE("§1.9: below the trigger nothing is touched") {
  const auto plain = ask(chat(steps(5)));
  for (const std::string& members :
       {std::string(), after(5),
        std::string(R"("trigger":{"type":"input_tokens","value":90000})")}) {
    const auto u = ask(chat(steps(5), tool_edit(members)));
    CHECK(u.body == plain.body);
    CHECK(applied(u).empty());
    CHECK(u.request.warnings.empty());
  }
}

TEST_CASE("§1.9: above it all but the newest results are replaced") {
  const auto u = ask(chat(steps(6), tool_edit(after(5))));
  CHECK(cleared(u) == "1 2 3");
  CHECK(u.text("messages.2.tool_call_id") == "t1");
  CHECK(u.at("messages.1.tool_calls.0.function.arguments").find("ppp") != std::string::npos);
  const std::int64_t saved = estimate(ask(chat(steps(6)))) - estimate(u);
  CHECK(saved > 200);
  CHECK(applied(u) ==
        R"({"applied_edits":[{"type":"clear_tool_uses_20250919","cleared_tool_uses":3,)"
        R"("cleared_input_tokens":)" +
            std::to_string(saved) + "}]}");
  CHECK(cleared(ask(chat(steps(6), tool_edit(after(5) + "," + keep(0))))) == "1 2 3 4 5 6");
  CHECK(cleared(ask(chat(steps(6), tool_edit(after(5) + "," + keep(10))))) == "");
  const auto by_tokens = tool_edit(R"("trigger":{"type":"input_tokens","value":500},)" + keep(1));
  CHECK(cleared(ask(chat(steps(6), by_tokens))) != "");
}

TEST_CASE("§1.9: what was cleared stays cleared, and the prefix is only broken when it pays") {
  const std::string edit =
      tool_edit(R"("trigger":{"type":"input_tokens","value":2000},)" + keep(3));
  std::string last_cleared, last_messages;
  int changes = 0;
  for (int n = 1; n <= 30; ++n) {
    const auto u = ask(chat(steps(n), edit));
    const std::string now = cleared(u);
    CHECK(now.starts_with(last_cleared));
    const std::string messages = u.at("messages");
    if (now == last_cleared && !last_messages.empty())
      CHECK(messages.starts_with(last_messages.substr(0, last_messages.size() - 1)));
    changes += now != last_cleared ? 1 : 0;
    CHECK(estimate(u) < 2300);
    last_cleared = now;
    last_messages = messages;
  }
  CHECK(changes >= 2);
  CHECK(changes <= 6);
}

TEST_CASE("§1.9: options of clear_tool_uses") {
  const std::string base = after(3) + "," + keep(1) + ",";
  std::string mixed = said("user", "\"go\"");
  for (const char* name : {"Read", "Memo", "Read", "Bash", "Read"}) {
    const std::string id = "t" + std::to_string(mixed.size());
    mixed += "," + assistant(use(id, name)) + "," + user(result(id));
  }
  CHECK(cleared(ask(chat(mixed, tool_edit(base + R"("exclude_tools":["Memo"])")))) == "1 3");
  const auto inputs = [&](const std::string& value) {
    const auto u = ask(chat(mixed, tool_edit(base + R"("clear_tool_inputs":)" + value)));
    std::string out;
    for (const int i : {1, 3, 5, 7, 9})
      out += u.text("messages." + std::to_string(i) + ".tool_calls.0.function.arguments") == "{}"
                 ? "c"
                 : ".";
    return out;
  };
  CHECK(inputs("false") == ".....");
  CHECK(inputs("null") == ".....");
  CHECK(inputs("true") == "ccc..");
  CHECK(inputs(R"(["Memo","Bash"])") == ".c...");
  const auto at_least = [&](int tokens) {
    return cleared(
        ask(chat(mixed, tool_edit(base + R"("clear_at_least":{"type":"input_tokens","value":)" +
                                  std::to_string(tokens) + "}"))));
  };
  CHECK(at_least(100) == "1 2 3");
  CHECK(at_least(320) == "1 2 3 4");
  CHECK(at_least(100'000) == "");
}

TEST_CASE("§1.9: results that are not worth it, or still needed, stay; errors stay errors") {
  const std::string history =
      said("user", "\"go\"") + "," + assistant(use("t1")) + "," + user(result("t1", "\"ok\"")) +
      "," + assistant(use("t2")) + "," +
      user(result("t2", "\"" + kLong + "\"", R"(,"is_error":true)")) + "," + assistant(use("t3")) +
      "," +
      user(
          result("t3", R"([{"type":"tool_reference","tool_name":"Found"},{"type":"text","text":")" +
                           kLong + "\"}]")) +
      "," + assistant(use("t4")) + "," +
      user(result(
          "t4",
          R"([{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}}])")) +
      "," + assistant(use("t5")) + "," + user(result("t5"));
  const auto u = ask(chat(history, tool_edit(after(4) + "," + keep(1))));
  CHECK(cleared(u) == "2 4");
  CHECK(u.text("messages.2.content") == "ok");
  CHECK(u.text("messages.4.content") == "Error: " + kCleared);
  CHECK(u.body.find("image_url") == std::string::npos);
}

TEST_CASE("§1.9: clear_thinking keeps the newest turns' reasoning") {
  const std::string history =
      said("user", "\"one\"") + "," + assistant(thinking("first") + "," + text("a")) + "," +
      said("user", "\"two\"") + "," + assistant(thinking("second") + "," + use("t1")) + "," +
      user(result("t1")) + "," + assistant(thinking("third") + "," + text("b")) + "," +
      said("user", "\"three\"");
  const Setup vllm{.dialect = "vllm"};
  const auto kept = [&](const std::string& keep_json, const Setup& setup) {
    const auto u = ask(chat(history, thinking_edit(keep_json)), setup);
    std::string out;
    for (const char* word : {"first", "second", "third"})
      out += u.body.find(word) != std::string::npos ? "k" : ".";
    const std::int64_t saved = estimate(ask(chat(history), setup)) - estimate(u);
    const std::string report =
        R"({"applied_edits":[{"type":"clear_thinking_20251015","cleared_thinking_turns":1,)"
        R"("cleared_input_tokens":)" +
        std::to_string(saved) + "}]}";
    return out + (applied(u) == report ? " told" : applied(u));
  };
  // Results of tools do not end a turn: the second and third thought belong together.
  for (const char* one : {"", "null", R"({"type":"thinking_turns","value":1})"})
    CHECK(kept(one, vllm) == ".kk told");
  for (const char* all :
       {R"("all")", R"({"type":"all"})", R"({"type":"thinking_turns","value":2})"})
    CHECK(kept(all, vllm) == "kkk");
  // Where no reasoning goes back there is none to clear.
  CHECK(kept("", {.dialect = "openai"}) == "...");
}

TEST_CASE("§1.9: clear_thinking never takes what a backend demands with calls") {
  std::string history =
      said("user", "\"one\"") + "," + assistant(thinking("first", "deepseek") + "," + use("t1")) +
      "," + user(result("t1")) + "," + assistant(text("a")) + "," + said("user", "\"two\"") + "," +
      assistant(thinking("second", "deepseek") + "," + text("b")) + "," + said("user", "\"three\"");
  const auto u = ask(chat(history, thinking_edit("")), {.dialect = "deepseek"});
  CHECK(u.text("messages.1.reasoning_content") == "first");
  CHECK(applied(u).empty());
  CHECK(ask(chat(history, thinking_edit("")), {.dialect = "vllm"}).body.find("first") ==
        std::string::npos);
}

TEST_CASE("§1.9: cleared thinking does not come back from the secondary store") {
  struct Store : ReplaySource {
    KeptStatePtr find(std::string_view) const override {
      KeptState kept;
      kept.whole = encode_signature({"vllm", "b0b0b0b0", "m", 't', R"({"text":"stored"})"});
      return std::make_shared<const KeptState>(kept);
    }
  } store;
  const std::string history =
      said("user", "\"one\"") + "," + assistant(thinking("first") + "," + use("t1")) + "," +
      user(result("t1")) + "," + said("user", "\"two\"") + "," +
      assistant(thinking("second") + "," + text("b")) + "," + said("user", "\"three\"");
  const auto u = ask(chat(history, thinking_edit("")), {.dialect = "vllm", .replay = &store});
  CHECK(u.body.find("stored") == std::string::npos);
  CHECK(u.body.find("first") == std::string::npos);
  CHECK(u.body.find("second") != std::string::npos);
}

TEST_CASE("§1.9: both edits, thinking first") {
  std::string history = said("user", "\"one\"") + "," +
                        assistant(thinking("first") + "," + text("a")) + "," + steps(6).substr(0);
  history += "," + assistant(thinking("second") + "," + text("b")) + "," + said("user", "\"x\"");
  const auto u =
      ask(chat(history,
               edits(R"({"type":"clear_thinking_20251015"},{"type":"clear_tool_uses_20250919",)" +
                     after(5) + "}")),
          {.dialect = "vllm"});
  CHECK(cleared(u) == "1 2 3");
  const auto first = applied(u).find("clear_thinking_20251015");
  const auto second = applied(u).find("clear_tool_uses_20250919");
  CHECK(first < second);
  CHECK(second != std::string::npos);
}

TEST_CASE("§1.9: edits that cannot be read are refused by name, unknown ones warned about") {
  const auto refused = [](const std::string& list) { return refusal(hi(edits(list))).message; };
  CHECK(refusal(hi(R"("context_management":{"edits":{}})"))
            .message.starts_with("context_management.edits: "));
  for (const auto& [members, path] : std::vector<std::pair<std::string, std::string>>{
           {R"("trigger":{"type":"messages","value":1})", "trigger"},
           {R"("trigger":{"type":"tool_uses","value":-1})", "trigger"},
           {R"("trigger":{"type":"tool_uses"})", "trigger"},
           {R"("trigger":7)", "trigger"},
           {R"("keep":{"type":"input_tokens","value":1})", "keep"},
           {R"("clear_at_least":{"type":"input_tokens","value":"5"})", "clear_at_least"},
           {R"("exclude_tools":"Read")", "exclude_tools"},
           {R"("exclude_tools":[1])", "exclude_tools"},
           {R"("clear_tool_inputs":1)", "clear_tool_inputs"}}) {
    CAPTURE(members);
    CHECK(refused(R"({"type":"compact_20260112"},{"type":"clear_tool_uses_20250919",)" + members +
                  "}")
              .starts_with("context_management.edits.1." + path + ": "));
  }
  for (const char* keep_json : {R"("some")", "3", R"({"type":"thinking_turns","value":0})",
                                R"({"type":"turns","value":1})"})
    CHECK(refused(R"({"type":"clear_thinking_20251015","keep":)" + std::string(keep_json) + "}")
              .starts_with("context_management.edits.0.keep: "));
  for (const char* other : {R"({"type":"compact_20260112"})", R"({"type":"new"})", "1"}) {
    const auto u = ask(hi(edits(other)));
    CHECK(u.warned("context-management"));
    CHECK(applied(u).empty());
    CHECK(refusal(hi(edits(other)), {.strict = true}).message.find("context_management.edits") !=
          std::string::npos);
  }
}

TEST_CASE("§7: count_tokens says what the edits leave, and what was there") {
  const auto count = [](const std::string& body) {
    const auto parsed = wire::parse_messages_request(body, true);
    REQUIRE(parsed);
    const auto counted = count_tokens(*parsed, *find_dialect("vllm"));
    REQUIRE(counted);
    return *counted;
  };
  const auto plain = count(chat(steps(6)));
  CHECK(!plain.original_input_tokens);
  const auto untouched = count(chat(steps(6), tool_edit()));
  CHECK(untouched.input_tokens == plain.input_tokens);
  CHECK(untouched.original_input_tokens == plain.input_tokens);
  const auto edited = count(chat(steps(6), tool_edit(after(5))));
  CHECK(edited.original_input_tokens == plain.input_tokens);
  CHECK(edited.input_tokens == estimate(ask(chat(steps(6), tool_edit(after(5))))));
  CHECK(edited.input_tokens < plain.input_tokens);
}

TEST_CASE("§1.9: a conversation of many calls is edited in one pass") {
  std::string history = said("user", "\"go\"");
  for (int i = 0; i < 10'000; ++i) {
    const std::string id = "t" + std::to_string(i);
    history += "," +
               assistant(R"({"type":"tool_use","id":")" + id + R"(","name":"R","input":{}})") +
               "," + user(result(id, "\"short\""));
  }
  // Always above the trigger, never enough to clear.
  const auto u =
      ask(chat(history, tool_edit(after(0) +
                                  R"(,"clear_at_least":{"type":"input_tokens","value":1000000})")));
  CHECK(applied(u).empty());
}
