// Translation spec §0.1: what is only warned about by default is refused in strict mode, with the
// JSON path of what it is about. One row for every token.
#include "request_fixture.h"

using namespace clasp;
using namespace clasp::translate;

namespace {

struct Row {
  const char* token;
  const char* path;
  std::string body;
  Setup setup = {};
};

std::string with_tools(const std::string& list, const std::string& more = "") {
  return hi("\"tools\":[" + list + "]" + more);
}
const std::string kTool = R"({"name":"t","input_schema":{"type":"object","properties":{}}})";
std::string schema(const std::string& json) {
  return with_tools(R"({"name":"t","input_schema":)" + json + "}");
}
std::string calls(const std::string& blocks, const std::string& rest) {
  return chat(said("user", "\"x\"") + "," + said("assistant", "[" + blocks + "]") + "," + rest);
}
const std::string kUse = R"({"type":"tool_use","id":"a","name":"t","input":{}})";
const std::string kResult = R"({"type":"tool_result","tool_use_id":"a","content":"r"})";
const std::string kImage =
    R"({"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}})";
const std::string kFile = R"({"type":"document","source":{"type":"file","file_id":"f"}})";
const std::string kUser = said("user", "\"y\"");
const std::string kCites = R"([{"type":"char_location"}])";

std::vector<Row> envelope_rows() {
  const Setup narrow = {.version = "2026-10-21"};
  return {
      {"anthropic-version", "anthropic-version", hi(), {.version = "2031-01-01"}},
      {"relaxed-2026-10-21", "temperature", hi(R"("temperature":0.3)"), narrow},
      {"relaxed-2026-10-21", "top_p", hi(R"("top_p":0.3)"), narrow},
      {"relaxed-2026-10-21",
       "top_k",
       hi(R"("top_k":3)"),
       {.dialect = "vllm", .version = "2026-10-21"}},
      {"relaxed-2026-10-21", "messages.0.content.0",
       chat(said("user", R"([{"type":"text","text":"x","citations":)" + kCites + "}]")), narrow},
      {"relaxed-2026-10-21", "messages.1.content.0",
       calls(R"({"type":"document","source":{"type":"text","data":"d"}})", kUser), narrow},
      {"container", "container", hi(R"("container":"c1")")},
      {"context-management", "context_management.edits",
       hi(R"("context_management":{"edits":[{"type":"compact_20260112"}]})")},
      {"fallbacks", "fallbacks", hi(R"("fallbacks":"default")")},
      {"inference-geo", "inference_geo", hi(R"("inference_geo":"eu")")},
      {"speed", "speed", hi(R"("speed":"fast")")},
      {"unknown:foo", "foo", hi(R"("foo":1)")},
      {"unknown:metadata.a", "metadata.a", hi(R"("metadata":{"a":1})")},
      {"unknown:output_config.a", "output_config.a", hi(R"("output_config":{"a":1})")},
  };
}

std::vector<Row> field_rows() {
  const std::string format =
      R"("output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{"a":{}}}}})";
  return {
      {"thinking-unsupported", "thinking",
       hi(R"("thinking":{"type":"enabled","budget_tokens":1024},"max_tokens":2000)")},
      {"thinking-unsupported", "output_config.effort", hi(R"("output_config":{"effort":"low"})")},
      {"between-tools",
       "thinking.type",
       hi(R"("thinking":{"type":"between_tools"})"),
       {.model = "gpt-5"}},
      {"sampling-dropped", "temperature", hi(R"("temperature":0.3)"), {.model = "gpt-5"}},
      {"sampling-dropped", "top_p", hi(R"("temperature":1,"top_p":0.3)"), {.model = "gpt-5"}},
      {"top-k-dropped", "top_k", hi(R"("top_k":3)")},
      {"format-not-strict", "output_config.format", hi(format)},
      {"format-emulated", "output_config.format", hi(format), {.dialect = "deepseek"}},
      {"prefill-emulated", "messages.1",
       chat(said("user", "\"x\"") + "," + said("assistant", "\"{\""))},
  };
}

std::vector<Row> block_rows() {
  const auto in_user = [](const std::string& block) {
    return chat(said("user", "[" + block + R"(,{"type":"text","text":"t"}])"));
  };
  const auto in_result = [](const std::string& block) {
    return calls(kUse, said("user", R"([{"type":"tool_result","tool_use_id":"a","content":[)" +
                                        block + "]}]"));
  };
  return {
      {"misplaced:thinking", "messages.0.content.0",
       in_user(R"({"type":"thinking","thinking":"h","signature":"s"})")},
      {"misplaced:tool_use", "messages.0.content.0", in_user(kUse)},
      {"misplaced:server_tool_use", "messages.0.content.0",
       in_user(R"({"type":"server_tool_use","id":"s","name":"n","input":{}})")},
      {"misplaced:tool_result", "messages.1.content.0", calls(kResult, kUser)},
      {"block:novel", "messages.0.content.0", in_user(R"({"type":"novel"})")},
      {"block:novel", "messages.2.content.0.content.0", in_result(R"({"type":"novel"})")},
      {"block:container_upload", "messages.0.content.0",
       in_user(R"({"type":"container_upload","file_id":"f"})")},
      {"block:compaction", "messages.0.content.0",
       in_user(R"({"type":"compaction","content":null,"encrypted_content":"e"})")},
      {"image-omitted", "messages.0.content.0", in_user(kImage), {.dialect = "deepseek"}},
      {"image-omitted",
       "messages.2.content.0.content.0",
       in_result(kImage),
       {.dialect = "deepseek"}},
      {"document-omitted", "messages.2.content.0.content.0", in_result(kFile)},
      {"citations", "messages.0.content.0",
       in_user(
           R"({"type":"document","citations":{"enabled":true},"source":{"type":"text","data":"d"}})")},
      {"tool-caller", "messages.1.content.0",
       calls(
           R"({"type":"tool_use","id":"a","name":"t","input":{},"caller":{"type":"code_execution_20260120","tool_id":"s"}})",
           said("user", "[" + kResult + "]"))},
      {"orphan-tool-use", "messages.1.content.0", calls(kUse, kUser)},
      {"orphan-tool-result", "messages.0.content.0", in_user(kResult)},
      {"duplicate-tool-result", "messages.2.content.1",
       calls(kUse, said("user", "[" + kResult + "," + kResult + "]"))},
      {"moved-tool-result", "messages.4.content.0",
       calls(kUse,
             kUser + "," + said("assistant", "\"z\"") + "," + said("user", "[" + kResult + "]"))},
  };
}

