// Tools, schemas and tool_choice: translation spec §9, vectors 68 to 84.
#include "request_fixture.h"

using namespace clasp;
using namespace clasp::translate;

namespace {

std::string tools(const std::string& list, const std::string& more = "") {
  return hi("\"tools\":[" + list + "]" + more);
}
std::string tool(
    const std::string& name,
    const std::string& members = R"("input_schema":{"type":"object","properties":{}})") {
  return R"({"name":")" + name + "\"" + (members.empty() ? "" : "," + members) + "}";
}
std::string schema_tool(const std::string& schema) {
  return tool("t", "\"input_schema\":" + schema);
}
std::string choice(const std::string& value) {
  return ",\"tool_choice\":" + value;
}
constexpr const char* kParameters = "tools.0.function.parameters";

}  // namespace

TEST_CASE("vector 68: bash and the other built-in tools") {
  const auto u = ask(tools(
      R"({"type":"bash_20250124","name":"bash"},{"type":"text_editor_20250728","name":"str_replace_based_edit_tool","max_characters":9000},
    {"type":"text_editor_20241022","name":"str_replace_editor"},{"type":"memory_20250818","name":"memory"},
    {"type":"computer_20251124","name":"computer","display_width_px":800,"display_height_px":600,"enable_zoom":true})"));
  CHECK(u.text("tools.0.function.name") == "bash");
  CHECK(
      u.at("tools.0.function.parameters") ==
      R"({"type":"object","properties":{"command":{"type":"string"},"restart":{"type":"boolean"}}})");
  CHECK(u.at("tools.1.function.parameters.properties.command.enum") ==
        R"(["view","create","str_replace","insert"])");
  CHECK(u.at("tools.1.function.parameters.properties.insert_text") != "");
  CHECK(u.text("tools.1.function.description").find("9000") != std::string::npos);
  CHECK(u.at("tools.2.function.parameters.properties.command.enum") ==
        R"(["view","create","str_replace","insert","undo_edit"])");
  CHECK(u.at("tools.2.function.parameters.properties.insert_text") == "");
  CHECK(u.at("tools.2.function.parameters.required") == R"(["command","path"])");
  CHECK(u.text("tools.3.function.name") == "memory");
  CHECK(u.text("tools.4.function.description").find("800 by 600") != std::string::npos);
  CHECK(u.at("tools.4.function.parameters.properties.region") != "");
  CHECK(u.request.reply.tools.at("bash").name == "bash");
  CHECK(u.request.warnings.empty());
}

TEST_CASE("vector 69: toolsets") {
  const std::string declared =
      R"({"type":"computer_toolset_20260801","configs":{"zoom":{"enabled":false}}})";
  const auto u = ask(tools(declared));
  CHECK(u.size("tools") == 16);
  const auto& name = u.request.reply.tools.at("computer__left_click");
  CHECK(name.name == "left_click");
  CHECK(name.toolset == "computer");
  const auto history = ask(chat(
      R"({"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"left_click","toolset_name":"computer","input":{}}]},
    {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","toolset_name":"computer","content":"ok"}]})",
      "\"tools\":[" + declared + "]"));
  CHECK(history.text("messages.1.tool_calls.0.function.name") == "computer__left_click");
  const auto browser = ask(tools(R"({"type":"browser_toolset_20260801"})"));
  CHECK(browser.size("tools") == 29);
  CHECK_FALSE(browser.request.reply.tools.contains("browser__javascript_exec"));
  CHECK(browser.body.find("\"anyOf\"") != std::string::npos);
  CHECK(ask(tools(R"({"type":"browser_toolset_20260801"})"), {.dialect = "gemini"})
            .request.reply.tools.size() == 29);
  CHECK(refusal(tools(declared + "," + tool("computer__key"))).details_code ==
        "tool_name_conflict");
}

TEST_CASE("vector 70, trap 26, defect 14: names that backends do not take") {
  const std::string name(80, 'n');
  const auto u = ask(chat(
      R"({"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"a.b","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"ok"}]})",
      "\"tools\":[" + tool(name) + "," + tool("a.b") + "]" +
          choice(R"({"type":"tool","name":"a.b"})")));
  const std::string sent = u.text("tools.0.function.name");
  CHECK(sent.size() == 64);
  CHECK(sent.starts_with(std::string(55, 'n') + "_"));
  CHECK(u.request.reply.tools.at(sent).name == name);
  const std::string dotted = u.text("tools.1.function.name");
  CHECK(dotted.starts_with("a_b_"));
  CHECK(u.text("messages.1.tool_calls.0.function.name") == dotted);
  CHECK(u.text("tool_choice.function.name") == dotted);
  CHECK(ask(tools(tool("1st")), {.dialect = "gemini"})
            .text("tools.0.function.name")
            .starts_with("_1st_"));
  CHECK(ask(tools(tool("1st"))).text("tools.0.function.name") == "1st");
}

