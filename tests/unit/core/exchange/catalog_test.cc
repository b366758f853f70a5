// The catalog: what sections about models change, what is refused at start, and who is asked.
#include "core/exchange/catalog.h"

#include <doctest/doctest.h>

using namespace clasp;
using exchange::choose_candidate;

namespace {

config::BackendSettings backend(const std::string& name, const std::string& dialect) {
  config::BackendSettings settings;
  settings.name = name;
  settings.provider = "custom";
  settings.dialect = dialect;
  settings.base_url = "http://" + name + ".test/v1";
  return settings;
}

config::ModelRule rule(const std::string& pattern) {
  config::ModelRule made;
  made.name = made.pattern = pattern;
  return made;
}

Result<exchange::CatalogPtr> make(const config::Settings& settings) {
  return exchange::make_catalog(std::make_shared<const config::Settings>(settings));
}

exchange::Candidate choose(const exchange::CatalogPtr& catalog, std::string_view model,
                           std::string_view geo = {}) {
  auto candidate = choose_candidate(*catalog, model, geo);
  REQUIRE(candidate);
  return *candidate;
}

std::string refused(const config::Settings& settings) {
  const auto catalog = make(settings);
  return catalog ? "" : catalog.error().message;
}

}  // namespace

TEST_CASE("catalog: sections about a model, the later one stronger, on their backend only") {
  config::Settings settings;
  settings.backends = {backend("a", "vllm"), backend("b", "ollama")};
  settings.backends[0].flags = {{"top_k", "false"}, {"images", "false"}};
  settings.backends[0].context_window = 1000;
  settings.models.rules = {rule("qwen*"), rule("*coder*"), rule("qwen3-coder")};
  auto& rules = settings.models.rules;
  rules[0].context_window = 2000;
  rules[0].max_output = 100;
  rules[0].flags = {{"top_k", "true"}, {"think_tags", "false"}};
  rules[1].vision = false;
  rules[1].max_output = 200;
  rules[1].body = {{"seed", " 7 "}};
  rules[2].backend = "B";
  rules[2].max_output = 300;
  const auto catalog = make(settings);
  REQUIRE(catalog);

  const auto both = choose(*catalog, "Qwen3-Coder");
  const translate::Target target = exchange::make_target(**catalog, both);
  CHECK(target.context_window == 2000);
  CHECK(target.max_output == 200);
  CHECK_FALSE(target.vision);
  CHECK(target.dialect->top_k);
  CHECK_FALSE(target.dialect->images);
  CHECK_FALSE(target.dialect->think_tags);
  REQUIRE(target.extra_body->size() == 1);
  CHECK(target.extra_body->front().json == "7");

  const auto none = choose(*catalog, "llama");
  CHECK(none.facts == (*catalog)->backends[0].facts);
  CHECK(none.facts->context_window == 1000);
  CHECK(none.facts->vision);
  CHECK_FALSE(none.facts->dialect.top_k);
  CHECK(none.facts->max_output == 0);
  // No work for names that cannot be meant.
  CHECK(choose(*catalog, "qwen" + std::string(1000, 'x')).facts == none.facts);
}

TEST_CASE("catalog: a flag of a model wins over its family") {
  config::Settings settings;
  settings.backends = {backend("a", "generic")};
  settings.models.rules = {rule("gpt-5*")};
  settings.models.rules[0].flags = {{"cap", "max_tokens"}};
  const auto catalog = make(settings);
  REQUIRE(catalog);
  CHECK(choose(*catalog, "gpt-5").facts->dialect.pinned == translate::Dialect::kPinCap);
  CHECK(choose(*catalog, "gpt-4o").facts->dialect.pinned == 0);
}

TEST_CASE("catalog: server-wide translation settings are defaults of flags") {
  config::Settings settings;
  settings.backends = {backend("a", "openai"), backend("b", "openai")};
  settings.backends[1].flags = {{"fast_tier", "false"}};
  settings.translation.fast_tier = true;
  settings.translation.policy_as_error = true;
  settings.translation.hidden_allowance = false;
  const auto catalog = make(settings);
  REQUIRE(catalog);
  CHECK((*catalog)->backends[0].facts->dialect.fast_tier);
  CHECK((*catalog)->backends[0].facts->dialect.policy_as_error);
  CHECK_FALSE((*catalog)->backends[0].facts->dialect.hidden_allowance);
  CHECK_FALSE((*catalog)->backends[1].facts->dialect.fast_tier);
}

