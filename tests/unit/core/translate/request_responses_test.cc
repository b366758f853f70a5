// Requests to the Responses API: the vectors of translation spec §9 that name it, and the sentences
// of §1 to §3 about it.
#include "core/translate/signature.h"
#include "request_fixture.h"

using namespace clasp;
using namespace clasp::translate;

namespace {

Setup responses(const std::string& model = "gpt-5.4") {
  Setup setup;
  setup.api = Api::responses;
  setup.model = model;
  return setup;
}

std::string text(const std::string& words) {
  return R"({"type":"text","text":")" + words + "\"}";
}
std::string use(const std::string& id, const std::string& input = "{}") {
  return R"({"type":"tool_use","id":")" + id + R"(","name":"Read","input":)" + input + "}";
}
std::string result(const std::string& id, const std::string& content) {
  return R"({"type":"tool_result","tool_use_id":")" + id + R"(","content":)" + content + "}";
}
std::string user(const std::string& blocks) {
  return said("user", "[" + blocks + "]");
}
std::string assistant(const std::string& blocks) {
  return said("assistant", "[" + blocks + "]");
}
const std::string kGo = said("user", "\"go\"") + ",";
const std::string kImage =
    R"({"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}})";
const std::string kPdf =
    R"({"type":"document","title":"p.pdf","source":{"type":"base64","media_type":"application/pdf","data":"AA=="}})";
const std::string kTool =
    R"({"name":"Read","description":"reads","input_schema":{"type":"object"}})";

std::string sealed(const std::string& id, const std::string& content,
                   const std::string& backend = "b0b0b0b0", const std::string& more = "") {
  SignatureState state;
  state.dialect = "openai";
  state.backend = backend;
  state.model = "gpt-5.4";
  state.kind = 'r';
  state.state_json = R"({"id":")" + id + R"(","ec":")" + content + "\"" + more + "}";
  return encode_signature(state);
}
std::string thought(const std::string& signature, const std::string& words = "hm") {
  return R"({"type":"thinking","thinking":")" + words + R"(","signature":")" + signature + "\"}";
}
std::string types(const Translated& u) {
  std::string out;
  for (std::size_t i = 0; i < u.size("input"); ++i) {
    const std::string at = "input." + std::to_string(i);
    out += (i > 0 ? " " : "") + u.text(at + ".type");
    if (u.text(at + ".type") == "message") out += ":" + u.text(at + ".role");
  }
  return out;
}

class Remembered final : public ReplaySource {
 public:
  std::string id, whole;
  KeptStatePtr find(std::string_view tool_use_id) const override {
    if (tool_use_id != id) return nullptr;
    return std::make_shared<const KeptState>(KeptState{whole, {}});
  }
};

}  // namespace

// ---- the frame ----------------------------------------------------------------------------------

TEST_CASE("§1: the members of a request, and nothing that keeps it") {
  const auto u =
      ask(hi(R"("system":"be kind","stream":true,"tools":[)" + kTool + "]"), responses());
  CHECK(u.text("model") == "gpt-5.4");
  CHECK(u.text("instructions") == "be kind");
  CHECK(u.at("input") ==
        R"([{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]}])");
  CHECK(u.at("store") == "false");
  CHECK(u.text("truncation") == "disabled");
  CHECK(u.at("include") == R"(["reasoning.encrypted_content"])");
  CHECK(u.at("previous_response_id").empty());
  CHECK(u.at("messages").empty());
  CHECK(u.at("stream") == "true");
  CHECK(u.at("stream_options") == R"({"include_obfuscation":false})");
  CHECK(u.at("parallel_tool_calls") == "true");
  CHECK(u.at("max_output_tokens") == "1000");
  CHECK(u.request.reply.api == Api::responses);
}

TEST_CASE("vector 4: max_tokens 1 with thinking enabled is raised to 16") {
  const auto u = ask(
      R"({"model":"c","max_tokens":1,"thinking":{"type":"enabled","budget_tokens":2000},"messages":[{"role":"user","content":"hi"}]})",
      responses());
  CHECK(u.at("max_output_tokens") == "16");
  CHECK(u.request.reply.cap_raised);
}

