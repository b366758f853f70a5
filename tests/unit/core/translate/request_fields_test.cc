// Request fields: translation spec §9, vectors 1 to 30.
#include "request_fixture.h"

using namespace clasp;
using namespace clasp::translate;

TEST_CASE("vector 1, trap 35: cap field of reasoning models") {
  const auto u =
      ask(hi(R"("thinking":{"type":"enabled","budget_tokens":2000})"), {.model = "gpt-5"});
  CHECK(u.at("max_completion_tokens") == "1000");
  CHECK(u.at("max_tokens") == "");
}

TEST_CASE("vector 2: room for reasoning that cannot be switched off") {
  const std::string a =
      R"({"model":"m","max_tokens":64,"messages":[{"role":"user","content":"x"}]})";
  CHECK(ask(a, {.model = "gpt-5"}).at("max_completion_tokens") == "8256");
  CHECK(ask(a, {.model = "gpt-5.1"}).at("max_completion_tokens") == "64");
  CHECK(ask(a, {.model = "gpt-4o"}).at("max_completion_tokens") == "64");
}

TEST_CASE("vector 3: vllm has max_tokens only") {
  const auto u = ask(hi(), {.dialect = "vllm", .model = "qwen"});
  CHECK(u.at("max_tokens") == "1000");
  CHECK(u.at("max_completion_tokens") == "");
}

TEST_CASE("vector 5: max_tokens 0") {
  const std::string zero = R"("max_tokens":0)";
  CHECK(refusal(hi(zero + R"(,"stream":true)"), {.dialect = "vllm"}).status == 400);
  CHECK(refusal(hi(zero + R"(,"thinking":{"type":"adaptive"})")).status == 400);
  const auto u = ask(hi(zero), {.dialect = "vllm"});
  CHECK(u.request.answer_without_call);
  CHECK(u.body.empty());
}

TEST_CASE("published output limits clamp silently") {
  const std::string a =
      R"({"model":"m","max_tokens":64000,"messages":[{"role":"user","content":"x"}]})";
  CHECK(ask(a, {.model = "gpt-4o"}).at("max_completion_tokens") == "16384");
  CHECK(ask(a, {.model = "gpt-4o-mini-2024-07-18"}).at("max_completion_tokens") == "16384");
  CHECK(ask(a, {.model = "gpt-4.1-mini"}).at("max_completion_tokens") == "32768");
  CHECK(ask(a, {.model = "gpt-4-turbo"}).at("max_tokens") == "4096");
  CHECK(ask(a, {.model = "gpt-3.5-turbo"}).at("max_tokens") == "4096");
  CHECK(ask(a, {.dialect = "vllm", .model = "llama"}).at("max_tokens") == "64000");
}

TEST_CASE("vector 8: budgets become levels") {
  const auto effort = [](int budget, const char* model) {
    return ask(hi("\"max_tokens\":99000,\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":" +
                  std::to_string(budget) + "}"),
               {.model = model})
        .text("reasoning_effort");
  };
  CHECK(effort(4000, "gpt-5.2") == "low");
  CHECK(effort(10000, "gpt-5.2") == "medium");
  CHECK(effort(31999, "gpt-5.2") == "high");
  CHECK(effort(63999, "gpt-5.2") == "xhigh");
  CHECK(effort(63999, "gpt-5") == "high");
}

TEST_CASE("vector 9: adaptive without effort") {
  const std::string a = hi(R"("thinking":{"type":"adaptive"})");
  CHECK(ask(a, {.model = "gpt-5.1"}).text("reasoning_effort") == "medium");
  const auto u = ask(a, {.dialect = "vllm", .model = "qwen3"});
  CHECK(u.at("reasoning_effort") == "");
  CHECK(u.at("chat_template_kwargs") == "");
  CHECK(u.request.warnings.empty());
  CHECK(ask(a, {.dialect = "openrouter", .model = "openai/gpt-5"}).at("reasoning") ==
        R"({"effort":"medium"})");
}

