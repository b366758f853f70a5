// Sentences of translation spec §1 to §3 that no vector covers, each named after its section.
#include "core/translate/signature.h"
#include "request_fixture.h"

using namespace clasp;
using namespace clasp::translate;

namespace {

std::string use(const std::string& id, const std::string& input = "{}",
                const std::string& more = "") {
  return R"({"type":"tool_use","id":")" + id + R"(","name":"Read","input":)" + input + more + "}";
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
const std::string kGo = said("user", "\"go\"") + ",";
const std::string kImage =
    R"({"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}})";
const std::string kPdf =
    R"({"type":"document","title":"p.pdf","source":{"type":"base64","media_type":"application/pdf","data":"AA=="}})";

std::string tools(const std::string& list, const std::string& more = "") {
  return hi("\"tools\":[" + list + "]" + more);
}
std::string schema_of(const std::string& schema, const Setup& setup) {
  return ask(tools(R"({"name":"t","input_schema":)" + schema + "}"), setup)
      .at("tools.0.function.parameters");
}

}  // namespace

// ---- §0.2.4: what is passed on is passed on byte by byte ----------------------------------------

TEST_CASE("§0.2.4 numbers, escapes and repeated names survive unchanged") {
  const std::string input =
      R"({"big":12345678901234567890123,"exp":1e400,"neg":-0.0,"tiny":1E-999,"lone":"\ud800x","esc":"\u0041\/","a":1,"a":2})";
  const auto u = ask(chat(kGo + assistant(use("a", input)) + "," + user(result("a", "\"r\""))));
  CHECK(u.text("messages.1.tool_calls.0.function.arguments") == input);
  const auto words = try_translate(chat(user(text(R"(\ud800 \udfff \u0000 \/ é)"))));
  REQUIRE(words);
  CHECK(words->body.find(R"("content":"\ud800 \udfff \u0000 \/ é")") != std::string::npos);
  const std::string schema =
      R"({"type":"object","properties":{"a":{"type":"integer","maximum":123456789012345678901,"default":1e400,"enum":[1.0,1e2]}},"x-a":1,"x-a":2})";
  const auto tool = try_translate(tools(R"({"name":"t","input_schema":)" + schema + "}"));
  REQUIRE(tool);
  CHECK(tool->body.find("\"parameters\":" + schema) != std::string::npos);
  CHECK(ask(hi(R"("temperature":0.10000000000000000055,"top_p":1E-1)"))
            .body.find(R"("temperature":0.10000000000000000055,"top_p":1E-1)") !=
        std::string::npos);
  // Neither 0 nor 1, although no double holds it.
  const auto huge = try_translate(hi(R"("temperature":1e400,"top_p":0.5)"), {.dialect = "mistral"});
  REQUIRE(huge);
  CHECK(huge->body.find(R"("temperature":1e400,"top_p":0.5)") != std::string::npos);
  CHECK(refusal(chat(said("user", "\"x\""), R"("max_tokens":1e400)"))
            .message.starts_with("max_tokens: "));
  CHECK(refusal(chat(said("user", "\"x\""), R"("max_tokens":9223372036854775808)"))
            .message.starts_with("max_tokens: "));
}

// ---- §1 -----------------------------------------------------------------------------------------

TEST_CASE("§1.1 null and empty lists mean absent") {
  const auto u = ask(hi(
      R"("foo":[],"bar":null,"metadata":{"a":[],"b":null},"output_config":{"c":null},"fallbacks":[],"mcp_servers":[],"tools":[],"tool_choice":null,"stop_sequences":[],"container":null,"thinking":null,"system":[])"));
  CHECK(u.request.warnings.empty());
  CHECK(u.size("messages") == 1);
}

