// Messages and content blocks: translation spec §9, vectors 31 to 67 and 145.
#include "core/translate/signature.h"
#include "request_fixture.h"

using namespace clasp;
using namespace clasp::translate;

namespace {

const std::string kImage =
    R"({"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}})";
const std::string kImageUrl = R"({"type":"image","source":{"type":"url","url":"https://x/y.png"}})";
const std::string kPdf =
    R"({"type":"document","title":"a b/c.pdf","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="}})";

std::string use(const std::string& id, const std::string& input = "{}") {
  return R"({"type":"tool_use","id":")" + id + R"(","name":"Read","input":)" + input + "}";
}
std::string result(const std::string& id, const std::string& content,
                   const std::string& more = "") {
  return R"({"type":"tool_result","tool_use_id":")" + id + R"(","content":)" + content + more + "}";
}
std::string text(const std::string& words) {
  return R"({"type":"text","text":")" + words + "\"}";
}
std::string user(const std::string& blocks) {
  return said("user", "[" + blocks + "]");
}
std::string assistant(const std::string& blocks) {
  return said("assistant", "[" + blocks + "]");
}
std::string thinking(const SignatureState& state, const std::string& words = "hm") {
  return R"({"type":"thinking","thinking":")" + words + R"(","signature":")" +
         encode_signature(state) + "\"}";
}
const std::string kGo = said("user", "\"go\"") + ",";

}  // namespace

TEST_CASE("vector 31, vector 32, trap 25, defect 9: results come before the user's words") {
  const std::string before = kGo + assistant(use("t1")) + ",";
  for (const auto& blocks :
       {result("t1", "\"out\"") + "," + text("go"), text("go") + "," + result("t1", "\"out\"")}) {
    const auto u = ask(chat(before + user(blocks)));
    CHECK(u.at("messages.2") == R"({"role":"tool","tool_call_id":"t1","content":"out"})");
    CHECK(u.at("messages.3") == R"({"role":"user","content":"go"})");
    CHECK(u.size("messages") == 4);
    CHECK(u.request.warnings.empty());
  }
}

TEST_CASE("vector 33, trap 25: results follow the order of the calls") {
  const auto u = ask(chat(kGo + assistant(use("t1") + "," + use("t2")) + "," +
                          user(result("t2", "\"b\"") + "," + result("t1", "\"a\""))));
  CHECK(u.text("messages.2.tool_call_id") == "t1");
  CHECK(u.text("messages.3.tool_call_id") == "t2");
  CHECK(u.text("messages.3.content") == "b");
}

TEST_CASE("vector 34, trap 31, defect 10: images of a tool result move into a user message") {
  const auto u =
      ask(chat(kGo + assistant(use("t1")) + "," +
               user(result("t1", "[" + text("see") + "," + kImage + "]") + "," + text("rest"))));
  CHECK(u.text("messages.2.content") == "see\n[image 1 attached below]");
  CHECK(u.text("messages.3.content.0.text") == "Image(s) returned by tool Read (call t1):");
  CHECK(u.text("messages.3.content.1.image_url.url") == "data:image/png;base64,iVBORw0KGgo=");
  CHECK(u.text("messages.3.content.2.text") == "rest");
  const auto alone =
      ask(chat(kGo + assistant(use("t1")) + "," + user(result("t1", "[" + kImage + "]"))));
  CHECK(alone.size("messages") == 4);
  const auto parts =
      ask(chat(kGo + assistant(use("t1")) + "," + user(result("t1", "[" + kImage + "]"))),
          {.dialect = "llamacpp"});
  CHECK(parts.text("messages.2.content.0.type") == "image_url");
  CHECK(parts.size("messages") == 3);
}

TEST_CASE("vector 35: failed tools") {
  const auto content = [](const std::string& words) {
    return ask(chat(kGo + assistant(use("t1")) + "," +
                    user(result("t1", "\"" + words + "\"", R"(,"is_error":true)"))))
        .text("messages.2.content");
  };
  CHECK(content("boom") == "Error: boom");
  CHECK(content("Error: x") == "Error: x");
  CHECK(content("error x") == "error x");
}

TEST_CASE("vector 36: results without content") {
  const std::string a =
      chat(kGo + assistant(use("t1")) + "," + user(R"({"type":"tool_result","tool_use_id":"t1"})"));
  CHECK(ask(a).at("messages.2.content") == "\"\"");
  CHECK(ask(a, {.dialect = "gemini"}).text("messages.2.content") == "(no output)");
  CHECK(ask(chat(kGo + assistant(use("t1")) + "," + user(result("t1", "[]"))))
            .at("messages.2.content") == "\"\"");
}

TEST_CASE("vector 37, trap 23: a call without a result") {
  const std::string a = chat(kGo + assistant(use("t1")) + "," + user(text("never mind")));
  const auto u = ask(a);
  CHECK(u.text("messages.2.content") == "[No result: the tool call was interrupted]");
  CHECK(u.text("messages.3.content") == "never mind");
  CHECK(u.warned("orphan-tool-use"));
  CHECK(refusal(a, {.strict = true}).message.find("were found without `tool_result` blocks") !=
        std::string::npos);
  const auto last = ask(chat(kGo + assistant(use("t1"))));
  CHECK(last.text("messages.2.role") == "tool");
  CHECK(last.size("messages") == 3);
  CHECK(last.request.reply.prefill.empty());
}

TEST_CASE("vector 38, trap 24: a result without a call") {
  const auto u = ask(chat(kGo + assistant(text("x")) + "," + user(result("t9", "\"out\""))));
  CHECK(u.text("messages.2.content") == "[Result of unknown tool call t9]\nout");
  CHECK(u.warned("orphan-tool-result"));
}