TEST_CASE("vector 10: effort max is clamped") {
  const std::string a = hi(R"("thinking":{"type":"adaptive"},"output_config":{"effort":"max"})");
  CHECK(ask(a, {.model = "gpt-5"}).text("reasoning_effort") == "high");
  CHECK(ask(a, {.model = "gpt-5.2"}).text("reasoning_effort") == "xhigh");
  const auto deepseek = ask(a, {.dialect = "deepseek", .model = "deepseek-chat"});
  CHECK(deepseek.text("reasoning_effort") == "max");
  CHECK(deepseek.text("thinking.type") == "enabled");
  CHECK(ask(a, {.dialect = "ollama", .model = "qwen3"}).text("reasoning_effort") == "high");
  CHECK(ask(a, {.dialect = "groq", .model = "openai/gpt-oss-120b"}).text("reasoning_format") ==
        "parsed");
  // Qwen's models think unless told otherwise; without the field it would come inside of the text.
  const Setup qwen{.dialect = "groq", .model = "qwen/qwen3-32b"};
  CHECK(ask(hi(), qwen).text("reasoning_format") == "parsed");
  CHECK(ask(hi(), qwen).at("reasoning_effort") == "");
  CHECK(ask(hi(R"("thinking":{"type":"disabled"})"), qwen).at("reasoning_format") == "");
  CHECK(ask(hi(), {.dialect = "groq"}).at("reasoning_format") == "");
  CHECK(ask(a, {.dialect = "groq", .model = "qwen/qwen3-32b"}).text("reasoning_effort") ==
        "default");
}

TEST_CASE("vector 11: thinking disabled") {
  const std::string a = hi(R"("thinking":{"type":"disabled"})");
  const auto gpt5 = ask(a, {.model = "gpt-5"});
  CHECK(gpt5.text("reasoning_effort") == "minimal");
  CHECK(gpt5.request.reply.thinking_disabled);
  CHECK(ask(a, {.model = "gpt-5.1"}).text("reasoning_effort") == "none");
  CHECK(ask(a, {.dialect = "deepseek"}).at("thinking") == R"({"type":"disabled"})");
  CHECK(ask(a, {.model = "o3"}).text("reasoning_effort") == "low");
  CHECK(ask(a, {.model = "gpt-4o"}).at("reasoning_effort") == "");
  CHECK(ask(a, {.model = "gpt-4o"}).request.warnings.empty());
}

TEST_CASE("vector 12: effort wins over the budget") {
  const auto u = ask(
      hi(R"("output_config":{"effort":"low"},"thinking":{"type":"enabled","budget_tokens":31999})"),
      {.model = "gpt-5.2"});
  CHECK(u.text("reasoning_effort") == "low");
}

TEST_CASE("vector 13: thinking on a model without it") {
  const auto u = ask(hi(R"("thinking":{"type":"enabled","budget_tokens":5000})"));
  CHECK(u.at("reasoning_effort") == "");
  CHECK(u.warned("thinking-unsupported"));
  CHECK(refusal(hi(R"("max_tokens":9000,"thinking":{"type":"enabled","budget_tokens":5000})"),
                {.strict = true})
            .message.starts_with("thinking"));
}

TEST_CASE("vector 14: the narrower version is only enforced in strict mode") {
  const std::string a = hi(R"("temperature":0.3)");
  const Setup lenient{.dialect = "ollama", .version = "2026-10-21"};
  const auto u = ask(a, lenient);
  CHECK(u.at("temperature") == "0.3");
  CHECK(u.body.find("\"temperature\":0.3}") != std::string::npos);
  CHECK(u.warned("relaxed-2026-10-21"));
  CHECK(refusal(a, {.dialect = "ollama", .strict = true, .version = "2026-10-21"}).status == 400);
  CHECK(ask(a, {.dialect = "ollama", .version = "2023-06-01"}).request.warnings.empty());
}