TEST_CASE("§1.3: effort and summary") {
  const auto on = ask(hi(R"("thinking":{"type":"enabled","budget_tokens":10000})"), responses());
  CHECK(on.at("reasoning") == R"({"effort":"medium","summary":"auto"})");
  const auto hidden =
      ask(hi(R"("thinking":{"type":"enabled","budget_tokens":10000,"display":"omitted"})"),
          responses());
  CHECK(hidden.at("reasoning") == R"({"effort":"medium"})");
  CHECK(ask(hi(R"("thinking":{"type":"disabled"})"), responses()).at("reasoning") ==
        R"({"effort":"none"})");
  CHECK(ask(hi(), responses()).at("reasoning").empty());
  const auto plain =
      ask(hi(R"("thinking":{"type":"enabled","budget_tokens":10000})"), responses("gpt-4o"));
  CHECK(plain.at("reasoning").empty());
  CHECK(plain.at("include").empty());  // a model that does not think refuses to seal its thoughts
  CHECK(plain.warned("thinking-unsupported"));
}

TEST_CASE("§1.5: structured output is text.format") {
  const auto u = ask(
      hi(R"("output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{"a":{"type":"string"}}}}})"),
      responses());
  CHECK(u.text("text.format.type") == "json_schema");
  CHECK(u.text("text.format.name") == "output");
  CHECK(u.at("text.format.strict") == "false");
  CHECK(u.at("response_format").empty());
}

TEST_CASE("§1.6: there are no stop strings, they are watched for here") {
  const auto u = ask(hi(R"("stop_sequences":["END","\n"])"), responses("gpt-4o"));
  CHECK(u.at("stop").empty());
  CHECK(u.request.reply.local_stops == std::vector<std::string>{"END"});
}

TEST_CASE("§1.2: max_tokens 0 fills the cache of gpt-5.6, and is not sent to older models") {
  const std::string zero =
      R"({"model":"c","max_tokens":0,"messages":[{"role":"user","content":"hi"}]})";
  const auto u = ask(zero, responses("gpt-5.6"));
  CHECK(u.at("prompt_cache_options") == R"({"prewarm":true})");
  CHECK_FALSE(u.request.answer_without_call);
  CHECK(ask(zero, responses("gpt-5.4")).request.answer_without_call);
}

TEST_CASE("§1.8: cache hints become breakpoints; then the prompt is an item with a part") {
  const std::string system =
      R"("system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}])";
  const auto u = ask(hi(system), responses("gpt-5.6"));
  CHECK(u.at("instructions").empty());
  CHECK(
      u.at("input.0") ==
      R"({"type":"message","role":"developer","content":[{"type":"input_text","text":"s","prompt_cache_breakpoint":{"mode":"explicit"}}]})");
  CHECK(ask(hi(system), responses("gpt-5.4")).text("instructions") == "s");
  // Where the prompt stands does not change with the number of hints.
  std::string blocks;
  for (int i = 0; i < 4; ++i)
    blocks += std::string(i > 0 ? "," : "") +
              R"({"type":"text","text":"t","cache_control":{"type":"ephemeral"}})";
  const auto many = ask(chat(user(blocks), system), responses("gpt-5.6"));
  CHECK(many.at("instructions").empty());
  CHECK(many.at("input.0.content") == R"([{"type":"input_text","text":"s"}])");
}

TEST_CASE("§1.8, §0.2.4: an item keeps its shape when its cache hint moves on") {
  const std::string hint = R"(,"cache_control":{"type":"ephemeral"}})";
  std::string hinted = result("t1", "\"1\"");
  hinted.replace(hinted.size() - 1, 1, hint);
  const std::string call = kGo + assistant(use("t1")) + ",";
  const auto with = ask(chat(call + user(hinted)), responses("gpt-5.6"));
  const auto without = ask(chat(call + user(result("t1", "\"1\""))), responses("gpt-5.6"));
  CHECK(with.at("input.2.output") ==
        R"([{"type":"input_text","text":"1","prompt_cache_breakpoint":{"mode":"explicit"}}])");
  CHECK(without.at("input.2.output") == R"([{"type":"input_text","text":"1"}])");
  CHECK(ask(chat(call + user(result("t1", "[]"))), responses("gpt-5.6")).at("input.2.output") ==
        "\"\"");
}