TEST_CASE("§1.3 mistral's prompt_mode is sent when it is configured") {
  const std::string on = hi(R"("thinking":{"type":"enabled","budget_tokens":2000})");
  const Setup setup = {.dialect = "mistral", .flags = {{"reasoning", "prompt_mode"}}};
  CHECK(ask(on, setup).text("prompt_mode") == "reasoning");
  CHECK(ask(hi(), setup).at("prompt_mode") == "");
  CHECK(ask(on, {.dialect = "mistral"}).at("prompt_mode") == "");
}

TEST_CASE("§1.3 the pro models of gpt-6") {
  const auto effort = [](const char* level) {
    return ask(hi(R"("output_config":{"effort":")" + std::string(level) + "\"}"),
               {.model = "gpt-6-pro"})
        .text("reasoning_effort");
  };
  CHECK(effort("low") == "medium");
  CHECK(effort("max") == "xhigh");
}

TEST_CASE("§1.5 every way an output format can go") {
  const auto format = [](const std::string& schema, const std::string& more = "") {
    return hi(R"("output_config":{"format":{"type":"json_schema","schema":)" + schema + "}}" +
              more);
  };
  const std::string closed =
      R"({"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false})";
  const auto strict = ask(format(closed));
  CHECK(strict.at("response_format.json_schema.strict") == "true");
  CHECK(strict.text("response_format.json_schema.name") == "output");
  // The older spelling, and which one wins.
  CHECK(ask(hi(R"("output_format":{"type":"json_schema","schema":)" + closed + "}"))
            .at("response_format.json_schema.strict") == "true");
  for (
      const char* order :
      {R"("output_format":{"type":"json_schema","schema":{"title":"old"}},"output_config":{"format":{"type":"json_schema","schema":{"title":"new"}}})",
       R"("output_config":{"format":{"type":"json_schema","schema":{"title":"new"}}},"output_format":{"type":"json_schema","schema":{"title":"old"}})"})
    CHECK(ask(hi(order)).text("response_format.json_schema.schema.title") == "new");
  // A root that is no object is sent as it is: neither wrapped nor cleaned.
  const std::string list = R"({"type":"array","items":{"$ref":"https://x"}})";
  const auto array = ask(format(list));
  CHECK(array.at("response_format.json_schema.schema") == list);
  CHECK(array.at("response_format.json_schema.strict") == "false");
  CHECK(array.warned("format-not-strict"));
  // Nothing optional becomes required.
  const auto optional =
      ask(format(R"({"type":"object","properties":{"a":{}},"additionalProperties":false})"));
  CHECK(optional.at("response_format.json_schema.schema.required") == "");
  // In words: where there is json_object, where there is nothing, and on groq beside tools.
  const auto object = ask(format(closed, R"(,"system":"S")"), {.dialect = "deepseek"});
  CHECK(object.text("response_format.type") == "json_object");
  CHECK(object.text("messages.0.content").starts_with("S\n\nAnswer with one JSON value"));
  CHECK(object.request.reply.strip_fence);
  const auto words = ask(format(closed), {.dialect = "generic"});
  CHECK(words.at("response_format") == "");
  CHECK(words.text("messages.0.content").find(R"("required":["a"])") != std::string::npos);
  const Setup groq = {.dialect = "groq", .model = "openai/gpt-oss-120b"};
  CHECK(ask(format(closed), groq).text("response_format.type") == "json_schema");
  for (const char* busy : {R"(,"stream":true)", R"(,"tools":[{"name":"t","input_schema":{}}])"}) {
    const auto u = ask(format(closed, busy), groq);
    CHECK(u.at("response_format") == "");
    CHECK(u.warned("format-emulated"));
  }
  CHECK(ask(format(closed), {.dialect = "groq", .model = "llama-3.1-8b"})
            .text("response_format.type") == "json_object");
  CHECK(refusal(hi(R"("output_config":{"format":{"type":"grammar"}})"))
            .message.starts_with("output_config.format.type: "));
  CHECK(refusal(hi(R"("output_config":{"format":{"type":"json_schema"}})"))
            .message.starts_with("output_config.format.schema: "));
}