TEST_CASE("vector 15: sampling on reasoning models") {
  const auto u = ask(hi(R"("temperature":0.3)"), {.model = "gpt-5"});
  CHECK(u.at("temperature") == "");
  CHECK(u.warned("sampling-dropped"));
  const auto one = ask(hi(R"("temperature":1.0)"), {.model = "gpt-5"});
  CHECK(one.at("temperature") == "");
  CHECK(one.request.warnings.empty());
  CHECK(ask(hi(R"("temperature":0.3,"top_p":0.5)")).at("top_p") == "0.5");
  const auto off =
      ask(hi(R"("temperature":0.3,"thinking":{"type":"disabled"})"), {.model = "gpt-5.1"});
  CHECK(off.at("temperature") == "0.3");
}

TEST_CASE("vector 16: top_k") {
  CHECK(ask(hi(R"("top_k":40)"), {.dialect = "vllm"}).at("top_k") == "40");
  const auto u = ask(hi(R"("top_k":40)"));
  CHECK(u.at("top_k") == "");
  CHECK(u.warned("top-k-dropped"));
}

TEST_CASE("vector 17, trap 36: more stop sequences than the backend takes") {
  const std::string six = R"("stop_sequences":["STOP","b","c","d","e","f"])";
  const auto u = ask(hi(six));
  CHECK(u.at("stop") == "");
  CHECK(u.request.reply.local_stops.size() == 6);
  const auto four = ask(hi(R"("stop_sequences":["a\n","b"])"));
  CHECK(four.at("stop") == R"(["a\n","b"])");
  CHECK(four.request.reply.local_stops.empty());
  CHECK(four.request.reply.stop_sequences.size() == 2);
  CHECK(ask(hi(six), {.dialect = "vllm"}).size("stop") == 6);
  CHECK(ask(hi(six), {.dialect = "vllm"}).at("include_stop_str_in_output") == "false");
  CHECK(ask(hi(R"("stop_sequences":["a"])"), {.model = "o3"}).at("stop") == "");
}

TEST_CASE("vector 19: stop sequences of white space") {
  const auto u = ask(hi(R"("stop_sequences":["\n"," "])"));
  CHECK(u.at("stop") == "");
  CHECK(u.request.reply.local_stops.empty());
}

TEST_CASE("vector 20: the user is a hash") {
  const auto u = ask(hi(R"("metadata":{"user_id":"user_1"})"));
  CHECK(u.text("safety_identifier").size() == 64);
  CHECK(u.body.find("user_1") == std::string::npos);
  CHECK(u.at("user") == "");
  CHECK(ask(hi(R"("metadata":{"user_id":"user_1"})"), {.dialect = "openrouter"})
            .text("user")
            .size() == 64);
  CHECK(ask(hi(R"("metadata":{"user_id":"user_1"})"), {.dialect = "vllm"}).at("user") == "");
}