TEST_CASE("vector 71, trap 37: the least that schemas need") {
  CHECK(ask(tools(schema_tool(R"({"type":"object","$schema":"x"})"))).at(kParameters) ==
        R"({"type":"object","properties":{}})");
  CHECK(ask(tools(tool("t", ""))).at(kParameters) == R"({"type":"object","properties":{}})");
  CHECK(ask(tools(schema_tool("true"))).at(kParameters) == R"({"type":"object","properties":{}})");
  CHECK(
      ask(tools(schema_tool(R"({"properties":{"a":{"type":"object"}},"required":["a","b"]})")))
          .at(kParameters) ==
      R"({"type":"object","properties":{"a":{"type":"object","properties":{}}},"required":["a"]})");
  CHECK(
      ask(tools(schema_tool(
              R"({"type":"object","properties":{"a":true,"b":false,"c":{"type":null}},"required":null,"additionalProperties":false})")))
          .at(kParameters) ==
      R"({"type":"object","properties":{"a":{},"c":{}},"additionalProperties":false})");
  // What needs no change is sent byte by byte.
  const std::string exact =
      R"({ "type":"object", "properties":{"n":{"type":"number","maximum":1e400,"default":12345678901234567890}} })";
  CHECK(try_translate(tools(schema_tool(exact)))->body.find(exact) != std::string::npos);
}