TEST_CASE("§1.6 more stop sequences than the backend takes: all are watched for here") {
  // Sending some of them would end an answer without saying which one it was.
  const auto u = ask(hi(R"("stop_sequences":["a","bb"," ","ccc","d","e"])"));
  CHECK(u.at("stop") == "");
  CHECK(u.request.reply.local_stops.size() == 5);
  const auto few = ask(hi(R"("stop_sequences":["a","\n","bb"])"));
  CHECK(few.at("stop") == R"(["a","bb"])");
  CHECK(few.request.reply.local_stops.empty());
  CHECK(ask(hi(R"("stop_sequences":["a"])"), {.model = "o3"}).request.reply.local_stops.size() ==
        1);
  CHECK(
      ask(hi(R"("stop_sequences":["a"])"), {.dialect = "vllm"}).at("include_stop_str_in_output") ==
      "false");
  CHECK(
      ask(hi(R"("stop_sequences":["1","2","3","4","5","6"])"), {.dialect = "gemini"}).at("stop") ==
      "");
}

TEST_CASE("§1.8 of a cache hint its type and lifetime go out") {
  const auto u = ask(
      hi(R"("system":[{"type":"text","text":"S","cache_control":{"type":"ephemeral","scope":"global","ttl":"1h"}},
          {"type":"text","text":"T","cache_control":{"ttl":"9d","type":"ephemeral"}}])"),
      {.dialect = "openrouter"});
  CHECK(u.at("messages.0.content.0.cache_control") == R"({"type":"ephemeral","ttl":"1h"})");
  CHECK(u.at("messages.0.content.1.cache_control") == R"({"type":"ephemeral"})");
}

TEST_CASE("§8 openrouter never cuts out the middle") {
  CHECK(ask(hi(), {.dialect = "openrouter"}).at("transforms") == "[]");
  CHECK(ask(hi(), {.dialect = "openrouter", .flags = {{"no_transforms", "false"}}})
            .at("transforms") == "");
  CHECK(ask(hi()).at("transforms") == "");
}

// ---- §2 -----------------------------------------------------------------------------------------

TEST_CASE("§2.3 a call made by a program is a call; the warning comes once") {
  const std::string caller = R"(,"caller":{"type":"code_execution_20260120","tool_id":"s"})";
  const auto u = ask(chat(kGo + assistant(use("a", "{}", caller) + "," + use("b", "{}", caller)) +
                          "," + user(result("a", "\"1\"") + "," + result("b", "\"2\""))));
  CHECK(u.size("messages.1.tool_calls") == 2);
  CHECK(u.request.warnings == std::vector<std::string>{"tool-caller"});
  CHECK(ask(chat(kGo + assistant(use("a", "{}", R"(,"caller":{"type":"direct"})")) + "," +
                 user(result("a", "\"1\""))))
            .request.warnings.empty());
}

TEST_CASE("§2.3 connector_text and fallback") {
  const auto u = ask(chat(
      kGo +
      assistant(
          text("a") +
          R"(,{"type":"connector_text"},{"type":"fallback","from":{},"to":{}},{"type":"connector_text","text":"and"})") +
      "," + user(text("b"))));
  CHECK(u.text("messages.1.content") == "a\n\nand");
  CHECK(u.request.warnings.empty());
}

TEST_CASE("§2.3 pieces of history above 8 kB are cut between characters") {
  std::string snow;
  for (int i = 0; i < 5000; ++i) snow += "☃";
  const auto fetched = ask(chat(
      kGo +
      assistant(
          R"({"type":"server_tool_use","id":"s","name":"web_fetch","input":{"url":"u","x":")" +
          snow +
          R"("}},{"type":"web_fetch_tool_result","tool_use_id":"s","content":{"type":"web_fetch_result","url":"https://x","content":{"type":"document","source":{"type":"text","data":")" +
          snow +
          R"("}}}},{"type":"bash_code_execution_tool_result","tool_use_id":"t","content":{"type":"bash_code_execution_result","stdout":"x)" +
          snow + R"(","stderr":"","return_code":0}})") +
      "," + user(text("b"))));
  const std::string digest = fetched.text("messages.1.content");
  CHECK(digest.size() > 3 * 8000);
  CHECK(digest.size() < 3 * 8 * 1024 + 400);
  CHECK(is_valid_utf8(digest));
  CHECK(digest.find("☃ …") != std::string::npos);
}