std::vector<Row> tool_rows() {
  const std::string search = R"({"type":"web_search_20250305","name":"web_search","max_uses":3})";
  return {
      {"tool-removed:web_fetch_20250910", "tools.1",
       with_tools(kTool + R"(,{"type":"web_fetch_20250910","name":"web_fetch"})")},
      {"tool-removed:web_search", "tools.1", with_tools(kTool + "," + search)},
      {"tool-removed:tool_search", "tools.1",
       with_tools(kTool + R"(,{"type":"tool_search_tool_bm25","name":"s"})")},
      {"search-options",
       "tools.0.max_uses",
       with_tools(search),
       {.model = "gpt-4o-search-preview"}},
      {"parallel-tool-calls",
       "tool_choice.disable_parallel_tool_use",
       with_tools(kTool, R"(,"tool_choice":{"type":"auto","disable_parallel_tool_use":true})"),
       {.dialect = "ollama"}},
      {"strict-dropped", "tools.0.strict",
       with_tools(
           R"({"name":"t","strict":true,"input_schema":{"type":"object","properties":{"a":{}}}})")},
      {"schema-root", "tools.0.input_schema",
       schema(R"({"type":"object","not":{"type":"object"}})")},
      {"schema-ref", "tools.0.input_schema",
       schema(R"({"type":"object","properties":{"a":{"$ref":"https://x/y"}}})")},
      {"schema-pattern", "tools.0.input_schema",
       schema(R"({"type":"object","properties":{"a":{"type":"string","pattern":"\\p{L}"}}})")},
      {"schema-limits",
       "tools.0.input_schema",
       schema(R"({"type":"object","properties":{"a":{"type":"string","maxLength":9999}}})"),
       {.dialect = "llamacpp"}},
  };
}

void check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(row.token);
    CAPTURE(row.body);
    Setup setup = row.setup;
    CHECK(ask(row.body, setup).warned(row.token));
    setup.strict = true;
    const auto error = refusal(row.body, setup);
    CHECK(error.status == 400);
    CHECK(error.type == wire::ErrorType::invalid_request);
    const std::string start = std::string(row.path) + ": ";
    CAPTURE(error.message);
    CHECK(error.message.starts_with(start));
  }
}

}  // namespace

TEST_CASE("§0.1 strict: the envelope and fields without a counterpart") {
  check(envelope_rows());
  check(field_rows());
}

TEST_CASE("§0.1 strict: content blocks") {
  check(block_rows());
}

TEST_CASE("§0.1 strict: tools") {
  check(tool_rows());
  Adjustments learned;
  learned.auto_tool_choice = true;
  check({{"tool-choice-dropped",
          "tool_choice",
          with_tools(kTool, R"(,"tool_choice":{"type":"any"})"),
          {.adjustments = &learned}}});
}

TEST_CASE("§2.7.3 strict: the words that Anthropic uses") {
  CHECK(refusal(calls(kUse, kUser), {.strict = true})
            .message.find("`tool_use` ids were found without `tool_result` blocks immediately "
                          "after") != std::string::npos);
}

TEST_CASE("§0.1 strict: what is dropped without a word stays allowed") {
  ask(hi(R"("diagnostics":{},"user_profile_id":"u","workspace_id":"w","betas":["b"],"thread":{"type":"create"},
      "fallback_credit_token":"t","billing_policy":{},"service_tier":"auto","foo":null,"bar":[],"metadata":{"a":null},
      "output_config":{"task_budget":{"type":"tokens","total":9},"b":[]},"fallbacks":[],"mcp_servers":[],"stop_sequences":[" "],
      "cache_control":{"type":"ephemeral"},"system":[{"type":"text","text":"x-anthropic-billing-header: a; cch=1"}])"),
      {.strict = true, .version = "2023-06-01"});
  ask(calls(
          R"({"type":"thinking","thinking":"h","signature":"foreign"},{"type":"connector_text"},{"type":"fallback"},)" +
              kUse,
          said("user", "[" + kResult + "]")),
      {.strict = true});
}

TEST_CASE(
    "strict: a budget above max_tokens is refused, but with interleaved thinking (spec 1.2)") {
  const std::string body =
      hi(R"("thinking":{"type":"enabled","budget_tokens":2048},"max_tokens":2000)");
  Setup setup{.model = "gpt-5", .strict = true};
  CHECK(refusal(body, setup).message.find("must be greater than") != std::string::npos);
  setup.beta = "other-2025-01-01,interleaved-thinking-2025-05-14";
  CHECK(try_translate(body, setup));
  setup.strict = false;
  setup.beta.clear();
  CHECK(try_translate(body, setup));
}