TEST_CASE("§2.5: a message behind reasoning keeps the phase that the backend gave it") {
  const auto phases = [](const std::string& first, const std::string& second) {
    const auto more = [](const std::string& phase) {
      return phase.empty() ? phase : ",\"phase\":\"" + phase + "\"";
    };
    const auto u = ask(
        chat(kGo +
             assistant(thought(sealed("rs_1", "gA", "b0b0b0b0", more(first))) + "," + text("a") +
                       "," + thought(sealed("rs_2", "gB", "b0b0b0b0", more(second))) + "," +
                       use("t1") + "," + text("b")) +
             "," + user(result("t1", "\"1\""))),
        responses());
    return u.text("input.2.phase") + " " + u.text("input.5.phase");
  };
  CHECK(phases("", "") == "commentary final_answer");
  CHECK(phases("final_answer", "") == "final_answer final_answer");
  // It belongs to what comes right behind, and is one of two words.
  CHECK(phases("", "commentary") == "commentary final_answer");
  CHECK(phases("other", "") == "commentary final_answer");
}

TEST_CASE("§2.5: two messages side by side go back as two, each with its phase") {
  const auto border = [](const std::string& prior, const std::string& phase) {
    return thought(
        sealed("", "", "b0b0b0b0", R"(,"phase":")" + phase + R"(","prior":")" + prior + "\""), "");
  };
  const auto both = [&](const std::string& prior, const std::string& phase,
                        const std::string& model = "gpt-5.4") {
    return ask(chat(kGo + assistant(text("a") + "," + border(prior, phase) + "," + text("b")) +
                    "," + said("user", "\"c\"")),
               responses(model));
  };
  const auto u = both("commentary", "final_answer");
  CHECK(types(u) == "message:user message:assistant message:assistant message:user");
  CHECK(u.at("input.1") ==
        R"({"type":"message","role":"assistant","content":"a","phase":"commentary"})");
  CHECK(u.at("input.2") ==
        R"({"type":"message","role":"assistant","content":"b","phase":"final_answer"})");
  CHECK(both("final_answer", "commentary").text("input.1.phase") == "final_answer");
  CHECK(both("final_answer", "commentary").text("input.2.phase") == "commentary");
  // Signatures pass through the client: other words count for nothing.
  CHECK(types(both("x", "y")) == "message:user message:assistant message:user");
  // It is no reasoning of the turn's: what was remembered of its calls still is.
  CHECK(both("commentary", "final_answer", "gpt-5.1").at("input.1.phase").empty());
  CHECK(types(ask(chat(kGo +
                       assistant(text("a") + "," +
                                 thought(sealed("", "", "0ther000",
                                                R"(,"phase":"final_answer","prior":"")"),
                                         "") +
                                 "," + text("b")) +
                       "," + said("user", "\"c\"")),
                  responses())) == "message:user message:assistant message:user");
}

// ---- what comes in the middle of a conversation
// --------------------------------------------------

namespace {

std::string with_tools(const std::string& messages) {
  return R"({"model":"m","max_tokens":100,"tools":[)" + kTool +
         R"(,{"name":"Find","input_schema":{"type":"object"},"defer_loading":true},)"
         R"({"name":"Grep","input_schema":{"type":"object"},"defer_loading":true}],"messages":[)" +
         messages + "]}";
}
Setup adding() {
  Setup setup = responses();
  setup.flags = {{"additional_tools", "true"}};
  return setup;
}
std::string added_by_system(const std::string& name) {
  return R"({"role":"system","content":[{"type":"tool_addition","tool_name":")" + name + R"("}]})";
}

}  // namespace

TEST_CASE("§3.5: with the flag, tools that are added come as an item in their place") {
  const std::string start = kGo + assistant(text("a")) + "," + said("user", "\"b\"");
  const auto before = ask(with_tools(start), adding());
  const auto after = ask(with_tools(start + "," + added_by_system("Find") + "," +
                                    assistant(text("c")) + "," + said("user", "\"d\"")),
                         adding());
  CHECK(after.at("tools") == before.at("tools"));
  CHECK(after.size("tools") == 1);
  CHECK(types(after) ==
        "message:user message:assistant message:user additional_tools message:assistant "
        "message:user");
  CHECK(
      after.at("input.3") ==
      R"({"type":"additional_tools","role":"developer","tools":[{"type":"function","name":"Find",)"
      R"("parameters":{"type":"object","properties":{}},"strict":false}]})");
  // The prompt before it is the same, byte for byte.
  const auto input_of = [](const Translated& u) {
    const std::size_t at = u.body.find("\"input\":[");
    return u.body.substr(at, u.body.find("],\"tools\"") - at);
  };
  CHECK(input_of(after).starts_with(input_of(before)));
  // Without the flag the list changes.
  const auto plain = ask(with_tools(start + "," + added_by_system("Find")), responses());
  CHECK(plain.size("tools") == 2);
  CHECK(types(plain) == "message:user message:assistant message:user");
}