TEST_CASE("vector 72: combinators at the root") {
  const auto u = ask(tools(schema_tool(
      R"({"description":"D","anyOf":[{"type":"object","description":"first way","properties":{"a":{"type":"string"},"c":{}},"required":["a","c"]},
     {"type":"object","properties":{"b":{"type":"string"},"c":{}},"required":["b","c"]}]})")));
  CHECK(u.at("tools.0.function.parameters.properties") ==
        R"({"a":{"type":"string"},"c":{},"b":{"type":"string"}})");
  CHECK(u.at("tools.0.function.parameters.required") == R"(["c"])");
  CHECK(u.text("tools.0.function.parameters.description") ==
        "D\n\nOne of these forms: 1) first way; 2) members b, c");
  CHECK(u.text("tools.0.function.parameters.type") == "object");
  CHECK(u.at("tools.0.function.parameters.anyOf") == "");
  CHECK(u.warned("schema-root"));
  const auto all = ask(tools(schema_tool(
      R"({"allOf":[{"properties":{"a":{}},"required":["a"]},{"$ref":"#/$defs/X"}],"$defs":{"X":{"type":"object","properties":{"x":{}},"required":["x"]}}})")));
  CHECK(all.at("tools.0.function.parameters.required") == R"(["a","x"])");
  CHECK(ask(tools(schema_tool(R"({"type":"object","not":{},"enum":[1],"const":2})")))
            .at(kParameters) == R"({"type":"object","properties":{}})");
}

TEST_CASE("vector 73, trap 37: arrays say what they hold") {
  CHECK(
      ask(tools(schema_tool(
              R"({"type":"object","properties":{"a":{"type":"array"},"b":{"type":["array","null"]}}})")))
          .at("tools.0.function.parameters.properties") ==
      R"({"a":{"type":"array","items":{}},"b":{"type":["array","null"],"items":{}}})");
  CHECK(ask(tools(schema_tool(R"({"type":"object","properties":{"a":{"type":"array"}}})")),
            {.dialect = "gemini"})
            .at("tools.0.function.parameters.properties.a.items") == R"({"type":"string"})");
}

TEST_CASE("vector 74: strict tools") {
  const std::string loose =
      R"({"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"required":["a"]})";
  const auto u = ask(tools(tool("t", "\"strict\":true,\"input_schema\":" + loose)));
  CHECK(u.at("tools.0.function.strict") == "false");
  CHECK(u.at(kParameters) == loose);
  CHECK(u.warned("strict-dropped"));
  const auto good = ask(tools(tool(
      "t",
      R"("strict":true,"input_schema":{"type":"object","properties":{"a":{"type":"object","properties":{},"default":{}}},"required":["a"]})")));
  CHECK(good.at("tools.0.function.strict") == "true");
  CHECK(
      good.at(kParameters) ==
      R"({"type":"object","properties":{"a":{"type":"object","properties":{},"additionalProperties":false}},"required":["a"],"additionalProperties":false})");
  CHECK(ask(tools(tool("t"))).at("tools.0.function.strict") == "");
}

TEST_CASE("vector 76: gemini's subset") {
  const auto u =
      ask(tools(schema_tool(R"({"type":"object","additionalProperties":false,"properties":{
      "c":{"const":"x"},"o":{"oneOf":[{"type":"string"},{"type":"integer"}]},"m":{"type":"integer","exclusiveMinimum":3,"multipleOf":2},
      "n":{"type":["string","null"],"default":"d"},"s":{"type":["string","number"]},"e":{"enum":[1,2,null]},"f":{"type":"string","format":"uri"},
      "d":{"type":"string","format":"date-time"},"p":{"type":"object","properties":{}},"x":{},"r":{"$ref":"#/$defs/R"},"a":{"anyOf":[{"type":"string"},{"type":"null"}]},
      "l":{"allOf":[{"type":"object","properties":{"q":{"type":"string"}},"required":["q"]},{"description":"both"}]}},
      "required":["c"],"$defs":{"R":{"type":"object","properties":{"again":{"$ref":"#/$defs/R"}}}}})")),
          {.dialect = "gemini"});
  const std::string p = "tools.0.function.parameters.properties.";
  CHECK(u.at(p + "c") == R"({"enum":["x"],"type":"string"})");
  CHECK(u.at(p + "o") == R"({"anyOf":[{"type":"string"},{"type":"integer"}]})");
  CHECK(u.at(p + "m") == R"({"type":"integer","minimum":4})");
  CHECK(u.at(p + "n") == R"({"nullable":true,"type":"string"})");
  CHECK(u.at(p + "s") == R"({"anyOf":[{"type":"string"},{"type":"number"}]})");
  CHECK(u.at(p + "e.enum") == R"(["1","2"])");
  CHECK(u.at(p + "e.nullable") == "true");
  CHECK(u.at(p + "f") == R"({"type":"string"})");
  CHECK(u.at(p + "d.format") == "\"date-time\"");
  CHECK(u.at(p + "p.properties") == "");
  CHECK(u.at(p + "p.type") == "\"object\"");
  CHECK(u.at(p + "x.type") == "\"string\"");
  CHECK(u.at(p + "r.properties.again.type") == "\"object\"");
  CHECK(u.at(p + "a.type") == "\"string\"");
  CHECK(u.at(p + "a.nullable") == "true");
  CHECK(u.at(p + "l.properties.q") == R"({"type":"string"})");
  CHECK(u.at(p + "l.description") == "\"both\"");
  CHECK(u.body.find("additionalProperties") == std::string::npos);
  CHECK(u.body.find("$ref") == std::string::npos);
  CHECK(u.body.find("$defs") == std::string::npos);
  CHECK(ask(tools(schema_tool(R"({"type":"object","properties":{}})")), {.dialect = "gemini"})
            .at(kParameters) == "");
}