TEST_CASE("catalog: mistakes are told with their place") {
  config::Settings settings;
  settings.backends = {backend("a", "vllm")};
  settings.backends[0].flags = {{"topk", "true"}};
  CHECK(refused(settings).starts_with("backend a: flag.topk: there is no dialect flag"));
  settings.backends[0].places = {{"flag.topk", "clasp.conf:4: [backend a] flag.topk"}};
  CHECK(refused(settings).starts_with("clasp.conf:4: [backend a] flag.topk: there is no dialect"));
  settings.backends[0].flags.clear();
  for (const char* bad : {"{", "text", "1 2", "", "{\"a\":1}x"}) {
    settings.backends[0].body = {{"provider", bad}};
    CHECK(refused(settings).starts_with("backend a: body.provider: the value is not JSON"));
  }
  settings.backends[0].body = {{"messages", "[]"}};
  CHECK(refused(settings) ==
        "backend a: body.messages: this member of a request is written by CLASP itself");
  settings.backends[0].body.clear();
  settings.models.rules = {rule("x")};
  settings.models.rules[0].flags = {{"max_stop", "many"}};
  settings.models.rules[0].places = {{"flag.max_stop", "clasp.conf:9: [model x] flag.max_stop"}};
  CHECK(refused(settings).starts_with("clasp.conf:9: [model x] flag.max_stop: dialect flag"));
  // Also where it would never apply to the first backend.
  settings.models.rules[0].backend = "a";
  CHECK(refused(settings) != "");
}

TEST_CASE("spec 1.2.2, 8: what old versions of Azure's API do not know") {
  config::Settings settings;
  settings.backends = {backend("a", "azure")};
  settings.backends[0].provider = "azure";
  const auto dialect = [&](const std::string& version) {
    settings.backends[0].azure_api_version = version;
    const auto catalog = make(settings);
    REQUIRE(catalog);
    return choose(*catalog, "gpt-4o").facts->dialect;
  };
  for (const char* old : {"2024-02-15-preview", "2024-06-01", "2024-08-01-preview"}) {
    const auto d = dialect(old);
    CHECK(d.cap == translate::CapField::max_tokens);
    CHECK((d.pinned & translate::Dialect::kPinCap) != 0);
    CHECK(d.system_role == translate::SystemRole::system);
    CHECK_FALSE(d.stream_options);
    CHECK_FALSE(d.parallel_tool_calls);
  }
  CHECK(dialect("2024-06-01").json_output == translate::JsonOutput::json_object);
  CHECK(dialect("2024-08-01-preview").json_output == translate::JsonOutput::json_schema);
  for (const char* recent : {"2024-09-01-preview", "2024-10-21", "2025-04-01-preview", ""}) {
    CHECK(dialect(recent).cap == translate::CapField::max_completion_tokens);
    CHECK(dialect(recent).stream_options);
    CHECK(dialect(recent).pinned == 0);
  }
  settings.backends[0].flags = {{"stream_options", "true"}};
  CHECK(dialect("2024-06-01").stream_options);
}

TEST_CASE("spec 1.1: inference_geo chooses the first backend that serves it") {
  config::Settings settings;
  settings.backends = {backend("a", "vllm"), backend("b", "vllm"), backend("c", "vllm")};
  settings.backends[1].geo = {"us", "EU"};
  settings.backends[2].geo = {"eu"};
  const auto catalog = make(settings);
  REQUIRE(catalog);
  CHECK(choose(*catalog, "m", "eu").backend->settings.name == "b");
  CHECK(choose(*catalog, "m", "eu").geo_served);
  CHECK(choose(*catalog, "m", "au").backend->settings.name == "a");
  CHECK_FALSE(choose(*catalog, "m", "au").geo_served);
  CHECK_FALSE(choose(*catalog, "m").geo_served);
}

TEST_CASE("spec 0.5: an unknown model without a default is a 404 where that is wanted") {
  config::Settings settings;
  settings.backends = {backend("a", "vllm")};
  settings.models.aliases = {{"fast", "qwen"}};
  settings.models.rules = {rule("llama"), rule("qwen*")};
  CHECK(choose(*make(settings), "gpt-9").model == "gpt-9");
  settings.models.refuse_unknown = true;
  const auto catalog = *make(settings);
  const auto unknown = choose_candidate(*catalog, "gpt-9");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().status == 404);
  CHECK(unknown.error().type == wire::ErrorType::not_found);
  CHECK(unknown.error().message == "model: gpt-9");
  CHECK(choose(catalog, "fast[1m]").model == "qwen");
  CHECK(choose(catalog, "Llama").model == "Llama");
  CHECK_FALSE(choose_candidate(*catalog, "qwen7"));
  settings.models.default_model = "any";
  CHECK(choose(*make(settings), "gpt-9").model == "any");
}