TEST_CASE("vector 39: two results for one call") {
  const auto u = ask(chat(kGo + assistant(use("t1")) + "," +
                          user(result("t1", "\"a\"") + "," + result("t1", "\"b\""))));
  CHECK(u.text("messages.2.content") == "a\n\nb");
  CHECK(u.size("messages") == 3);
  CHECK(u.warned("duplicate-tool-result"));
}

TEST_CASE("vector 40: ids that repeat in later turns") {
  const std::string turn = assistant(use("call_0")) + "," + user(result("call_0", "\"x\""));
  const auto u = ask(chat(kGo + turn + "," + turn));
  CHECK(u.text("messages.1.tool_calls.0.id") == "call_0");
  CHECK(u.text("messages.2.tool_call_id") == "call_0");
  CHECK(u.text("messages.3.tool_calls.0.id") == "call_0-2");
  CHECK(u.text("messages.4.tool_call_id") == "call_0-2");
  CHECK(u.request.reply.used_tool_ids.contains("call_0"));
  const auto same = ask(chat(kGo + assistant(use("a") + "," + use("a")) + "," +
                             user(result("a", "\"1\"") + "," + result("a", "\"2\""))));
  CHECK(same.text("messages.2.content") == "1");
  CHECK(same.text("messages.3.content") == "2");
  CHECK(same.text("messages.3.tool_call_id") == "a-2");
}

TEST_CASE("a result found only later moves up") {
  const auto u = ask(chat(kGo + assistant(use("t1")) + "," + user(text("wait")) + "," +
                          assistant(text("ok")) + "," + user(result("t1", "\"late\""))));
  CHECK(u.text("messages.2.content") == "late");
  CHECK(u.text("messages.3.content") == "wait");
  CHECK(u.text("messages.4.content") == "ok");
  CHECK(u.warned("moved-tool-result"));
}

TEST_CASE(
    "§2.4, §2.7: a user turn that all has moved out of does not make the answer before a prefill") {
  const std::string late = kGo + assistant(use("t1")) + "," + user(text("wait")) + "," +
                           assistant(text("ok")) + "," + user(result("t1", "\"late\""));
  for (const char* dialect : {"openai", "vllm", "mistral", "gemini"}) {
    const auto u = ask(chat(late), {.dialect = dialect});
    // mistral puts what the user says behind a result into the result.
    const std::size_t last = u.size("messages") - 1;
    const std::string at = "messages." + std::to_string(last);
    CHECK(u.text("messages." + std::to_string(last - 1) + ".content") == "ok");
    CHECK(u.text(at + ".role") == "user");
    CHECK(u.text(at + ".content") == "[The result of an earlier tool call was added above]");
    CHECK(u.at("continue_final_message").empty());
    // It stays there when the conversation goes on.
    const auto longer =
        ask(chat(late + "," + assistant(text("so")) + "," + user(text("b"))), {.dialect = dialect});
    CHECK(longer.at(at) == u.at(at));
    CHECK(longer.text("messages." + std::to_string(last + 1) + ".content") == "so");
  }
  // What stands beside it is enough, and results in their place need nothing.
  const auto beside =
      ask(chat(kGo + assistant(use("t1")) + "," + user(text("wait")) + "," + assistant(text("ok")) +
               "," + user(result("t1", "\"late\"") + "," + text("b"))));
  CHECK(beside.text("messages.5.content") == "b");
  CHECK(
      ask(chat(kGo + assistant(use("t1")) + "," + user(result("t1", "\"1\"")))).size("messages") ==
      3);
  // So does a turn of which nothing could be kept.
  const auto nothing = ask(chat(kGo + assistant(text("ok")) + "," +
                                user(R"({"type":"thinking","thinking":"t","signature":"s"})")));
  CHECK(nothing.text("messages.2.content") == "(conversation continues)");
}

TEST_CASE("vector 41: a system turn between call and result") {
  const std::string a =
      chat(kGo + assistant(use("t1")) + R"(,{"role":"system","content":"note"},)" +
           user(result("t1", "\"out\"")));
  const auto keep = ask(a, {.model = "gpt-5"});
  CHECK(keep.text("messages.2.role") == "tool");
  CHECK(keep.at("messages.3") == R"({"role":"developer","content":"note"})");
  const auto fold = ask(a, {.dialect = "llamacpp"});
  CHECK(fold.text("messages.2.content") == "out\n\n<system-reminder>\nnote\n</system-reminder>");
  CHECK(fold.size("messages") == 3);
}

TEST_CASE("vector 42: system turns that clear") {
  const std::string note = R"({"role":"system","content":"note","clear_at":"next_user_message"})";
  const auto gone =
      ask(chat(kGo + assistant(use("t1")) + "," + note + "," + user(result("t1", "\"out\""))));
  CHECK(gone.body.find("note") == std::string::npos);
  CHECK(ask(chat(kGo + note)).text("messages.1.content") == "note");
}

TEST_CASE("trap 28: system turns elsewhere") {
  const std::string note =
      R"({"role":"system","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]})";
  const auto head = ask(chat(note + "," + said("user", "\"hi\""), R"("system":"S")"));
  CHECK(head.at("messages.0") == R"({"role":"system","content":"S\n\na\n\nb"})");
  const auto fold = ask(chat(kGo + assistant(text("yes")) + "," + note + "," + user(text("c"))),
                        {.dialect = "vllm"});
  CHECK(fold.text("messages.2.content.0.text") == "<system-reminder>\na\n\nb\n</system-reminder>");
  CHECK(fold.text("messages.2.content.1.text") == "c");
  const auto media = ask(chat(user(text("x") + "," + kImage) + "," + note), {.dialect = "vllm"});
  CHECK(media.size("messages.0.content") == 3);
  const auto no_role = ask(hi(R"("system":"S")"), {.flags = {{"system_role", "user"}}});
  CHECK(no_role.at("messages.0.content") ==
        R"([{"type":"text","text":"S"},{"type":"text","text":"hi"}])");
}