TEST_CASE("references") {
  const std::string with = schema_tool(
      R"({"type":"object","properties":{"a":{"$ref":"#/$defs/A","description":"mine"},"far":{"$ref":"http://x/y"}},"$defs":{"A":{"type":"array","description":"theirs","items":{"$ref":"#/$defs/A"}}}})");
  const auto kept = ask(tools(with));
  CHECK(kept.at("tools.0.function.parameters.properties.a") ==
        R"({"$ref":"#/$defs/A","description":"mine"})");
  CHECK(kept.at("tools.0.function.parameters.properties.far") == "{}");
  CHECK(kept.warned("schema-ref"));
  const auto inlined = ask(tools(with), {.dialect = "groq"});
  CHECK(inlined.at("tools.0.function.parameters.properties.a.description") == "\"mine\"");
  CHECK(inlined.at("tools.0.function.parameters.properties.a.items") ==
        R"({"type":"object","properties":{}})");
  CHECK(inlined.at("tools.0.function.parameters.$defs") == "");
}

TEST_CASE("trap 37: keywords that grammars and regular expressions choke on") {
  const std::string list = schema_tool(
      R"({"type":"object","properties":{"a":{"type":"string","pattern":"\\p{L}+","maxLength":100000},"b":{"type":"string","pattern":"^a$","maxLength":10}}})");
  const auto u = ask(tools(list));
  CHECK(u.at("tools.0.function.parameters.properties.a") ==
        R"({"type":"string","maxLength":100000})");
  CHECK(u.warned("schema-pattern"));
  const auto llama = ask(tools(list), {.dialect = "llamacpp"});
  CHECK(llama.at("tools.0.function.parameters.properties.a") == R"({"type":"string"})");
  CHECK(llama.at("tools.0.function.parameters.properties.b") ==
        R"({"type":"string","pattern":"^a$","maxLength":10})");
  CHECK(llama.warned("schema-limits"));
}

TEST_CASE("vector 77: tool_choice") {
  const std::string two = tool("a") + "," + tool("b");
  const std::string any = choice(R"({"type":"any"})"),
                    named = choice(R"({"type":"tool","name":"b"})");
  CHECK(ask(tools(two, any)).text("tool_choice") == "required");
  CHECK(ask(tools(two, any), {.dialect = "mistral"}).text("tool_choice") == "any");
  CHECK(ask(tools(two, named)).at("tool_choice") ==
        R"({"type":"function","function":{"name":"b"}})");
  const auto lmstudio = ask(tools(two, named), {.dialect = "lmstudio"});
  CHECK(lmstudio.text("tool_choice") == "required");
  CHECK(lmstudio.size("tools") == 1);
  CHECK(lmstudio.text("tools.0.function.name") == "b");
  const auto none = ask(tools(two, choice(R"({"type":"none"})")));
  CHECK(none.text("tool_choice") == "none");
  CHECK(none.size("tools") == 2);
  const auto ollama = ask(tools(two, choice(R"({"type":"none"})")), {.dialect = "ollama"});
  CHECK(ollama.at("tools") == "");
  CHECK(ollama.at("tool_choice") == "");
  CHECK(ask(tools(two, choice(R"({"type":"auto"})"))).at("tool_choice") == "");
}

TEST_CASE("vector 78: deepseek forces tools without thinking") {
  const auto u = ask(tools(tool("a"), choice(R"({"type":"tool","name":"a"})") +
                                          R"(,"thinking":{"type":"enabled","budget_tokens":2000})"),
                     {.dialect = "deepseek"});
  CHECK(u.at("thinking") == R"({"type":"disabled"})");
  CHECK(u.at("reasoning_effort") == "");
  CHECK(u.at("tool_choice") != "");
}

TEST_CASE("vector 79, defect 14: one tool call only") {
  const std::string one = choice(R"({"type":"auto","disable_parallel_tool_use":true})");
  const auto u = ask(tools(tool("a"), one), {.dialect = "ollama"});
  CHECK(u.at("parallel_tool_calls") == "");
  CHECK(u.request.reply.single_tool_call);
  CHECK(u.warned("parallel-tool-calls"));
  CHECK(ask(tools(tool("a"), one)).at("parallel_tool_calls") == "false");
  CHECK(ask(tools(tool("a"))).at("parallel_tool_calls") == "");
  CHECK(ask(hi(R"("tool_choice":{"type":"auto","disable_parallel_tool_use":true})"))
            .at("parallel_tool_calls") == "");
}

TEST_CASE("vector 80: tool_choice without its tool") {
  CHECK(refusal(tools(tool("a"), choice(R"({"type":"tool","name":"x"})")))
            .message.starts_with("tool_choice.name"));
  const auto u = ask(hi(R"("tool_choice":{"type":"any"})"));
  CHECK(u.at("tool_choice") == "");
  CHECK(u.at("tools") == "");
}

TEST_CASE("vector 81: web search") {
  const std::string search = R"({"type":"web_search_20250305","name":"web_search","max_uses":3})";
  CHECK(refusal(tools(search), {.dialect = "vllm"}).message.find("web search") !=
        std::string::npos);
  const auto u = ask(tools(search + "," + tool("a")), {.dialect = "vllm"});
  CHECK(u.size("tools") == 1);
  CHECK(u.warned("tool-removed:web_search"));
  CHECK(refusal(tools(search + "," + tool("a"), choice(R"({"type":"tool","name":"web_search"})")),
                {.dialect = "vllm"})
            .status == 400);
  const auto plugin =
      ask(tools(search), {.dialect = "openrouter", .flags = {{"web_search", "plugin"}}});
  CHECK(plugin.at("plugins") == R"([{"id":"web","max_results":3}])");
  CHECK(plugin.request.reply.web_search);
  CHECK(ask(tools(search), {.model = "gpt-4o-search-preview"}).at("web_search_options") == "{}");
}

TEST_CASE("server tools are removed") {
  const auto u = ask(tools(
      R"({"type":"web_fetch_20250910","name":"web_fetch"},{"type":"code_execution_20250825","name":"code_execution"},{"type":"novel_tool_1","name":"n"})",
      choice(R"({"type":"auto"})")));
  CHECK(u.at("tools") == "");
  CHECK(u.warned("tool-removed:web_fetch_20250910"));
  CHECK(u.warned("tool-removed:code_execution_20250825"));
  CHECK(u.warned("tool-removed:novel_tool_1"));
  CHECK(ask(tools(R"({"type":"novel_tool_1","name":"n","input_schema":{}})")).size("tools") == 1);
  CHECK(refusal(tools(R"({"type":"mcp_toolset","mcp_server_name":"x"})")).status == 400);
}

TEST_CASE("vector 82: deferred tools and too many tools") {
  std::string list = R"({"type":"tool_search_tool_bm25_20251119","name":"tool_search"})";
  for (int i = 0; i < 20; ++i)
    list += "," + tool("t" + std::to_string(i), i % 2 ? R"("defer_loading":true)" : "");
  CHECK(ask(tools(list)).size("tools") == 20);
  std::string many, plain;
  for (int i = 0; i < 150; ++i) {
    many += (i ? "," : "") + tool("t" + std::to_string(i), i < 40 ? R"("defer_loading":true)" : "");
    plain += (i ? "," : "") + tool("t" + std::to_string(i), "");
  }
  CHECK(ask(tools(R"({"type":"tool_search_tool_bm25","name":"s"},)" + many)).size("tools") == 110);
  CHECK(ask(tools(many)).size("tools") == 110);
  CHECK(ask(tools(R"({"type":"tool_search_tool_bm25","name":"s"},)" + many), {.dialect = "vllm"})
            .size("tools") == 150);
  CHECK(refusal(tools(plain)).message.find("150 tools") != std::string::npos);
}

TEST_CASE("tools that the conversation brings and takes") {
  const std::string list = "\"tools\":[" + tool("a") + "," + tool("d", R"("defer_loading":true)") +
                           "," + tool("e", R"("defer_loading":true)") + "]";
  CHECK(ask(hi(list)).size("tools") == 1);
  const auto found = ask(chat(
      R"({"role":"user","content":"x"},{"role":"assistant","content":[{"type":"server_tool_use","id":"s1","name":"tool_search","input":{}},
     {"type":"tool_search_tool_result","tool_use_id":"s1","content":{"type":"tool_search_tool_search_result","tool_references":[{"type":"tool_reference","tool_name":"d"}]}}]},{"role":"user","content":"y"})",
      list));
  CHECK(found.size("tools") == 2);
  const auto changed = ask(chat(
      R"({"role":"user","content":"x"},{"role":"system","content":[{"type":"tool_removal","tool_name":"a"},{"type":"tool_addition","tool_name":"e"},{"type":"tool_addition","tool_definition":{"name":"fresh","input_schema":{"type":"object"}}}]})",
      list));
  CHECK(changed.size("tools") == 2);
  CHECK(changed.text("tools.0.function.name") == "e");
  CHECK(changed.text("tools.1.function.name") == "fresh");
}