TEST_CASE("vector 21, habit 6: the cache key") {
  CHECK(ask(hi(), {.session = "S"}).text("prompt_cache_key") == "S");
  const auto one = ask(hi(R"("system":"s")"));
  const auto two = ask(chat(
      said("user", "\"hi\"") + "," + said("assistant", "\"yo\"") + "," + said("user", "\"more\""),
      R"("system":"s")"));
  CHECK(one.text("prompt_cache_key") == two.text("prompt_cache_key"));
  CHECK(one.text("prompt_cache_key").size() == 32);
  CHECK(ask(hi(R"("system":"t")")).text("prompt_cache_key") != one.text("prompt_cache_key"));
  CHECK(ask(hi(R"("metadata":{"user_id":"user_a_account_b_session_c-d"})"))
            .text("prompt_cache_key") == "c-d");
  CHECK(ask(hi(R"("metadata":{"user_id":"{\"session_id\":\"e\"}"})")).text("prompt_cache_key") ==
        "e");
  CHECK(ask(hi(), {.session = "a\"b\n"}).text("prompt_cache_key").size() == 32);
  CHECK(ask(hi(), {.dialect = "openrouter", .session = "S"}).text("session_id") == "S");
  CHECK(ask(hi(), {.dialect = "groq", .session = "S"}).body.find("\"S\"") == std::string::npos);
}

TEST_CASE("vector 22: structured output") {
  const auto format = [](const char* schema) {
    return hi(R"("output_config":{"format":{"type":"json_schema","schema":)" + std::string(schema) +
              "}}");
  };
  const char* optional =
      R"({"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"required":["a"],"additionalProperties":false})";
  const auto u = ask(format(optional));
  CHECK(u.at("response_format.json_schema.strict") == "false");
  CHECK(u.at("response_format.json_schema.schema") == optional);
  CHECK(u.text("response_format.json_schema.name") == "output");
  CHECK(u.warned("format-not-strict"));
  const auto strict = ask(format(
      R"({"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false})"));
  CHECK(strict.at("response_format.json_schema.strict") == "true");
  CHECK(strict.request.warnings.empty());
  // Strict servers know no defaults, and nothing is taken out of the author's schema.
  const auto preset = ask(format(
      R"({"type":"object","properties":{"a":{"type":"string","default":"x"}},"required":["a"],"additionalProperties":false})"));
  CHECK(preset.at("response_format.json_schema.strict") == "false");
  CHECK(preset.text("response_format.json_schema.schema.properties.a.default") == "x");
  CHECK(ask(format(R"({"type":"array","items":{}})")).at("response_format.json_schema.schema") ==
        R"({"type":"array","items":{}})");
  CHECK(ask(hi(R"("output_format":{"type":"json_schema","schema":{"type":"object"}})"))
            .at("response_format.type") == "\"json_schema\"");
  CHECK(refusal(hi(R"("output_config":{"format":{"type":"xml"}})"))
            .message.starts_with("output_config.format.type"));
}

TEST_CASE("vector 23: structured output in words") {
  const auto u = ask(
      hi(R"("system":"S","output_config":{"format":{"type":"json_schema","schema":{"type": "object"}}})"),
      {.dialect = "deepseek"});
  CHECK(u.at("response_format") == R"({"type":"json_object"})");
  CHECK(u.text("messages.0.content").starts_with("S\n\nAnswer with one JSON value"));
  CHECK(u.text("messages.0.content").ends_with(R"({"type":"object"})"));
  CHECK(u.warned("format-emulated"));
  CHECK(u.request.reply.strip_fence);
  const auto none = ask(hi(R"("output_config":{"format":{"type":"json_schema","schema":{}}})"),
                        {.dialect = "generic"});
  CHECK(none.at("response_format") == "");
  CHECK(none.text("messages.0.role") == "system");
}

TEST_CASE("vector 24: cache hints") {
  const std::string a = chat(
      R"({"role":"user","content":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]})",
      R"("system":[{"type":"text","text":"S","cache_control":{"type":"ephemeral","ttl":"1h"}}])");
  const auto u = ask(a, {.dialect = "openrouter"});
  CHECK(u.at("messages.0.content") ==
        R"([{"type":"text","text":"S","cache_control":{"type":"ephemeral","ttl":"1h"}}])");
  CHECK(u.at("messages.1.content.0.cache_control") == R"({"type":"ephemeral"})");
  const auto plain = ask(a);
  CHECK(plain.body.find("cache_control") == std::string::npos);
  CHECK(plain.text("messages.0.content") == "S");
  CHECK(plain.request.warnings.empty());
  std::string five;
  for (int i = 0; i < 5; ++i)
    five += std::string(i ? "," : "") + R"({"type":"text","text":"t)" + std::to_string(i) +
            R"(","cache_control":{"type":"ephemeral"}})";
  const auto last = ask(chat(said("user", "[" + five + "]")), {.dialect = "openrouter"});
  CHECK(last.at("messages.0.content.0.cache_control") == "");
  CHECK(last.at("messages.0.content.1.cache_control") != "");
  const auto points = ask(a, {.model = "gpt-5.6"});
  CHECK(points.at("messages.0.content.0.prompt_cache_breakpoint") == R"({"mode":"explicit"})");
}