TEST_CASE("vector 43, trap 29, habit 8, defect 13: the billing line") {
  const auto with = [](int n) {
    return ask(hi(R"("system":[{"type":"text","text":"x-anthropic-billing-header: v; cch=)" +
                  std::to_string(n) + R"("},{"type":"text","text":"S"}])"));
  };
  CHECK(with(1).body == with(2).body);
  CHECK(with(1).text("messages.0.content") == "S");
  CHECK(ask(hi(R"("system":"x-anthropic-billing-header: 1")")).size("messages") == 1);
  CHECK(
      ask(hi(R"("system":"x-anthropic-billing-header: 1\nYou are")")).text("messages.0.content") ==
      "You are");
}

TEST_CASE("vector 44, trap 32: empty texts") {
  const auto u = ask(chat(user(text("a") + "," + text("") + "," + text(" \\n") + "," + text("b"))));
  CHECK(u.size("messages.0.content") == 2);
  CHECK(refusal(chat(user(text("")))).message.starts_with("messages.0.content"));
  CHECK(refusal(chat(kGo + assistant(text("x")) + "," + said("user", "\"\"")))
            .message.starts_with("messages.2.content"));
  CHECK(ask(chat(user(text("")) + "," + assistant(text("x")) + "," + said("user", "\"y\"")))
            .size("messages") == 2);
  CHECK(refusal(chat(R"({"role":"system","content":"s"})")).message.starts_with("messages: "));
}

TEST_CASE("vector 45: neighbours merge") {
  const auto u = ask(chat(user(text("a")) + "," + user(text("b")) + "," + assistant(text("c")) +
                          "," + assistant(text("d")) + "," + user(text("e"))));
  CHECK(u.size("messages") == 3);
  CHECK(u.at("messages.0.content") == R"([{"type":"text","text":"a"},{"type":"text","text":"b"}])");
  CHECK(u.text("messages.1.content") == "cd");
}

TEST_CASE("vector 46, vector 47, vector 48, trap 32: assistant text and calls") {
  const std::string tail = "," + user(result("t1", "\"r\""));
  const auto u = ask(chat(
      kGo + assistant(text("a") + "," + use("t1", R"({ "x" : 1 })") + "," + text("b")) + tail));
  CHECK(u.text("messages.1.content") == "a\n\nb");
  CHECK(u.at("messages.1.tool_calls") ==
        R"([{"id":"t1","type":"function","function":{"name":"Read","arguments":"{\"x\":1}"}}])");
  CHECK(ask(chat(kGo + assistant(text("Hel") + "," + text("lo")) + "," + user(text("x"))))
            .text("messages.1.content") == "Hello");
  const std::string only = chat(kGo + assistant(use("t1")) + tail);
  CHECK(ask(only).at("messages.1.content") == "null");
  CHECK(ask(only, {.dialect = "ollama"}).at("messages.1.content") == "\"\"");
  CHECK(ask(only, {.dialect = "mistral"}).at("messages.1.content") == "");
}

TEST_CASE("vector 49: prefill") {
  const std::string a = chat(kGo + said("assistant", "\"{ \\n\""));
  const auto vllm = ask(a, {.dialect = "vllm"});
  CHECK(vllm.at("continue_final_message") == "true");
  CHECK(vllm.at("add_generation_prompt") == "false");
  CHECK(vllm.text("messages.1.content") == "{");
  const auto openai = ask(a);
  CHECK(openai.text("messages.1.content") == "{");
  CHECK(openai.text("messages.2.role") == "system");
  CHECK(openai.request.reply.prefill == "{");
  CHECK(openai.warned("prefill-emulated"));
  CHECK(refusal(a, {.strict = true}).status == 400);
  CHECK(ask(a, {.dialect = "mistral"}).at("messages.1.prefix") == "true");
  CHECK(ask(a, {.dialect = "ollama"}).size("messages") == 2);
  CHECK(ask(a, {.dialect = "gemini"}).text("messages.2.role") == "user");
  const auto llama = ask(chat(kGo + said("assistant", "\"{\""),
                              R"("thinking":{"type":"enabled","budget_tokens":2000})"),
                         {.dialect = "llamacpp", .flags = {{"kwargs_key", "enable_thinking"}}});
  CHECK(llama.request.reply.prefill == "{");
  CHECK(ask(chat(kGo + said("assistant", "\" \\n\"")), {.dialect = "ollama"}).size("messages") ==
        1);
  CHECK(ask(chat(kGo + assistant(text("a\\\\n"))), {.dialect = "ollama"})
            .text("messages.1.content") == "a\\n");
}

TEST_CASE("vector 50: image URLs where only data is taken") {
  CHECK(refusal(chat(user(text("see") + "," + kImageUrl)), {.dialect = "lmstudio"})
            .message.starts_with("messages.0.content.1.source: "));
  const auto u = ask(chat(user(kImageUrl) + "," + assistant(text("ok")) + "," + user(text("next"))),
                     {.dialect = "lmstudio"});
  CHECK(u.text("messages.0.content").starts_with("[image omitted: "));
  CHECK(u.warned("image-omitted"));
  CHECK(ask(chat(user(kImageUrl))).text("messages.0.content.0.image_url.url") == "https://x/y.png");
}