TEST_CASE("vector 84: long descriptions") {
  std::string words;
  while (words.size() < 4000) words += "word ";
  const auto u = ask(tools(tool("t", "\"description\":\"" + words + "\""), R"(,"system":"S")"),
                     {.flags = {{"max_description", "1024"}}});
  CHECK(u.text("tools.0.function.description").size() <= 1024);
  CHECK(u.text("messages.0.content").starts_with("S\n\n# Full tool descriptions\n\n## t\nword"));
  CHECK(ask(tools(tool("t", "\"description\":\"" + words + "\"")))
            .text("tools.0.function.description")
            .size() == words.size());
}

TEST_CASE("other fields of a tool") {
  CHECK(refusal(tools(tool("a") + "," + tool("a"))).message.starts_with("tools.1.name"));
  CHECK(refusal(tools(R"({"input_schema":{}})")).message.starts_with("tools.0.name"));
  const auto u = ask(tools(tool(
      "a",
      R"("description":"D","input_examples":[{"x": 1},{"y":"\n"}],"cache_control":{"type":"ephemeral"})")));
  CHECK(u.text("tools.0.function.description") == "D\n\nExamples:\n{\"x\":1}\n{\"y\":\"\\n\"}");
  CHECK(u.body.find("cache_control") == std::string::npos);
  CHECK(ask(tools(tool("a", R"("cache_control":{"type":"ephemeral"})")), {.dialect = "openrouter"})
            .at("tools.0.cache_control") != "");
  CHECK(ask(tools(tool("a", ""))).at("tools.0.function.description") == "");
  // The client's own Bash keeps its own schema.
  CHECK(
      ask(tools(tool(
              "Bash",
              R"("input_schema":{"type":"object","properties":{"command":{"type":"string"},"timeout":{"type":"number"}},"required":["command"]})")))
          .at("tools.0.function.parameters.properties.timeout") != "");
}