TEST_CASE("vector 25: threads") {
  const auto error = refusal(hi(R"("thread":{"type":"continue","id":"x"})"));
  CHECK(error.status == 404);
  CHECK(error.type == wire::ErrorType::not_found);
  CHECK(error.details_code == "thread_not_found");
  CHECK(refusal(hi(R"("thread":{"continue":{"id":"x"}})")).status == 404);
  ask(hi(R"("thread":{"type":"create"})"));
}

TEST_CASE("vector 26: container") {
  CHECK(refusal(hi(R"("container":{"skills":[{"x":1}]})")).message.starts_with("container.skills"));
  CHECK(ask(hi(R"("container":"c1")")).warned("container"));
  CHECK(ask(hi(R"("container":null)")).request.warnings.empty());
}

TEST_CASE("vector 27: MCP servers") {
  CHECK(refusal(hi(R"("mcp_servers":[{"name":"a","url":"u"}])"), {.dialect = "vllm"}).status ==
        400);
  ask(hi(R"("mcp_servers":[])"));
  ask(hi(R"("mcp_servers":[{"name":"a","tool_configuration":{"enabled":false}}])"));
}

TEST_CASE("vector 28: unknown fields") {
  const auto u = ask(hi(R"("foo":1,"logit_bias":{"1":2},"user":"x","n":3)"));
  CHECK(u.warned("unknown:foo"));
  CHECK(u.warned("unknown:logit_bias"));
  for (const char* name : {"foo", "logit_bias", "user", "n"}) CHECK(u.at(name) == "");
  CHECK(refusal(hi(R"("foo":1)"), {.strict = true}).message.starts_with("foo: "));
  CHECK(ask(hi("\"b\\r\\nx: y\":1")).request.warnings.at(0) == "unknown:b??x:?y");
}

TEST_CASE("vector 29: service tier and speed") {
  CHECK(ask(hi(R"("service_tier":"standard_only")")).text("service_tier") == "default");
  CHECK(ask(hi(R"("service_tier":"standard_only")"), {.dialect = "ollama"}).at("service_tier") ==
        "");
  CHECK(ask(hi(R"("service_tier":"standard_only")"), {.dialect = "groq"}).text("service_tier") ==
        "on_demand");
  CHECK(ask(hi(R"("service_tier":"auto")")).at("service_tier") == "");
  CHECK(ask(hi(R"("speed":"fast")")).warned("speed"));
  CHECK(ask(hi(R"("speed":"fast")"), {.flags = {{"fast_tier", "true"}}}).text("service_tier") ==
        "priority");
}

TEST_CASE("vector 30: the marker of the long context") {
  const auto u =
      ask(R"({"model":"x[1m]","max_tokens":5,"messages":[{"role":"user","content":"a"}]})");
  CHECK(u.request.reply.requested_model == "x");
  CHECK(u.text("model") == "gpt-4o");
}

TEST_CASE("compaction and other fields") {
  CHECK(ask(hi(R"("context_management":{"edits":[{"type":"compact_20260112"}]})"))
            .warned("context-management"));
  CHECK(ask(hi(R"("context_management":{"edits":[{"type":"clear_tool_uses_20250919"}]})"))
            .request.warnings.empty());
  CHECK(ask(hi(R"("fallbacks":"default","inference_geo":"eu","diagnostics":{},"betas":["x"])"))
            .request.warnings == std::vector<std::string>{"inference-geo", "fallbacks"});
}

TEST_CASE("streaming options") {
  const std::string a = hi(R"("stream":true)");
  CHECK(ask(a).at("stream_options") == R"({"include_usage":true,"include_obfuscation":false})");
  CHECK(ask(a, {.dialect = "vllm"}).at("stream_options") == R"({"include_usage":true})");
  CHECK(ask(a, {.dialect = "openrouter"}).at("stream_options") == "");
  CHECK(ask(a, {.dialect = "openrouter"}).at("stream") == "true");
  CHECK(ask(hi()).at("stream") == "");
}