TEST_CASE("spec 2.4: deepseek continues an answer that was begun only under /beta") {
  using translate::Prefill;
  config::Settings settings;
  settings.backends = {backend("a", "deepseek")};
  config::BackendSettings& own = settings.backends.front();
  const auto prefill = [&](const std::string& url) {
    own.base_url = url;
    return choose(*make(settings), "m").facts->dialect.prefill;
  };
  CHECK(prefill("https://api.deepseek.com/beta") == Prefill::prefix);
  CHECK(prefill("https://api.deepseek.com/beta/chat/completions?x=1") == Prefill::prefix);
  CHECK(prefill("https://api.deepseek.com/v1") == Prefill::emulate);
  own.flags = {{"prefill", "emulate"}};
  CHECK(prefill("https://api.deepseek.com/beta/") == Prefill::emulate);
  own.flags.clear();
  own.dialect = "generic";
  CHECK(prefill("https://api.deepseek.com/beta") == Prefill::emulate);
}

TEST_CASE(
    "section 8: an Azure deployment that is named by the model is in each request's address") {
  config::Settings settings;
  settings.backends = {backend("a", "azure"), backend("b", "vllm")};
  settings.backends[0].provider = "azure";
  settings.backends[0].base_url = "https://r.openai.azure.com";
  settings.backends[0].azure_api_version = "2024-10-21";
  const auto catalog = make(settings);
  REQUIRE(catalog);
  const auto url = [&](std::size_t index, const std::string& model) {
    exchange::Candidate candidate = choose(*catalog, model);
    candidate.backend = &(*catalog)->backends[index];
    return make_backend_request(**catalog, candidate, "{}", false).url;
  };
  CHECK(url(0, "one").find("/deployments/one/") != std::string::npos);
  CHECK(url(0, "two").find("/deployments/two/") != std::string::npos);
  CHECK(url(1, "one") == "http://b.test/v1/chat/completions");
}

TEST_CASE("section 0.4: flags hold for both APIs, and an address can say which one it is") {
  using translate::Api;
  config::Settings settings;
  settings.backends = {backend("a", "openai"), backend("b", "generic"), backend("c", "azure")};
  settings.backends[0].flags = {{"images", "false"}};
  settings.backends[1].base_url = "http://b.test/v1/responses";
  settings.backends[2].provider = "azure";
  settings.backends[2].base_url = "https://r.openai.azure.com";
  settings.backends[2].azure_api_version = "2024-02-15-preview";
  settings.models.rules = {rule("gpt-5*")};
  settings.models.rules[0].flags = {{"responses", "true"}, {"phase", "false"}};
  const auto catalog = make(settings);
  REQUIRE(catalog);
  const auto& backends = (*catalog)->backends;
  const exchange::ModelFacts& a = *backends[0].facts;
  CHECK_FALSE(a.dialect.images);
  CHECK_FALSE(a.dialect_for(Api::responses).images);
  CHECK(a.dialect_for(Api::responses).tool_files);
  CHECK_FALSE(a.dialect.tool_files);
  CHECK(backends[1].facts->dialect.responses == translate::ResponsesUse::always);
  CHECK(backends[1].chat_url == "http://b.test/v1/chat/completions");
  CHECK(backends[1].responses_url == "http://b.test/v1/responses");
  // Versions of Azure's deployment API that know little say nothing about Responses.
  CHECK_FALSE(backends[2].facts->dialect.cache_key);
  CHECK(backends[2].facts->dialect_for(Api::responses).cache_key);
  const auto model = choose(*catalog, "gpt-5.1");
  CHECK(model.facts->dialect.responses == translate::ResponsesUse::always);
  CHECK_FALSE(model.facts->dialect_for(Api::responses).phase);
  const auto request =
      make_backend_request(**catalog, model, "{}", false, Secret(), Api::responses);
  CHECK(request.url == "http://a.test/v1/responses");
}