TEST_CASE("§3.5: additions by references, definitions and removals") {
  const std::string call = kGo + assistant(use("t1")) + ",";
  const std::string reference = R"([{"type":"tool_reference","tool_name":"Grep"}])";
  const auto found =
      ask(with_tools(call + user(result("t1", reference) + "," + text("now"))), adding());
  CHECK(types(found) ==
        "message:user function_call function_call_output additional_tools message:user");
  CHECK(found.text("input.3.tools.0.name") == "Grep");
  const std::string defined =
      R"({"role":"system","content":[{"type":"tool_addition","tool_definition":{"name":"fresh",)"
      R"("input_schema":{"type":"object"}}}]})";
  const auto fresh = ask(chat(defined + "," + said("user", "\"go\"")), adding());
  CHECK(types(fresh) == "additional_tools message:user");
  CHECK(fresh.at("tools").empty());
  CHECK(fresh.at("instructions").empty());
  CHECK(fresh.request.reply.tools.contains("fresh"));
  // Removed is removed; what is forced must be in the list.
  const std::string removed =
      R"({"role":"system","content":[{"type":"tool_removal","tool_name":"Find"}]})";
  CHECK(types(ask(with_tools(kGo + added_by_system("Find") + "," + removed), adding())) ==
        "message:user");
  std::string forced = with_tools(kGo + added_by_system("Find"));
  forced.insert(1, R"("tool_choice":{"type":"tool","name":"Find"},)");
  CHECK(ask(forced, adding()).size("tools") == 2);
  CHECK(types(ask(forced, adding())) == "message:user");
}

TEST_CASE("hostile: many additions and many blocks cost no time") {
  std::string blocks, turns = kGo;
  for (int i = 0; i < 20'000; ++i)
    blocks += (i > 0 ? "," : "") +
              std::string(R"({"type":"tool_addition","tool_definition":{"name":"t)") +
              std::to_string(i) + R"(","input_schema":{"type":"object"}}})";
  Setup setup = adding();
  setup.flags.push_back({"max_tools", "0"});
  const auto u = ask(chat(turns + R"({"role":"system","content":[)" + blocks + "]}"), setup);
  CHECK(u.body.find("additional_tools") != std::string::npos);
}

TEST_CASE("§1.1: with the flag, the backend shortens long conversations") {
  Setup setup = responses();
  setup.flags = {{"compaction", "true"}};
  const auto asked = [](const std::string& edit) {
    return R"({"model":"m","max_tokens":100,"messages":[{"role":"user","content":"go"}],)"
           R"("context_management":{"edits":[)" +
           edit + "]}}";
  };
  const std::string kind = R"({"type":"compact_20260112")";
  const auto u = ask(asked(kind + R"(,"trigger":{"type":"input_tokens","value":50000}})"), setup);
  CHECK(u.at("context_management") == R"([{"type":"compaction","compact_threshold":50000}])");
  CHECK_FALSE(u.warned("context-management"));
  CHECK(ask(asked(kind + "}"), setup).at("context_management.0.compact_threshold") == "150000");
  CHECK(ask(asked(kind + R"(,"trigger":{"type":"input_tokens","value":5}})"), setup)
            .at("context_management.0.compact_threshold") == "1000");
  CHECK(ask(asked(kind + R"(,"instructions":"Keep names."})"), setup).warned("context-management"));
  CHECK(
      ask(asked(kind + R"(,"pause_after_compaction":true})"), setup).warned("context-management"));
  CHECK(ask(asked(kind + "}"), responses()).warned("context-management"));
  CHECK(ask(asked(kind + "}"), responses()).at("context_management").empty());
  Setup over_chat;
  over_chat.flags = setup.flags;
  CHECK(ask(asked(kind + "}"), over_chat).warned("context-management"));
}