TEST_CASE("§2.6 a failed tool whose result begins with something else than text") {
  const auto moved = ask(chat(kGo + assistant(use("a")) + "," +
                              user(result("a", "[" + kImage + "]", R"(,"is_error":true)"))));
  CHECK(moved.text("messages.2.content") == "Error: [image 1 attached below]");
  const auto inside = ask(chat(kGo + assistant(use("a")) + "," +
                               user(result("a", "[" + kImage + "]", R"(,"is_error":true)"))),
                          {.dialect = "llamacpp"});
  CHECK(inside.text("messages.2.content.0.text") == "Error:");
  CHECK(inside.text("messages.2.content.1.type") == "image_url");
  const auto document = ask(chat(
      kGo + assistant(use("a")) + "," +
      user(result("a", R"([{"type":"document","title":"T","source":{"type":"text","data":"D"}}])",
                  R"(,"is_error":true)"))));
  CHECK(document.text("messages.2.content") == "Error: <document title=\"T\">\nD\n</document>");
}

TEST_CASE("§2.6 images stay inside tool messages of Claude and Gemini behind openrouter") {
  const std::string body =
      chat(kGo + assistant(use("a")) + "," +
           user(result("a", "[" + text("t") + "," + kImage + "," + kPdf + "]")));
  for (const char* model : {"anthropic/claude-opus-5", "google/gemini-3-pro"}) {
    const auto u = ask(body, {.dialect = "openrouter", .model = model});
    CHECK(u.text("messages.2.content.1.type") == "image_url");
    // Files have their place in user messages only.
    CHECK(u.text("messages.2.content.2.text") == "[document 1 attached below]");
    CHECK(u.text("messages.3.content.1.type") == "file");
  }
  const auto other = ask(body, {.dialect = "openrouter", .model = "openai/gpt-4o"});
  CHECK(other.text("messages.2.content") ==
        "t\n[image 1 attached below]\n[document 2 attached below]");
  const auto off = ask(body, {.dialect = "openrouter",
                              .model = "anthropic/claude-opus-5",
                              .flags = {{"tool_parts_by_model", "false"}}});
  CHECK(off.text("messages.2.content").starts_with("t\n[image"));
}

TEST_CASE("§2.6 tool messages carry a name only by flag") {
  const std::string body = chat(kGo + assistant(use("a")) + "," + user(result("a", "\"r\"")));
  for (const auto name : dialect_names())
    CHECK(ask(body, {.dialect = std::string(name)}).at("messages.2.name") == "");
  CHECK(ask(body, {.dialect = "groq", .flags = {{"tool_message_name", "true"}}})
            .text("messages.2.name") == "Read");
}

TEST_CASE("§2.7 the seven rules together") {
  // 1: order; 2: moved up; 3: interrupted; 4: unknown; 5: joined; 6: renamed.
  const auto u = ask(
      chat(kGo + assistant(use("a") + "," + use("b") + "," + use("c")) + "," +
           user(text("words") + "," + result("b", "\"B\"") + "," + result("a", "\"A1\"") + "," +
                result("a", "\"A2\"") + "," + result("zz", "\"Z\"")) +
           "," + assistant(use("a") + "," + use("d")) + "," + user(result("a", "\"second\"")) +
           "," + assistant(text("m")) + "," + user(result("c", "\"late\"") + "," + text("end"))),
      {.dialect = "vllm"});
  CHECK(u.text("messages.2.content") == "A1\n\nA2");
  CHECK(u.text("messages.3.content") == "B");
  CHECK(u.text("messages.4.content") == "late");
  CHECK(u.text("messages.5.content.0.text") == "words");
  CHECK(u.text("messages.5.content.1.text") == "[Result of unknown tool call zz]\nZ");
  CHECK(u.text("messages.6.tool_calls.0.id") == "a-2");
  CHECK(u.text("messages.7.tool_call_id") == "a-2");
  CHECK(u.text("messages.7.content") == "second");
  CHECK(u.text("messages.8.content") == "[No result: the tool call was interrupted]");
  CHECK(u.text("messages.10.content") == "end");
  for (const char* token :
       {"orphan-tool-use", "orphan-tool-result", "duplicate-tool-result", "moved-tool-result"})
    CHECK(u.warned(token));
}