TEST_CASE("family rules go by the model's name on every dialect") {
  const auto u = ask(
      hi(R"("output_config":{"effort":"high"},"temperature":0.2,"stop_sequences":["a"],"tool_choice":{"type":"auto","disable_parallel_tool_use":true},"tools":[{"name":"t","input_schema":{}}])"),
      {.dialect = "generic", .model = "vendor/o3-mini"});
  CHECK(u.text("reasoning_effort") == "high");
  CHECK(u.at("max_completion_tokens") != "");
  CHECK(u.at("temperature") == "");
  CHECK(u.at("stop") == "");
  CHECK(u.at("parallel_tool_calls") == "");
  CHECK(u.request.reply.single_tool_call);
}

TEST_CASE("thinking on other dialects") {
  const std::string a =
      hi(R"("max_tokens":60000,"thinking":{"type":"enabled","budget_tokens":20000})");
  CHECK(ask(a, {.dialect = "openrouter", .model = "anthropic/claude-opus"}).at("reasoning") ==
        R"({"max_tokens":20000})");
  CHECK(ask(a, {.dialect = "gemini", .model = "gemini-3-pro"})
            .at("extra_body.google.thinking_config") ==
        R"({"thinking_budget":20000,"include_thoughts":true})");
  CHECK(ask(a, {.dialect = "vllm", .model = "gpt-oss-20b"}).text("reasoning_effort") == "high");
  const auto llama =
      ask(a, {.dialect = "llamacpp", .model = "q", .flags = {{"kwargs_key", "enable_thinking"}}});
  CHECK(llama.at("chat_template_kwargs") == R"({"enable_thinking":true})");
  CHECK(llama.at("thinking_budget_tokens") == "20000");
  CHECK(ask(a, {.dialect = "xai", .model = "grok-3-mini"}).text("reasoning_effort") == "high");
  CHECK(ask(a, {.dialect = "xai", .model = "grok-9"}).at("reasoning_effort") == "");
  CHECK(ask(a, {.dialect = "mistral", .model = "magistral"}).at("reasoning_effort") == "");
  CHECK(ask(a, {.dialect = "mistral", .model = "magistral", .flags = {{"efforts", "none,high"}}})
            .text("reasoning_effort") == "high");
  CHECK(ask(hi(R"("thinking":{"type":"between_tools"})"), {.model = "gpt-5"})
            .text("reasoning_effort") == "low");
  CHECK(refusal(hi(R"("output_config":{"effort":"huge"})"))
            .message.starts_with("output_config.effort"));
  CHECK(ask(chat(said("user", "\"a\"") +
                     R"(,{"role":"system","content":"s","output_config":{"effort":"xhigh"}})",
                 R"("output_config":{"effort":"low"})"),
            {.model = "gpt-5.2"})
            .text("reasoning_effort") == "xhigh");
}

TEST_CASE("dialect flags by name") {
  Dialect d = *find_dialect("generic");
  CHECK(set_dialect_flag(d, "stream_options", "false"));
  CHECK_FALSE(d.stream_options);
  CHECK(set_dialect_flag(d, "max_stop", "any"));
  CHECK(d.max_stop == -1);
  CHECK(set_dialect_flag(d, "cap", "max_completion_tokens"));
  const auto wrong = set_dialect_flag(d, "stream_option", "false");
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().message.find("did you mean \"stream_options\"") != std::string::npos);
  CHECK_FALSE(set_dialect_flag(d, "cap", "tokens"));
  CHECK_FALSE(set_dialect_flag(d, "max_tools", "many"));
  for (const auto name : dialect_names()) CHECK(find_dialect(name) != nullptr);
  // What was set by hand wins over the model's name.
  CHECK(ask(hi(), {.dialect = "generic", .model = "gpt-5", .flags = {{"cap", "max_tokens"}}})
            .at("max_tokens") != "");
}

TEST_CASE("the envelope for all dialects") {
  for (const auto name : dialect_names()) {
    CAPTURE(name);
    const auto u = ask(hi(R"("system":"s","stream":true,"temperature":0.5)"),
                       {.dialect = std::string(name), .model = "some-model"});
    CHECK(u.text("model") == "some-model");
    CHECK(u.text("messages.1.content") == "hi");
    CHECK(u.text("messages.0.role") == "system");
  }
}