TEST_CASE("what was learned about a backend") {
  Adjustments learned;
  learned.max_output = 500;
  learned.drop_fields = {"prompt_cache_key", "safety_identifier"};
  learned.reduced_tools = {"t"};
  learned.auto_tool_choice = true;
  learned.no_stream = true;
  const auto u =
      ask(tools(schema_tool(R"({"type":"object","properties":{"a":{"const":"x"}}})"),
                choice(R"({"type":"any"})") + R"(,"stream":true,"metadata":{"user_id":"u"})"),
          {.adjustments = &learned});
  CHECK(u.at("max_completion_tokens") == "500");
  CHECK(u.at("prompt_cache_key") == "");
  CHECK(u.at("safety_identifier") == "");
  CHECK(u.at("tools.0.function.parameters.properties.a") == R"({"enum":["x"],"type":"string"})");
  CHECK(u.at("tool_choice") == "");
  CHECK(u.at("stream") == "");
}

TEST_CASE("hostile schemas") {
  std::string deep = "{}";
  for (int i = 0; i < 150; ++i) deep = R"({"type":"object","properties":{"a":)" + deep + "}}";
  CHECK(refusal(tools(schema_tool(deep))).message.starts_with("tools.0.input_schema"));
  // References that multiply.
  std::string bomb = R"({"type":"object","properties":{"x":{"$ref":"#/$defs/d0"}},"$defs":{)";
  for (int i = 0; i < 40; ++i) {
    const std::string next = R"({"$ref":"#/$defs/d)" + std::to_string(i + 1) + "\"}";
    bomb += "\"d" + std::to_string(i) + R"(":{"type":"object","properties":{"a":)" + next +
            ",\"b\":" + next + "}},";
  }
  bomb += R"("d40":{}}})";
  const auto cut = ask(tools(schema_tool(bomb)), {.dialect = "gemini"});
  CHECK(cut.body.size() < (4u << 20));
  CHECK(cut.warned("schema-ref"));
  CHECK(refusal(tools(schema_tool(bomb)), {.dialect = "gemini", .strict = true}).status == 400);
  // A chain of references that gets too deep leaves none behind that leads nowhere.
  std::string chain = R"({"type":"object","properties":{"x":{"$ref":"#/$defs/d0"}},"$defs":{)";
  for (int i = 0; i < 400; ++i)
    chain += "\"d" + std::to_string(i) +
             R"(":{"type":"object","properties":{"a":{"$ref":"#/$defs/d)" + std::to_string(i + 1) +
             "\"}}},";
  chain += R"("d400":{}}})";
  const auto deep_chain = ask(tools(schema_tool(chain)), {.dialect = "ollama"});
  CHECK(deep_chain.warned("schema-ref"));
  CHECK(deep_chain.body.find("$ref") == std::string::npos);
  for (const char* odd :
       {R"({"$ref":"#"})", R"({"properties":[1]})", R"({"type":5})", R"({"anyOf":[]})",
        R"({"anyOf":[{"$ref":"#"}]})", R"({"required":"a"})",
        R"({"type":"object","properties":{"a":{"$ref":5}}})", R"({"items":[]})",
        R"({"type":["object"]})", R"({"enum":{}})", R"({"type":"object","properties":null})",
        R"({"allOf":[{"allOf":[{"type":"object"}]}]})",
        R"({"$defs":{"a":{"$ref":"#/$defs/a"}},"properties":{"b":{"$ref":"#/$defs/a"}}})"})
    for (const auto name : dialect_names())
      ask(tools(schema_tool(odd)), {.dialect = std::string(name)});
}