TEST_CASE("§2.3: a compaction item stands for what was before it") {
  Setup setup = responses();
  setup.flags = {{"compaction", "true"}};
  const std::string item = thought(sealed("cmp", "gC", "b0b0b0b0", R"(,"type":"compaction")"), "");
  const std::string messages =
      kGo + assistant(text("a") + "," + use("t0")) + "," + user(result("t0", "\"0\"")) + "," +
      assistant(use("t1") + "," + item + "," + text("b") + "," + use("t2")) + "," +
      user(result("t1", "\"1\"") + "," + result("t2", "\"2\""));
  const auto u = ask(chat(messages), setup);
  CHECK(types(u) == "compaction message:assistant function_call function_call_output");
  CHECK(u.at("input.0") == R"({"type":"compaction","id":"cmp","encrypted_content":"gC"})");
  CHECK(u.text("input.3.call_id") == "t2");
  // Of another backend it is nothing, and nothing goes for it.
  setup.backend = "0ther000";
  CHECK(types(ask(chat(messages), setup)).starts_with("message:user message:assistant"));
}

// ---- items --------------------------------------------------------------------------------------

TEST_CASE("vector 46: text, call and text of one turn keep their order") {
  const auto u = ask(chat(kGo + assistant(text("a") + "," + use("t1") + "," + text("b")) + "," +
                          user(result("t1", "\"ok\""))),
                     responses());
  CHECK(types(u) ==
        "message:user message:assistant function_call message:assistant function_call_output");
  CHECK(u.at("input.1") ==
        R"({"type":"message","role":"assistant","content":"a","phase":"commentary"})");
  CHECK(u.at("input.2") ==
        R"({"type":"function_call","call_id":"t1","name":"Read","arguments":"{}"})");
  CHECK(u.text("input.3.phase") == "final_answer");
  CHECK(u.at("input.4") == R"({"type":"function_call_output","call_id":"t1","output":"ok"})");
  // Older models know no phase.
  CHECK(ask(chat(kGo + assistant(text("a")) + "," + said("user", "\"b\"")), responses("gpt-5.1"))
            .at("input.1.phase")
            .empty());
}

TEST_CASE("vector 34: a picture in a result stays there") {
  const auto u = ask(chat(kGo + assistant(use("t1")) + "," +
                          user(result("t1", "[" + text("see") + "," + kImage + "]"))),
                     responses());
  CHECK(
      u.at("input.2.output") ==
      R"([{"type":"input_text","text":"see"},{"type":"input_image","detail":"auto","image_url":"data:image/png;base64,AA=="}])");
  CHECK(u.size("input") == 3);
}