TEST_CASE("§2.7.6 a renamed id never meets one that exists") {
  const auto u = ask(
      chat(kGo + assistant(use("a") + "," + use("a-2") + "," + use("a")) + "," +
           user(result("a", "\"1\"") + "," + result("a-2", "\"2\"") + "," + result("a", "\"3\"")) +
           "," + assistant(use("a-3")) + "," + user(result("a-3", "\"4\""))),
      {.dialect = "vllm"});
  CHECK(u.text("messages.1.tool_calls.0.id") == "a");
  CHECK(u.text("messages.1.tool_calls.1.id") == "a-2");
  CHECK(u.text("messages.1.tool_calls.2.id") == "a-3");
  CHECK(u.text("messages.5.tool_calls.0.id") == "a-3-2");
  CHECK(u.text("messages.6.tool_call_id") == "a-3-2");
}

TEST_CASE("§2.8 at least one message that is not the system's must remain") {
  const std::string foreign = R"({"type":"thinking","thinking":"h","signature":"x"})";
  CHECK(refusal(chat(assistant(foreign))).message.starts_with("messages: "));
  CHECK(refusal(chat(user(foreign), R"("system":"S")")).message.starts_with("messages: "));
  CHECK(refusal(chat(assistant(text("  ")))).message.starts_with("messages: "));
}

TEST_CASE("§2.8 a system prompt without a role of its own stays in front as the talk goes on") {
  const Setup setup = {.dialect = "generic", .flags = {{"system_role", "user"}}};
  const auto one = ask(chat(assistant(text("a")), R"("system":"S")"), setup);
  const auto two =
      ask(chat(assistant(text("a")) + "," + user(text("b")), R"("system":"S")"), setup);
  CHECK(one.text("messages.0.content") == "S");
  CHECK(two.text("messages.0.content") == "S");
  CHECK(two.text("messages.2.content") == "b");
}

TEST_CASE("§0.2.1 an image inside a document of the newest turn is no reason to refuse it") {
  const auto u = ask(
      chat(user(
          R"({"type":"document","source":{"type":"content","content":[{"type":"text","text":"d"},{"type":"image","source":{"type":"url","url":"u"}}]}})")),
      {.dialect = "lmstudio"});
  CHECK(u.text("messages.0.content.0.text") == "<document>\nd");
  CHECK(u.text("messages.0.content.1.text").starts_with("[image omitted"));
  CHECK(u.warned("image-omitted"));
}

// ---- §3 -----------------------------------------------------------------------------------------

TEST_CASE("§3.1 an unknown type with a schema is a function of the client's") {
  const auto u = ask(tools(
      R"({"type":"memory_of_things_2","name":"m","input_schema":{"type":"object","properties":{"x":{}}}})"));
  CHECK(u.text("tools.0.function.name") == "m");
  CHECK(u.at("tools.0.function.parameters.properties") == R"({"x":{}})");
}

TEST_CASE("§3.2 a name that only looks like another tool's is kept apart") {
  const auto u = ask(tools(
      R"({"name":"a.b","input_schema":{}},{"name":"a_b","input_schema":{}},{"name":"a:b","input_schema":{}})"));
  const std::string first = u.text("tools.0.function.name"),
                    third = u.text("tools.2.function.name");
  CHECK(u.text("tools.1.function.name") == "a_b");
  CHECK(first != third);
  CHECK(first.starts_with("a_b_"));
  CHECK(u.request.reply.tools.at(first).name == "a.b");
  CHECK(u.request.reply.tools.at(third).name == "a:b");
}

