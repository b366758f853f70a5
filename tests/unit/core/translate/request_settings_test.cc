// What the configuration changes in a request: limits of models, added members, tiers, regions;
// and the families that were added with them.
#include "core/translate/signature.h"
#include "request_fixture.h"

using namespace clasp;
using namespace clasp::translate;

namespace {

using Flags = std::vector<std::pair<std::string, std::string>>;

constexpr const char* kPicture =
    R"([{"type":"text","text":"see"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}])";
constexpr const char* kAdaptive = R"("thinking":{"type":"adaptive"})";

// A call and its result, the call in the backend's own numbering, with reasoning in front.
std::string kimi_history(const std::string& thinking) {
  const std::string id = "toolu_clasp" + base64url_encode("functions.Read:0") + "_AbCd12";
  return chat(
      said("user", "\"a\"") + "," +
      said("assistant", "[" + thinking + R"({"type":"tool_use","id":")" + id +
                            R"(","name":"Read","input":{}}])") +
      "," +
      said("user", R"([{"type":"tool_result","tool_use_id":")" + id + R"(","content":"c"}])"));
}

std::string thought(const Setup& setup) {
  SignatureState state;
  state.dialect = setup.dialect;
  state.backend = setup.backend;
  state.model = setup.model;
  state.kind = 't';
  state.state_json = "{}";
  return R"({"type":"thinking","thinking":"Hm.","signature":")" + encode_signature(state) + "\"},";
}

}  // namespace

TEST_CASE("spec 1.2: max_output of a model clamps, also above the shipped table") {
  const std::string many =
      R"({"model":"m","max_tokens":64000,"messages":[{"role":"user","content":"x"}]})";
  CHECK(ask(many, {.dialect = "vllm", .max_output = 8192}).at("max_tokens") == "8192");
  CHECK(ask(many, {.model = "gpt-4o", .max_output = 20000}).at("max_completion_tokens") == "20000");
}

TEST_CASE("spec 1.2.4: the hidden allowance can be switched off") {
  const std::string a =
      R"({"model":"m","max_tokens":64,"messages":[{"role":"user","content":"x"}]})";
  CHECK(ask(a, {.model = "gpt-5"}).at("max_completion_tokens") == "8256");
  CHECK(ask(a, {.model = "gpt-5", .flags = {{"hidden_allowance", "false"}}})
            .at("max_completion_tokens") == "64");
}

TEST_CASE("spec 2.3: a model without vision gets words, also in the newest turn") {
  const auto u = ask(chat(said("user", kPicture)), {.dialect = "generic", .vision = false});
  CHECK(u.body.find("[image omitted: model has no vision]") != std::string::npos);
  CHECK(u.body.find("image_url") == std::string::npos);
  CHECK(u.warned("image-omitted"));
}

TEST_CASE("spec 6.3: what an unobservant backend would cut is refused before it is sent") {
  const std::string a = chat(said("user", "\"" + std::string(8000, 'x') + "\""));
  const Setup ollama{.dialect = "ollama", .context_window = 2048};
  const auto error = refusal(a, ollama);
  CHECK(error.status == 400);
  CHECK(error.message.starts_with("prompt is too long: 21"));
  CHECK(error.message.ends_with(" tokens > 2048 maximum"));
  CHECK(error.should_retry == false);
  CHECK(try_translate(a, {.dialect = "ollama", .context_window = 4096}));
  CHECK(try_translate(a, {.dialect = "ollama"}));
  // Others say so themselves, unless they are known not to.
  CHECK(try_translate(a, {.dialect = "vllm", .context_window = 2048}));
  refusal(a, {.dialect = "lmstudio", .flags = {{"guard_context", "true"}}, .context_window = 2048});
  CHECK(try_translate(
      a, {.dialect = "ollama", .flags = {{"guard_context", "false"}}, .context_window = 2048}));
}

TEST_CASE("spec 1.1: inference_geo") {
  const std::string a = hi(R"("inference_geo":"eu")");
  CHECK(ask(a).warned("inference-geo"));
  CHECK(ask(a, {.geo_served = true, .geo_enforce = true}).request.warnings.empty());
  CHECK(refusal(a, {.geo_enforce = true}).message.starts_with("inference_geo: "));
  CHECK(try_translate(hi(), {.geo_enforce = true}));
}

TEST_CASE("spec 1.1: speed fast becomes the priority tier only when that is wanted") {
  const std::string a = hi(R"("speed":"fast")");
  const auto u = ask(a, {.flags = {{"fast_tier", "true"}}});
  CHECK(u.text("service_tier") == "priority");
  CHECK(u.request.reply.fast);
  CHECK(ask(a).at("service_tier") == "");
  CHECK(ask(a).warned("speed"));
  // A server without tiers.
  CHECK(ask(a, {.dialect = "vllm", .flags = {{"fast_tier", "true"}}}).warned("speed"));
}

TEST_CASE("spec 8: openrouter does not cut prompts, unless it is told to") {
  CHECK(ask(hi(), {.dialect = "openrouter"}).at("transforms") == "[]");
  CHECK(ask(hi(), {.dialect = "openrouter", .extra = {{"transforms", R"(["middle-out"])"}}})
            .at("transforms") == R"(["middle-out"])");
  CHECK(ask(hi(), {.dialect = "openrouter", .flags = {{"no_transforms", "false"}}})
            .at("transforms") == "");
  CHECK(ask(hi(), {.dialect = "vllm"}).at("transforms") == "");
}