TEST_CASE("vector 51: PDFs are input_file, in results too, and by URL") {
  const auto u = ask(chat(user(text("x") + "," + kPdf)), responses());
  CHECK(
      u.at("input.0.content.1") ==
      R"({"type":"input_file","filename":"p.pdf","file_data":"data:application/pdf;base64,AA=="})");
  const auto in_result = ask(
      chat(kGo + assistant(use("t1")) + "," + user(result("t1", "[" + kPdf + "]"))), responses());
  CHECK(in_result.text("input.2.output.0.type") == "input_file");
  const auto remote =
      ask(chat(user(R"({"type":"document","source":{"type":"url","url":"https://x.test/a.pdf"}})")),
          responses());
  CHECK(remote.at("input.0.content.0") ==
        R"({"type":"input_file","file_url":"https://x.test/a.pdf"})");
}

TEST_CASE("vector 56: reasoning goes back where it stood, with id, blob and an empty summary") {
  const auto u = ask(chat(kGo +
                          assistant(thought(sealed("rs_1", "gAAA")) + "," + use("t1") + "," +
                                    thought(sealed("rs_2", "gBBB")) + "," + use("t2")) +
                          "," + user(result("t1", "\"1\"") + "," + result("t2", "\"2\""))),
                     responses());
  CHECK(types(u) ==
        "message:user reasoning function_call reasoning function_call function_call_output "
        "function_call_output");
  CHECK(u.at("input.1") ==
        R"({"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gAAA"})");
  CHECK(u.text("input.3.id") == "rs_2");
}

TEST_CASE(
    "vector 56: without ids after a refusal; without what cannot be read, and what is older") {
  const std::string body = chat(kGo + assistant(thought(sealed("rs_1", "gA")) + "," + use("t1")) +
                                "," + user(result("t1", "\"1\"")) + "," +
                                assistant(thought(sealed("rs_2", "gB")) + "," + use("t2")) + "," +
                                user(result("t2", "\"2\"")) + "," +
                                assistant(thought(sealed("rs_3", "gC")) + "," + text("x")) + "," +
                                said("user", "\"y\""));
  Setup setup = responses();
  Adjustments learned;
  setup.adjustments = &learned;
  learned.no_item_ids = true;
  CHECK(ask(body, setup).at("input.1") ==
        R"({"type":"reasoning","summary":[],"encrypted_content":"gA"})");
  learned = {};
  learned.drop_reasoning = "rs_2";
  CHECK(ask(body, setup).text("input.5.id") == "rs_3");
  CHECK(ask(body, setup).text("input.1.type") == "function_call");
  learned.drop_reasoning = "*";
  CHECK(types(ask(body, setup)).find("reasoning") == std::string::npos);
  learned = {};
  learned.drop_item = "rs_1";
  CHECK(ask(body, setup).text("input.3.id") == "rs_2");
}

TEST_CASE("§2.5.4: reasoning that nothing follows in its turn is left out") {
  const auto u = ask(chat(kGo + assistant(text("a") + "," + thought(sealed("rs_1", "gA"))) + "," +
                          said("user", "\"b\"")),
                     responses());
  CHECK(types(u) == "message:user message:assistant message:user");
}

TEST_CASE("§2.5.2: reasoning of another backend, another kind or for a model without any stays") {
  const auto asked = [](const std::string& signature, const std::string& model) {
    return types(ask(
        chat(kGo + assistant(thought(signature) + "," + text("a")) + "," + said("user", "\"b\"")),
        responses(model)));
  };
  const std::string without = "message:user message:assistant message:user";
  CHECK(asked(sealed("rs_1", "gA", "0ther000"), "gpt-5.4") == without);
  CHECK(asked("EqQBCkgIBxABGAIiQ", "gpt-5.4") == without);
  CHECK(asked(sealed("rs_1", "gA"), "gpt-4o") == without);
  SignatureState words{"openai", "b0b0b0b0", "gpt-5.4", 't', "{}"};
  CHECK(asked(encode_signature(words), "gpt-5.4") == without);
  CHECK(asked(sealed("rs_1", ""), "gpt-5.4") == without);
}

TEST_CASE("vector 57: sealed reasoning is nothing to a backend with Chat Completions") {
  const std::string body =
      chat(kGo + assistant(thought(sealed("rs_1", "gSECRET")) + "," + use("t1")) + "," +
           user(result("t1", "\"1\"")));
  for (const char* dialect : {"deepseek", "openai", "openrouter", "vllm"}) {
    Setup setup;
    setup.dialect = dialect;
    const auto u = ask(body, setup);
    CHECK(u.body.find("gSECRET") == std::string::npos);
    CHECK(u.body.find("\"hm\"") == std::string::npos);
  }
}

TEST_CASE("§2.5.8: what the client dropped is remembered by the ids of the calls") {
  Remembered store;
  store.id = "t1";
  store.whole = sealed("rs_1", "gA") + " " + sealed("rs_2", "gB", "b0b0b0b0", R"(,"at":1)");
  Setup setup = responses();
  setup.replay = &store;
  const auto u = ask(chat(kGo + assistant(use("t1") + "," + use("t2")) + "," +
                          user(result("t1", "\"1\"") + "," + result("t2", "\"2\""))),
                     setup);
  CHECK(types(u) ==
        "message:user reasoning function_call reasoning function_call function_call_output "
        "function_call_output");
  CHECK(u.text("input.3.id") == "rs_2");
}

TEST_CASE("§2.3: a compaction item of the backend's own goes back as one") {
  const auto u = ask(
      chat(kGo +
           assistant(thought(sealed("cmp_1", "gZ", "b0b0b0b0", R"(,"type":"compaction")"), "")) +
           "," + said("user", "\"b\"")),
      responses());
  CHECK(u.at("input.1") == R"({"type":"compaction","id":"cmp_1","encrypted_content":"gZ"})");
}

TEST_CASE("§2.2: a system turn in the middle is a developer item") {
  const auto u = ask(
      chat(kGo + assistant(use("t1")) + "," + said("system", "\"note\"") + "," +
           user(result("t1", "\"1\"")) + "," + assistant(text("a")) + "," + said("user", "\"b\"")),
      responses());
  CHECK(types(u) ==
        "message:user function_call function_call_output message:developer message:assistant "
        "message:user");
}

TEST_CASE("§2.4: an answer that was begun is gone on with by an instruction") {
  const auto u = ask(chat(kGo + said("assistant", "\"{\"")), responses());
  CHECK(types(u) == "message:user message:assistant message:developer");
  CHECK(u.request.reply.prefill == "{");
  CHECK(u.warned("prefill-emulated"));
}

TEST_CASE("§2.7: calls without result, results without call") {
  const auto u =
      ask(chat(kGo + assistant(use("t1")) + "," + user(result("no", "\"1\""))), responses());
  CHECK(types(u) == "message:user function_call function_call_output message:user");
  CHECK(u.text("input.2.output") == "[No result: the tool call was interrupted]");
}

TEST_CASE("§3.8: ids up to 64 stay, longer ones are hashed in both places") {
  const std::string fits(64, 'a'), longer(65, 'a');
  for (const std::string& id : {fits, longer}) {
    const auto u =
        ask(chat(kGo + assistant(use(id)) + "," + user(result(id, "\"1\""))), responses());
    CHECK(u.text("input.1.call_id") == u.text("input.2.call_id"));
    CHECK((u.text("input.1.call_id") == id) == (id == fits));
    CHECK(u.text("input.1.call_id").size() <= 64);
  }
}

TEST_CASE("§0.2.4: turn n+1 begins with the bytes of turn n") {
  const std::string first = kGo.substr(0, kGo.size() - 1);
  const std::string more =
      "," + assistant(thought(sealed("rs_1", "gA")) + "," + text("I will") + "," + use("t1")) +
      "," + user(result("t1", "\"1\""));
  const auto input_of = [](const std::string& body) {
    const std::string text = ask(body, responses()).body;
    const std::size_t from = text.find("\"input\":[");
    const std::size_t end = text.find("],\"max_output_tokens\"");
    return text.substr(from, end - from);
  };
  const std::string a = input_of(chat(first)), b = input_of(chat(first + more));
  const std::string c =
      input_of(chat(first + more + "," + assistant(text("done")) + "," + user(text("z"))));
  CHECK(b.starts_with(a));
  CHECK(c.starts_with(b));
}

// ---- tools --------------------------------------------------------------------------------------

TEST_CASE("vector 75: a tool is flat, and says that it is not strict") {
  const auto u = ask(hi("\"tools\":[" + kTool + "]"), responses());
  CHECK(
      u.at("tools.0") ==
      R"({"type":"function","name":"Read","description":"reads","parameters":{"type":"object","properties":{}},"strict":false})");
  const auto strict = ask(
      hi(R"("tools":[{"name":"t","strict":true,"input_schema":{"type":"object","properties":{}}}])"),
      responses());
  CHECK(strict.at("tools.0.strict") == "true");
}

TEST_CASE("§3.7: tool_choice and parallel calls") {
  const auto choice = [](const std::string& json, const std::string& tools) {
    return ask(hi("\"tools\":[" + tools + "],\"tool_choice\":" + json), responses());
  };
  const std::string search = R"({"type":"web_search_20250305","name":"web_search"})";
  CHECK(choice(R"({"type":"any"})", kTool).text("tool_choice") == "required");
  CHECK(choice(R"({"type":"none"})", kTool).text("tool_choice") == "none");
  CHECK(choice(R"({"type":"tool","name":"Read"})", kTool).at("tool_choice") ==
        R"({"type":"function","name":"Read"})");
  CHECK(choice(R"({"type":"tool","name":"web_search"})", search).text("tool_choice") == "required");
  CHECK(choice(R"({"type":"tool","name":"web_search"})", kTool + "," + search).at("tool_choice") ==
        R"({"type":"allowed_tools","mode":"required","tools":[{"type":"web_search"}]})");
  const auto one = choice(R"({"type":"auto","disable_parallel_tool_use":true})", kTool);
  CHECK(one.at("parallel_tool_calls") == "false");
  CHECK(one.request.reply.single_tool_call);
  CHECK(ask(hi(R"("tool_choice":{"type":"any"})"), responses()).at("parallel_tool_calls").empty());
}

TEST_CASE("vector 81, §3.6: web_search is the backend's own, with what it takes of the options") {
  const auto u = ask(
      hi(R"("tools":[{"type":"web_search_20250305","name":"web_search","allowed_domains":["a.test"],"blocked_domains":["b.test"],"max_uses":3,"user_location":{"type":"approximate","city":"Rome"}}])"),
      responses("gpt-4o"));
  CHECK(
      u.at("tools.0") ==
      R"({"type":"web_search","filters":{"allowed_domains":["a.test"]},"user_location":{"type":"approximate","city":"Rome"}})");
  CHECK(u.at("max_tool_calls") == "3");
  CHECK(u.at("include") == R"(["web_search_call.action.sources"])");
  CHECK(u.warned("search-options"));  // blocked_domains
  CHECK(u.request.reply.web_search);
}

TEST_CASE("vector 27: MCP servers are the backend's to call, without asking") {
  const std::string servers =
      R"("mcp_servers":[{"type":"url","name":"wiki","url":"https://w.test/mcp","authorization_token":"tok","tool_configuration":{"allowed_tools":["find"]}},{"type":"url","name":"off","url":"https://o.test","tool_configuration":{"enabled":false}}])";
  const auto u = ask(hi(servers), responses());
  CHECK(
      u.at("tools") ==
      R"([{"type":"mcp","server_label":"wiki","server_url":"https://w.test/mcp","authorization":"tok","allowed_tools":["find"],"require_approval":"never"}])");
  CHECK(u.request.reply.mcp);
  Setup vllm;
  vllm.dialect = "vllm";
  CHECK(refusal(hi(servers), vllm).status == 400);
  vllm.api = Api::responses;
  CHECK(refusal(hi(servers), vllm).message.starts_with("mcp_servers.0"));
}

TEST_CASE("§3.6: a toolset says which tools of its server are wanted") {
  const auto asked = [](const std::string& toolset) {
    return hi(
        R"("mcp_servers":[{"type":"url","name":"w","url":"https://w.test"}],"tools":[{"type":"mcp_toolset","mcp_server_name":"w")" +
        toolset + "}]");
  };
  CHECK(ask(asked(""), responses()).at("tools.0.allowed_tools").empty());
  CHECK(
      ask(asked(
              R"(,"default_config":{"enabled":false},"configs":{"a":{"enabled":true},"b":{"enabled":false}})"),
          responses())
          .at("tools.0.allowed_tools") == R"(["a"])");
  CHECK(ask(asked(R"(,"default_config":{"enabled":false})"), responses()).at("tools").empty());
  CHECK(refusal(asked(R"(,"configs":{"a":{"enabled":false}})"), responses())
            .message.starts_with("tools.0.configs"));
}

TEST_CASE("§3.5: with tool_search the backend finds deferred tools itself") {
  const std::string tools =
      R"("tools":[{"type":"tool_search_tool_regex","name":"tool_search"},{"name":"a","defer_loading":true,"input_schema":{"type":"object"}}])";
  Setup setup = responses();
  setup.flags = {{"tool_search", "true"}};
  const auto u = ask(hi(tools), setup);
  CHECK(u.at("tools.0.defer_loading") == "true");
  CHECK(u.at("tools.1") == R"({"type":"tool_search"})");
  const auto all = ask(hi(tools), responses());
  CHECK(all.at("tools.0.defer_loading").empty());
  CHECK(all.warned("tool-removed:tool_search"));
}

TEST_CASE("§0.4: on Chat, for want of the other API, tools are used without thinking") {
  Adjustments learned;
  learned.no_responses = true;
  Setup setup;
  setup.model = "gpt-5.4";
  setup.adjustments = &learned;
  const std::string thinks = R"("thinking":{"type":"enabled","budget_tokens":10000})";
  CHECK(ask(hi(thinks + ",\"tools\":[" + kTool + "]"), setup).text("reasoning_effort") == "none");
  CHECK(ask(hi(thinks), setup).text("reasoning_effort") == "medium");
}

TEST_CASE("§0.3: servers that copy the API get what their dialect has") {
  Setup setup = responses("gpt-oss-120b");
  setup.dialect = "vllm";
  const auto u = ask(
      hi(R"("system":"s","thinking":{"type":"enabled","budget_tokens":10000},"metadata":{"user_id":"u"})"),
      setup);
  CHECK(u.at("reasoning") == R"({"effort":"medium","summary":"auto"})");
  CHECK(u.at("safety_identifier").empty());
  CHECK(u.at("prompt_cache_key").empty());
  CHECK(u.at("store") == "false");
  // They give the text of their reasoning, and take it back.
  const auto plain =
      ask(chat(kGo + assistant(thought(sealed("rs_1", ""), "words") + "," + text("a")) + "," +
               said("user", "\"b\"")),
          setup);
  CHECK(
      plain.at("input.1") ==
      R"({"type":"reasoning","id":"rs_1","summary":[],"content":[{"type":"reasoning_text","text":"words"}]})");
}