TEST_CASE("§3.4 lists of types for servers that know one type only") {
  const std::string schema =
      R"({"type":["object"],"properties":{"a":{"type":["null","string","number"]},"b":{"type":["null"]},"c":{"type":"array","items":{"type":["integer","null"]}}}})";
  const Setup old = {.dialect = "ollama", .flags = {{"type_lists", "false"}}};
  CHECK(
      schema_of(schema, old) ==
      R"({"type":"object","properties":{"a":{"type":"string"},"b":{},"c":{"type":"array","items":{"type":"integer"}}}})");
  CHECK(schema_of(schema, {.dialect = "ollama"}) == schema);
}

TEST_CASE("§3.4 gemini: what branches require and declare comes together") {
  const Setup gemini = {.dialect = "gemini"};
  CHECK(
      schema_of(
          R"({"type":"object","properties":{"o":{"type":"object","allOf":[{"properties":{"a":{"type":"string"}},"required":["a","ghost"]}]}}})",
          gemini) ==
      R"({"type":"object","properties":{"o":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}}})");
  CHECK(
      schema_of(
          R"({"type":"object","properties":{"o":{"type":"object","anyOf":[{"type":"null"},{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}]}}})",
          gemini) ==
      R"({"type":"object","properties":{"o":{"type":"object","properties":{"a":{"type":"string"}},"nullable":true,"required":["a"]}}})");
  // Every node gets a type; enumerations become texts, with a note.
  CHECK(
      schema_of(
          R"({"type":"object","properties":{"e":{"type":"integer","enum":[1,2,null],"format":"uuid"},"x":{"description":"d"},"y":{"type":"string","format":"date-time"},"z":{"type":"integer","exclusiveMaximum":5}}})",
          gemini) ==
      R"j({"type":"object","properties":{"e":{"type":"string","enum":["1","2"],"nullable":true,"description":"(The listed values are not texts; give them as text here.)"},"x":{"type":"string","description":"d"},"y":{"type":"string","format":"date-time"},"z":{"type":"integer","maximum":4}}})j");
}

TEST_CASE("§3.5 a deferred tool that tool_choice names is sent") {
  const auto u = ask(
      tools(R"({"name":"a","input_schema":{}},{"name":"d","input_schema":{},"defer_loading":true})",
            R"(,"tool_choice":{"type":"tool","name":"d"})"));
  CHECK(u.size("tools") == 2);
  CHECK(u.text("tool_choice.function.name") == "d");
}

namespace {

const std::string kSearch =
    R"({"type":"web_search_20260209","name":"web_search","max_uses":20,"allowed_domains":["a.com","b.org"],"user_location":{"type":"approximate","city":"Paris","country":"FR","timezone":"Europe/Paris","region":null}})";
const std::string kBlocking =
    R"({"type":"web_search_20250305","name":"web_search","blocked_domains":["x.net"],"allowed_domains":[],"user_location":null})";

Setup searching(const std::string& kind) {
  return {.dialect = "generic", .flags = {{"web_search", kind}}};
}

}  // namespace

TEST_CASE("§3.6 the options of web search, where the backend has them") {
  const auto native = ask(tools(kSearch), {.model = "gpt-4o-search-preview"});
  CHECK(
      native.at("web_search_options") ==
      R"({"user_location":{"type":"approximate","approximate":{"city":"Paris","country":"FR","timezone":"Europe/Paris"}}})");
  CHECK(native.request.warnings == std::vector<std::string>{"search-options"});
  CHECK(native.at("tools") == "");
  const auto plugin = ask(tools(kSearch), searching("plugin"));
  CHECK(
      plugin.at("plugins") ==
      R"([{"id":"web","max_results":10,"include_domains":["a.com","b.org"],"user_location":{"type":"approximate","city":"Paris","country":"FR","timezone":"Europe/Paris"}}])");
  CHECK(plugin.request.warnings.empty());
  CHECK(ask(tools(kBlocking), searching("plugin")).at("plugins") ==
        R"([{"id":"web","exclude_domains":["x.net"]}])");
}