TEST_CASE("members that the configuration adds never replace one that is written") {
  const std::vector<ExtraMember> extra = {{"chat_template_kwargs", R"({"enable_thinking":true})"},
                                          {"seed", "7"},
                                          {"stop", R"(["never"])"},
                                          {"web_search_options", "{}"}};
  const auto plain = ask(hi(), {.dialect = "vllm", .extra = extra});
  CHECK(plain.at("seed") == "7");
  CHECK(plain.at("stop") == R"(["never"])");
  CHECK(plain.at("chat_template_kwargs.enable_thinking") == "true");
  const auto busy =
      ask(hi(R"("stop_sequences":["a"],"thinking":{"type":"disabled"})"),
          {.dialect = "vllm", .flags = {{"kwargs_key", "enable_thinking"}}, .extra = extra});
  CHECK(busy.at("stop") == R"(["a"])");
  CHECK(busy.at("chat_template_kwargs.enable_thinking") == "false");
  CHECK(busy.body.find("never") == std::string::npos);
  // Also those that stand in front of the tools.
  const auto search = ask(hi(R"("tools":[{"type":"web_search_20250305","name":"web_search"}])"),
                          {.dialect = "openrouter",
                           .flags = {{"web_search", "plugin"}},
                           .extra = {{"plugins", R"([{"id":"mine"}])"}}});
  CHECK(search.body.find("mine") == std::string::npos);
  CHECK(search.at("plugins.0.id") == "\"web\"");
}

TEST_CASE("spec 1.8: an hour's hint keeps the prompt longer only when that is wanted") {
  const std::string a = chat(said(
      "user", R"([{"type":"text","text":"x","cache_control":{"type":"ephemeral","ttl":"1h"}}])"));
  const std::string usual =
      chat(said("user", R"([{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}])"));
  const Flags flags = {{"long_cache", "true"}};
  CHECK(ask(a, {.model = "gpt-5.6", .flags = flags}).at("prompt_cache_options") ==
        R"({"ttl":"12h"})");
  CHECK(ask(usual, {.model = "gpt-5.6", .flags = flags}).at("prompt_cache_options") == "");
  CHECK(ask(a, {.model = "gpt-5.6"}).at("prompt_cache_options") == "");
  CHECK(ask(a, {.model = "gpt-4o", .flags = flags}).at("prompt_cache_options") == "");
}

TEST_CASE("spec 1.3: gpt-5.6 takes max, its forerunners do not") {
  const std::string a = hi(R"("thinking":{"type":"adaptive"},"output_config":{"effort":"max"})");
  CHECK(ask(a, {.model = "gpt-5.6-sol"}).text("reasoning_effort") == "max");
  CHECK(ask(a, {.model = "gpt-5.5"}).text("reasoning_effort") == "xhigh");
}

TEST_CASE("spec 1.3: models that know on and off only, mistral's prompt_mode") {
  const Setup ollama{.dialect = "ollama", .flags = {{"efforts", "none, medium"}}};
  for (const char* effort : {"low", "high", "max"})
    CHECK(
        ask(hi(std::string(kAdaptive) + R"(,"output_config":{"effort":")" + effort + "\"}"), ollama)
            .text("reasoning_effort") == "medium");
  CHECK(ask(hi(R"("thinking":{"type":"disabled"})"), ollama).text("reasoning_effort") == "none");
  const Setup mistral{.dialect = "mistral", .flags = {{"reasoning", "prompt_mode"}}};
  CHECK(ask(hi(R"("thinking":{"type":"enabled","budget_tokens":2000})"), mistral)
            .text("prompt_mode") == "reasoning");
  CHECK(ask(hi(R"("thinking":{"type":"disabled"})"), mistral).at("prompt_mode") == "");
}

TEST_CASE("spec 3.8, 8, trap 33: Kimi gets its ids and its reasoning back") {
  const Setup kimi{.dialect = "generic", .model = "moonshotai/Kimi-K2-Thinking"};
  const auto u = ask(kimi_history(thought(kimi)), kimi);
  CHECK(u.text("messages.1.tool_calls.0.id") == "functions.Read:0");
  CHECK(u.text("messages.2.tool_call_id") == "functions.Read:0");
  CHECK(u.text("messages.1.reasoning_content") == "Hm.");
  CHECK(u.request.reply.replay_kind() == ReasoningReplay::reasoning_content);
  // A thinking model refuses a call without; one that does not think is not lied to.
  CHECK(ask(kimi_history(""), kimi).text("messages.1.reasoning_content").size() > 3);
  const Setup instruct{.dialect = "generic", .model = "kimi-k2-0905-preview"};
  CHECK(ask(kimi_history(""), instruct).at("messages.1.reasoning_content") == "");
  CHECK(ask(kimi_history(""), instruct).text("messages.1.tool_calls.0.id") == "functions.Read:0");
  // A server's own way stays, and what is set by hand wins.
  CHECK(ask(kimi_history(thought(kimi)), {.dialect = "vllm", .model = "kimi-k2-thinking"})
            .text("messages.1.reasoning") == "Hm.");
  Setup byhand = kimi;
  byhand.flags = {{"restore_ids", "false"}, {"replay", "none"}};
  const auto other = ask(kimi_history(thought(kimi)), byhand);
  CHECK(other.text("messages.1.tool_calls.0.id").starts_with("toolu_clasp"));
  CHECK(other.at("messages.1.reasoning_content") == "");
}