TEST_CASE("defect 10: images without a place") {
  const auto blind = ask(chat(user(kImage)), {.vision = false});
  CHECK(blind.text("messages.0.content") == "[image omitted: model has no vision]");
  CHECK(ask(chat(user(kImage)), {.dialect = "deepseek"}).warned("image-omitted"));
  const auto own = ask(chat(kGo + assistant(text("a") + "," + kImage) + "," + user(text("b"))));
  CHECK(own.text("messages.1.content") == "a\n\n[image]");
  CHECK(own.request.warnings.empty());
  // An image without data must never become "data:;base64,".
  CHECK(refusal(
            chat(user(R"({"type":"image","source":{"type":"base64","media_type":"","data":""}})")))
            .status == 400);
}

TEST_CASE("vector 51: PDFs") {
  const auto u = ask(chat(
      user(kPdf + "," + R"({"type":"document","source":{"type":"base64","data":"JVBERi0="}})")));
  CHECK(
      u.at("messages.0.content.0") ==
      R"({"type":"file","file":{"filename":"a bc.pdf","file_data":"data:application/pdf;base64,JVBERi0="}})");
  CHECK(u.text("messages.0.content.1.file.filename") == "document-2.pdf");
  const auto nested =
      ask(chat(kGo + assistant(use("t1")) + "," + user(result("t1", "[" + kPdf + "]"))),
          {.dialect = "llamacpp"});
  CHECK(nested.text("messages.2.content").starts_with("[document omitted: "));
  CHECK(refusal(chat(user(kPdf)), {.dialect = "llamacpp"}).status == 400);
  const auto url =
      chat(user(R"({"type":"document","source":{"type":"url","url":"https://x/a.pdf"}})"));
  CHECK(ask(url, {.dialect = "openrouter"}).text("messages.0.content.0.file.file_data") ==
        "https://x/a.pdf");
  CHECK(refusal(url).status == 400);
}

TEST_CASE("vector 52: text documents") {
  const auto u = ask(chat(user(
      R"({"type":"document","title":"a \"b\" <c>","context":"d","source":{"type":"text","media_type":"text/plain","data":"line\nline"}})")));
  CHECK(u.text("messages.0.content") ==
        "<document title=\"a &quot;b&quot; &lt;c&gt;\" context=\"d\">\nline\nline\n</document>");
  const auto list = ask(chat(user(
      R"({"type":"document","source":{"type":"content","content":[{"type":"text","text":"x"},)" +
      kImage + R"(]},"citations":{"enabled":true}})")));
  CHECK(list.text("messages.0.content.0.text") == "<document>\nx");
  CHECK(list.text("messages.0.content.1.type") == "image_url");
  CHECK(list.text("messages.0.content.2.text") == "</document>");
  CHECK(list.warned("citations"));
  CHECK(ask(chat(user(R"({"type":"document","source":{"type":"content","content":"plain"}})")))
            .text("messages.0.content") == "<document>\nplain\n</document>");
}

TEST_CASE("vector 53: search results") {
  const std::string block =
      R"({"type":"search_result","source":"http://s?a&b","title":"T","content":[{"type":"text","text":"one"},{"type":"text","text":"two"}]})";
  CHECK(ask(chat(user(block))).text("messages.0.content") ==
        "<search_result source=\"http://s?a&amp;b\" title=\"T\">\none\ntwo\n</search_result>");
  CHECK(ask(chat(kGo + assistant(use("t1")) + "," + user(result("t1", "[" + block + "]"))))
            .text("messages.2.content")
            .starts_with("<search_result "));
}

TEST_CASE("vector 54: server tools of an earlier session") {
  const auto u = ask(chat(
      kGo +
      assistant(
          text("let me look") +
          R"(,{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"q"}},
    {"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[{"type":"web_search_result","title":"T","url":"http://u","encrypted_content":"SECRET"}]},)" +
          text("found")) +
      "," + user(text("x"))));
  CHECK(u.text("messages.1.content") ==
        "let me look\n\n[web_search was called with "
        "{\"query\":\"q\"}]\n\n[web_search_tool_result]\n1. T — http://u\n\nfound");
  CHECK(u.body.find("SECRET") == std::string::npos);
  const auto own = ask(chat(
      kGo +
      assistant(
          R"({"type":"server_tool_use","id":"srvtoolu_clasp1","name":"web_search","input":{}},{"type":"web_search_tool_result","tool_use_id":"srvtoolu_clasp1","content":[]},)" +
          text("found")) +
      "," + user(text("x"))));
  CHECK(own.text("messages.1.content") == "found");
  const auto code = ask(chat(
      kGo +
      assistant(
          R"({"type":"code_execution_tool_result","tool_use_id":"s","content":{"type":"code_execution_result","stdout":"out","stderr":"","return_code":1,"encrypted_stdout":"SECRET"}},{"type":"web_fetch_tool_result","tool_use_id":"s","content":{"type":"web_fetch_tool_result_error","error_code":"url_too_long"}})") +
      "," + user(text("x"))));
  CHECK(code.text("messages.1.content") ==
        "[code_execution_tool_result]\nout\nreturn code 1\n\n[web_fetch_tool_result]\nfailed: "
        "url_too_long");
}

TEST_CASE("vector 55: foreign and damaged signatures") {
  std::string damaged = encode_signature({"vllm", "b0b0b0b0", "m", 't', "{}"});
  damaged[20] = damaged[20] == 'A' ? 'B' : 'A';
  for (const std::string& signature : {std::string("EqQBCkYI"), damaged, std::string()}) {
    const auto u =
        ask(chat(kGo +
                 assistant(R"({"type":"thinking","thinking":"secret plan","signature":")" +
                           signature + "\"}," + text("a")) +
                 "," + user(text("x"))),
            {.dialect = "vllm"});
    CHECK(u.body.find("secret plan") == std::string::npos);
    CHECK(u.text("messages.1.content") == "a");
    CHECK(u.request.warnings.empty());
  }
}

TEST_CASE("vector 57: state of another kind of backend") {
  const auto u = ask(
      chat(kGo +
           assistant(thinking({"openai", "b0b0b0b0", "m", 'r', R"({"id":"rs_1","ec":"blob"})"}) +
                     "," + use("t1")) +
           "," + user(result("t1", "\"x\""))),
      {.dialect = "deepseek"});
  CHECK(u.body.find("blob") == std::string::npos);
  CHECK(u.text("messages.1.reasoning_content") == "Calling Read (step 1).");
}

TEST_CASE("vector 58, trap 33: reasoning that deepseek must get back") {
  struct Store : ReplaySource {
    KeptStatePtr find(std::string_view id) const override {
      if (id != "t1") return nullptr;
      KeptState kept;
      kept.whole = encode_signature({"deepseek", "b0b0b0b0", "m", 't', R"({"text":"kept"})"});
      return std::make_shared<const KeptState>(kept);
    }
  } store;
  const std::string a = chat(kGo + assistant(use("t1")) + "," + user(result("t1", "\"x\"")) + "," +
                             assistant(use("t2")) + "," + user(result("t2", "\"x\"")));
  const auto u = ask(a, {.dialect = "deepseek", .replay = &store});
  CHECK(u.text("messages.1.reasoning_content") == "kept");
  CHECK(u.text("messages.3.reasoning_content") == "Calling Read (step 2).");
  const auto miss = ask(a, {.dialect = "deepseek"});
  CHECK(miss.text("messages.1.reasoning_content") != miss.text("messages.3.reasoning_content"));
  const SignatureState text_state{"deepseek", "other", "m", 't', "{}"};
  const auto block =
      ask(chat(kGo +
               assistant(thinking(text_state, "one") + "," + thinking(text_state, "two") + "," +
                         use("t1")) +
               "," + user(result("t1", "\"x\"")) + "," +
               assistant(thinking(text_state) + "," + text("done")) + "," + user(text("y"))),
          {.dialect = "deepseek"});
  CHECK(block.text("messages.1.reasoning_content") == "one\n\ntwo");
  CHECK(block.at("messages.3.reasoning_content") == "");
  CHECK(block.text("messages.3.content") == "done");
}

TEST_CASE("§5.4.10: a turn's blocks and what came too late for one are united") {
  struct Store : ReplaySource {
    mutable int looked_up = 0;
    KeptStatePtr kept;
    KeptStatePtr find(std::string_view) const override {
      ++looked_up;
      return kept;
    }
  } store;
  const auto details = [](const std::string& list) {
    return SignatureState{"openrouter", "b0b0b0b0", "v/m", 'o', "[" + list + "]"};
  };
  store.kept = std::make_shared<const KeptState>(KeptState{
      encode_signature(details(R"({"n":1},{"n":2})")), encode_signature(details(R"({"n":2})"))});
  const std::string calls = use("t1") + "," + use("t2");
  const std::string tail = "," + user(result("t1", "\"x\"") + "," + result("t2", "\"y\""));
  const Setup setup{.dialect = "openrouter", .model = "v/m", .replay = &store};
  // Once for both calls, which share it.
  CHECK(ask(chat(kGo + assistant(thinking(details(R"({"n":1})")) + "," + calls) + tail), setup)
            .at("messages.1.reasoning_details") == R"([{"n":1},{"n":2}])");
  CHECK(ask(chat(kGo + assistant(calls) + tail), setup).at("messages.1.reasoning_details") ==
        R"([{"n":1},{"n":2}])");
  // Nobody is asked where nothing could be late, nothing goes back, or nothing was called.
  store.looked_up = 0;
  const SignatureState plain{"vllm", "b0b0b0b0", "m", 't', "{}"};
  ask(chat(kGo + assistant(thinking(plain) + "," + calls) + tail),
      {.dialect = "vllm", .replay = &store});
  ask(chat(kGo + assistant(calls) + tail), {.dialect = "openai", .replay = &store});
  ask(chat(kGo + assistant(text("a")) + "," + user(text("x"))), setup);
  CHECK(store.looked_up == 0);
}

TEST_CASE("§2.5.8: parallel calls bring their shared reasoning back once") {
  struct Store : ReplaySource {
    KeptStatePtr kept = std::make_shared<const KeptState>(
        KeptState{encode_signature({"deepseek", "b0b0b0b0", "m", 't', R"({"text":"kept"})"}), ""});
    KeptStatePtr find(std::string_view) const override { return kept; }
  } store;
  const auto u = ask(chat(kGo + assistant(use("t1") + "," + use("t2")) + "," +
                          user(result("t1", "\"x\"") + "," + result("t2", "\"y\""))),
                     {.dialect = "deepseek", .replay = &store});
  CHECK(u.text("messages.1.reasoning_content") == "kept");
}

TEST_CASE("reasoning text on other backends") {
  const std::string a =
      chat(kGo + assistant(thinking({"x", "b", "m", 't', "{}"}, "why") + "," + text("a")) + "," +
           user(text("x")));
  CHECK(ask(a, {.dialect = "vllm"}).text("messages.1.reasoning") == "why");
  CHECK(ask(a, {.dialect = "llamacpp"}).text("messages.1.reasoning_content") == "why");
  CHECK(
      ask(a, {.dialect = "mistral"}).at("messages.1.content") ==
      R"([{"type":"thinking","thinking":[{"type":"text","text":"why"}]},{"type":"text","text":"a"}])");
  CHECK(ask(a).body.find("why") == std::string::npos);
  CHECK(ask(a, {.dialect = "xai"}).body.find("why") == std::string::npos);
}

TEST_CASE("vector 59: gemini's thought signatures") {
  const std::string tail = "," + user(result("t1", "\"x\"") + "," + result("t2", "\"y\""));
  const auto u =
      ask(chat(kGo +
               assistant(thinking({"gemini", "b0b0b0b0", "m", 'g', R"({"t2":"SIG"})"}, "") + "," +
                         use("t1") + "," + use("t2")) +
               tail),
          {.dialect = "gemini"});
  CHECK(u.text("messages.1.tool_calls.0.extra_content.google.thought_signature") ==
        "skip_thought_signature_validator");
  CHECK(u.text("messages.1.tool_calls.1.extra_content.google.thought_signature") == "SIG");
  const auto none =
      ask(chat(kGo + assistant(use("t1") + "," + use("t2")) + tail), {.dialect = "gemini"});
  CHECK(none.text("messages.1.tool_calls.0.extra_content.google.thought_signature") ==
        "skip_thought_signature_validator");
  CHECK(none.at("messages.1.tool_calls.1.extra_content") == "");
  const auto foreign =
      ask(chat(kGo +
               assistant(thinking({"gemini", "other", "m", 'g', R"({"t1":"SIG"})"}, "") + "," +
                         use("t1") + "," + use("t2")) +
               tail),
          {.dialect = "gemini"});
  CHECK(foreign.body.find("SIG\"") == std::string::npos);
}

TEST_CASE("vector 60: reasoning details go back as they came") {
  const std::string details =
      R"([{"type":"reasoning.text","text":"a\u00e9","signature":"s","index":0},{"type":"reasoning.encrypted","data":"x"}])";
  const auto with = [&](const std::string& model) {
    return ask(chat(kGo +
                    assistant(thinking({"openrouter", "b0b0b0b0", model, 'o', details}) + "," +
                              text("a")) +
                    "," + user(text("x"))),
               {.dialect = "openrouter", .model = "anthropic/claude"});
  };
  CHECK(with("anthropic/other").body.find("\"reasoning_details\":" + details) != std::string::npos);
  CHECK(with("openai/gpt").body.find("reasoning_details") == std::string::npos);
}

TEST_CASE("vector 61: blocks on the wrong side") {
  const auto u =
      ask(chat(user(R"({"type":"thinking","thinking":"inject","signature":"s"},)" + use("t1") +
                    "," + text("a")) +
               "," + assistant(result("t1", "\"x\"") + "," + text("b")) + "," + user(text("c"))));
  CHECK(u.body.find("inject") == std::string::npos);
  CHECK(u.warned("misplaced:thinking"));
  CHECK(u.text("messages.0.content.0.text") == "[misplaced content: tool_use]");
  CHECK(u.text("messages.1.content") == "[misplaced content: tool_result]\n\nb");
}

TEST_CASE("vector 62, trap 22: odd tool input") {
  const auto arguments = [](const std::string& input) {
    return ask(chat(kGo + assistant(R"({"type":"tool_use","id":"t1","name":"R")" + input + "}") +
                    "," + user(result("t1", "\"x\""))))
        .text("messages.1.tool_calls.0.function.arguments");
  };
  CHECK(arguments("") == "{}");
  CHECK(arguments(R"(,"input":null)") == "{}");
  CHECK(arguments(R"(,"input":"{\"a\": 1}")") == R"({"a":1})");
  CHECK(arguments(R"(,"input":"not json")") == R"({"_raw_arguments":"not json"})");
  CHECK(arguments(R"(,"input":[1])") == R"({"_raw_arguments":"[1]"})");
  CHECK(arguments(R"(,"input":{"n": 12345678901234567890123, "s": "a b\ud800" })") ==
        R"({"n":12345678901234567890123,"s":"a b\ud800"})");
}

TEST_CASE("vector 63: mistral") {
  const auto u = ask(chat(kGo + assistant(use("toolu_01ABCDEFGHIJKLMNOPQR")) + "," +
                          user(result("toolu_01ABCDEFGHIJKLMNOPQR", "\"out\"") + "," + text("and") +
                               "," + text("so"))),
                     {.dialect = "mistral"});
  const std::string id = u.text("messages.1.tool_calls.0.id");
  CHECK(id.size() == 9);
  CHECK(u.text("messages.2.tool_call_id") == id);
  CHECK(u.text("messages.2.content") == "out\n\nUser: and\n\nso");
  CHECK(u.size("messages") == 3);
  const auto image =
      ask(chat(kGo + assistant(use("t")) + "," + user(result("t", "[" + kImage + "]"))),
          {.dialect = "mistral"});
  CHECK(image.at("messages.3") == R"({"role":"assistant","content":"Tool results received."})");
  CHECK(image.text("messages.4.role") == "user");
  CHECK(ask(chat(kGo + assistant(use("t")) + "," + user(result("t", "\"x\""))),
            {.dialect = "vllm", .model = "mistralai/Mistral-Small"})
            .text("messages.2.tool_call_id")
            .size() == 9);
}

TEST_CASE("vector 64: long ids") {
  const std::string id(60, 'x');
  const auto u = ask(chat(kGo + assistant(use(id)) + "," + user(result(id, "\"x\""))));
  const std::string sent = u.text("messages.1.tool_calls.0.id");
  CHECK(sent.starts_with("call_"));
  CHECK(sent.size() == 37);
  CHECK(u.text("messages.2.tool_call_id") == sent);
  CHECK(ask(chat(kGo + assistant(use(id)) + "," + user(result(id, "\"x\""))), {.dialect = "vllm"})
            .text("messages.2.tool_call_id") == id);
  CHECK(ask(chat(kGo + assistant(use("a.b:c")) + "," + user(result("a.b:c", "\"x\""))),
            {.dialect = "vllm"})
            .text("messages.2.tool_call_id")
            .starts_with("call_"));
  const std::string own = "toolu_clasp" + base64url_encode("functions.Read:0") + "_AbCd12";
  const std::string history = chat(kGo + assistant(use(own)) + "," + user(result(own, "\"x\"")));
  CHECK(ask(history, {.dialect = "generic", .flags = {{"restore_ids", "true"}}})
            .text("messages.2.tool_call_id") == "functions.Read:0");
  CHECK(ask(history, {.dialect = "vllm"}).text("messages.2.tool_call_id") == own);
}

TEST_CASE("vector 65: a summary of the earlier conversation") {
  for (const char* role : {"assistant", "user"}) {
    const auto u = ask(chat(said(role, R"([{"type":"compaction","content":"sum"}])") + "," +
                            said("user", "\"next\"")));
    CHECK(u.size("messages") == 1);
    CHECK(u.text("messages.0.content.0.text") == "[Summary of the earlier conversation]\nsum");
    CHECK(u.text("messages.0.content.1.text") == "next");
  }
  CHECK(ask(chat(said("user", R"([{"type":"compaction","content":null,"encrypted_content":"x"}])")))
            .warned("block:compaction"));
}

TEST_CASE("vector 66: unknown blocks") {
  CHECK(ask(chat(user(R"({"type":"novel","text":"words"})"))).text("messages.0.content") ==
        "words");
  const auto u = ask(chat(user(R"({"type":"novel","x":1})")));
  CHECK(u.text("messages.0.content") == "[unsupported content: novel]");
  CHECK(u.warned("block:novel"));
  CHECK(ask(chat(kGo + assistant(R"({"type":"connector_text","text":"c"},{"type":"fallback"})") +
                 "," + user(text("x"))))
            .text("messages.1.content") == "c");
  CHECK(ask(chat(user(R"({"type":"container_upload","file_id":"f"})")))
            .warned("block:container_upload"));
  const auto tabs = ask(chat(
      kGo + assistant(use("t1")) + "," +
      user(result(
          "t1",
          R"([{"type":"browser_state","tabs":[{"tab_id":1,"title":"T","url":"u","active":true}]},{"type":"tool_reference","tool_name":"N"}])"))));
  CHECK(tabs.text("messages.2.content") == "[browser state]\n* tab 1: T — u\nTool available: N");
}

TEST_CASE("strict alternation and strings only") {
  const auto u = ask(chat(assistant(text("first")) + "," + user(text("a") + "," + text("b")) +
                          R"(,{"role":"system","content":"s"},)" + user(text("c"))),
                     {.dialect = "generic",
                      .flags = {{"strict_alternation", "true"}, {"string_content", "true"}}});
  CHECK(u.text("messages.0.content") == "(conversation continues)");
  CHECK(u.text("messages.1.role") == "assistant");
  CHECK(u.text("messages.2.content") == "a\n\nb\n\n<system-reminder>\ns\n</system-reminder>\n\nc");
  CHECK(u.size("messages") == 3);
}

TEST_CASE("more calls in one turn than the backend takes") {
  std::string uses, results;
  for (int i = 0; i < 130; ++i) {
    uses += (i ? "," : "") + use("t" + std::to_string(i));
    results += (i ? "," : "") + result("t" + std::to_string(i), "\"x\"");
  }
  const auto u = ask(chat(kGo + assistant(text("a") + "," + uses) + "," + user(results)));
  CHECK(u.size("messages.1.tool_calls") == 128);
  CHECK(u.text("messages.129.role") == "tool");
  CHECK(u.size("messages.130.tool_calls") == 2);
  CHECK(u.size("messages") == 133);
}

// ---- properties -------------------------------------------------------------------------------

namespace {

// A conversation of `turns` turns that touches most kinds of content.
std::string conversation(int turns) {
  const std::string cycle[] = {
      user(text("start") + "," + kImage),
      assistant(thinking({"x", "b0b0b0b0", "m", 't', "{}"}, "hm") + "," + text("look") + "," +
                use("a1") + "," + use("a2")),
      user(result("a2", "[" + text("two") + "," + kImage + "]") + "," + result("a1", "\"one\"") +
           "," + text("go on")),
      R"({"role":"system","content":"note"})",
      assistant(use("b1", R"({"path": "x"})")),
      user(result("b1", "\"r\"", R"(,"is_error":true)")),
      R"({"role":"system","content":"after tools"})",
      assistant(text("done")),
      user(R"({"type":"document","title":"T","source":{"type":"text","data":"D"}})"),
      assistant(text("read")),
      R"({"role":"system","content":"after assistant"})",
      user(text("bye")),
      assistant(text("ok")),
      user(text("last")),
  };
  std::string out;
  for (int i = 0; i < turns; ++i) out += (i ? "," : "") + cycle[i];
  return chat(
      out,
      R"("system":"S","stream":true,"tools":[{"name":"Read","input_schema":{"type":"object"}}])");
}

std::string messages_of(const Translated& u) {
  const std::size_t start = u.body.find("\"messages\":[");
  const std::size_t end = u.body.find("],\"tools\":");
  return u.body.substr(start, end - start);
}

}  // namespace

TEST_CASE("vector 67: the same input gives the same bytes") {
  for (const auto name : dialect_names())
    CHECK(ask(conversation(14), {.dialect = std::string(name)}).body ==
          ask(conversation(14), {.dialect = std::string(name)}).body);
}

TEST_CASE("vector 145: a longer conversation begins with the bytes of the shorter one") {
  const auto one = ask(chat(said("user", "\"a\"") + R"(,{"role":"system","content":"s"})"),
                       {.dialect = "llamacpp"});
  const auto two = ask(chat(said("user", "\"a\"") + R"(,{"role":"system","content":"s"},)" +
                            said("assistant", "\"b\"") + "," + said("user", "\"c\"")),
                       {.dialect = "llamacpp"});
  CHECK(one.text("messages.0.content") == "a\n\n<system-reminder>\ns\n</system-reminder>");
  const std::string shorter = one.body.substr(0, one.body.find("]"));
  CHECK(two.body.starts_with(shorter));
  for (const auto name : dialect_names()) {
    const std::string dialect(name);
    CAPTURE(dialect);
    // Requests end before an assistant turn.
    for (const int end : {1, 4, 7, 9, 12}) {
      CAPTURE(end);
      const std::string before = messages_of(ask(conversation(end), {.dialect = dialect}));
      CHECK(messages_of(ask(conversation(14), {.dialect = dialect})).starts_with(before));
    }
  }
}

TEST_CASE("section 2.6: a result inside of a result is told with it") {
  const std::string inner = R"({"type":"tool_result","tool_use_id":"x","content":)";
  const auto content = [](const Translated& u, int at) {
    return u.text("messages." + std::to_string(at) + ".content");
  };
  const auto answer = [&](const std::string& blocks) {
    return chat(kGo + assistant(use("t1")) + "," + user(result("t1", "[" + blocks + "]")));
  };
  const auto words =
      ask(answer(text("a") + "," + inner + "\"b\"}," + inner + "[" + text("c") + "]}"));
  CHECK(content(words, 2) == "a\nb\nc");
  CHECK(words.request.warnings.empty());
  const auto failed = ask(answer(inner + R"("no","is_error":true})"));
  CHECK(content(failed, 2) == "Error: no");
  // Media move, or stay, as those beside it.
  const auto image = ask(answer(inner + "[" + kImage + "," + text("d") + "]}"));
  CHECK(content(image, 2) == "[image 1 attached below]\nd");
  CHECK(image.text("messages.3.content.1.type") == "image_url");
  const auto stays = ask(answer(inner + "[" + kImage + "]}"), {.dialect = "llamacpp"});
  CHECK(stays.text("messages.2.content.0.type") == "image_url");
  // Down to the second one; what is deeper leaves a trace.
  const auto nest = [&](const std::string& within) { return inner + "[" + within + "]}"; };
  CHECK(content(ask(answer(nest(nest(text("deep"))))), 2) == "deep");
  const auto deeper = ask(answer(nest(nest(nest(text("deep"))))));
  CHECK(content(deeper, 2) == "[unsupported content: tool_result]");
  CHECK(deeper.warned("block:tool_result"));
  // Also in a result whose content stands before its type.
  CHECK(content(ask(chat(kGo + assistant(use("t1")) + "," +
                         user(R"({"content":[)" + nest(text("e")) +
                              R"(],"tool_use_id":"t1","type":"tool_result"})"))),
                2) == "e");
}

TEST_CASE("section 2.3: uploaded files are refused by path, with what to do instead") {
  const std::string image = R"({"type":"image","source":{"type":"file","file_id":"file_1"}})";
  const std::string document = R"({"type":"document","source":{"type":"file","file_id":"file_1"}})";
  for (const char* name : {"openai", "generic", "ollama"}) {
    CAPTURE(name);
    const Setup setup{.dialect = name};
    CHECK(refusal(chat(user(text("a") + "," + image)), setup).message ==
          "messages.0.content.1.source.file_id: image cannot be sent to this backend: uploaded "
          "files are not available here, send the data as base64");
    CHECK(refusal(chat(user(document)), setup).message ==
          "messages.0.content.0.source.file_id: document cannot be sent to this backend: uploaded "
          "files are not available here, send the data as base64");
    const auto history =
        ask(chat(user(image) + "," + assistant(text("b")) + "," + user(text("c"))), setup);
    CHECK(history.text("messages.0.content") ==
          "[image omitted: uploaded files are not available here, send the data as base64]");
    CHECK(history.warned("image-omitted"));
  }
}

TEST_CASE("section 2.1: what is no text in a system text leaves a trace") {
  const std::string odd =
      "[" + text("a") + R"(,{"type":"new_kind"},{"type":"other_kind","text":"b"},)" + kImage +
      R"(,{"type":"thinking","thinking":"hm","signature":"x"},{"type":"tool_removal","tool_name":"t"}])";
  const std::string want =
      "a\n\n[unsupported content: new_kind]\n\nb\n\n[misplaced content: image]";
  const auto turn = ask(chat(kGo + said("system", odd)));
  CHECK(turn.text("messages.1.content") == want);
  for (const char* token : {"block:new_kind", "misplaced:image", "misplaced:thinking"})
    CHECK(turn.warned(token));
  CHECK(turn.request.warnings.size() == 3);
  const auto prompt = ask(hi("\"system\":" + odd));
  CHECK(prompt.text("messages.0.content") == want);
  CHECK(refusal(hi("\"system\":" + odd), {.strict = true}).message.starts_with("system.1: "));
  const auto folded = ask(chat(kGo + said("system", odd)), {.dialect = "llamacpp"});
  CHECK(folded.text("messages.0.content") ==
        "go\n\n<system-reminder>\n" + want + "\n</system-reminder>");
}

TEST_CASE("section 2.8: two user messages in a row keep what was sent before") {
  const std::string first = user(text("a")) + "," + said("system", "\"s\"");
  const std::string second = first + "," + user(text("b"));
  const Setup folding{.dialect = "llamacpp"};
  const auto before = ask(chat(first), folding), after = ask(chat(second), folding);
  CHECK(after.size("messages") == 2);
  CHECK(after.at("messages.0") == before.at("messages.0"));
  CHECK(after.text("messages.1.content") == "b");
  const Setup turns{.dialect = "llamacpp", .flags = {{"strict_alternation", "true"}}};
  CHECK(ask(chat(second), turns).size("messages") == 1);
}