TEST_CASE("§3.6 native search of xai, groq and perplexity when configured") {
  const auto xai = ask(tools(kSearch), searching("xai"));
  CHECK(
      xai.at("search_parameters") ==
      R"({"mode":"auto","sources":[{"type":"web","allowed_websites":["a.com","b.org"],"country":"FR"}]})");
  CHECK(xai.warned("search-options"));
  CHECK(
      ask(tools(kSearch, R"(,"tool_choice":{"type":"tool","name":"web_search"})"), searching("xai"))
          .text("search_parameters.mode") == "on");
  CHECK(ask(tools(kBlocking), searching("groq")).at("search_settings") ==
        R"({"exclude_domains":["x.net"]})");
  const auto plain =
      ask(tools(R"({"type":"web_search_20250305","name":"web_search"})"), searching("groq"));
  CHECK(plain.at("search_settings") == "");
  CHECK(plain.request.reply.web_search);
  const auto sonar = ask(tools(kSearch), searching("perplexity"));
  CHECK(sonar.at("search_domain_filter") == R"(["a.com","b.org"])");
  CHECK(sonar.at("web_search_options.user_location.country") == R"("FR")");
  CHECK(ask(tools(kBlocking), searching("perplexity")).at("search_domain_filter") ==
        R"(["-x.net"])");
  // Nothing of this without the flag.
  for (const char* name : {"xai", "groq", "generic"})
    CHECK(refusal(tools(kSearch), {.dialect = name}).message.starts_with("tools.0: web search"));
}

TEST_CASE("§3.7 tool_choice that names the search") {
  const std::string choice = R"(,"tool_choice":{"type":"tool","name":"web_search"})";
  const auto u =
      ask(tools(kBlocking + R"(,{"name":"a","input_schema":{}})", choice), searching("plugin"));
  CHECK(u.at("tool_choice") == "");
  CHECK(u.size("tools") == 1);
  CHECK(refusal(tools(kBlocking + R"(,{"name":"a","input_schema":{}})", choice),
                {.dialect = "lmstudio"})
            .message.starts_with("tool_choice.name: "));
}

TEST_CASE("§8 models behind routers and foreign servers keep their vendor's habits") {
  const std::string body =
      chat(kGo + assistant(use("toolu_claspZnVuY3Rpb25zLlJlYWQ6MA_abcdef")) + "," +
           user(result("toolu_claspZnVuY3Rpb25zLlJlYWQ6MA_abcdef", "\"\"")));
  const auto kimi = ask(body, {.dialect = "vllm", .model = "moonshotai/kimi-k2"});
  CHECK(kimi.text("messages.1.tool_calls.0.id") == "functions.Read:0");
  CHECK(kimi.text("messages.2.tool_call_id") == "functions.Read:0");
  CHECK(ask(body,
            {.dialect = "vllm", .model = "moonshotai/kimi-k2", .flags = {{"restore_ids", "false"}}})
            .text("messages.2.tool_call_id")
            .starts_with("toolu_clasp"));
  CHECK(ask(body, {.dialect = "vllm", .model = "mistralai/mistral-small"})
            .text("messages.2.content") == "(no output)");
  CHECK(ask(body, {.dialect = "openrouter", .model = "google/gemini-3-pro"})
            .text("messages.2.content") == "(no output)");
  const auto forced =
      ask(tools(R"({"name":"a","input_schema":{}})",
                R"(,"tool_choice":{"type":"any"},"output_config":{"effort":"high"})"),
          {.dialect = "openrouter", .model = "deepseek/deepseek-v4"});
  CHECK(forced.text("reasoning.effort") == "none");
  CHECK(forced.text("tool_choice") == "required");
}
