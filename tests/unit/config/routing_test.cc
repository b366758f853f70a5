// Routes, tiers, fallbacks and what belongs to them: from flags, variables and files to settings.
#include <doctest/doctest.h>

#include "support.h"

using namespace clasp::config;
using namespace clasp::config::test;
using clasp::Result;

namespace {

// "a/m*2|b, c": the groups of a route as one text.
std::string text_of(const std::vector<RouteGroup>& groups) {
  std::string out;
  for (const RouteGroup& group : groups) {
    if (!out.empty()) out.append(", ");
    for (const RouteTarget& target : group) {
      if (&target != group.data()) out.append("|");
      out.append(target.backend);
      if (!target.model.empty()) out.append("/").append(target.model);
      if (target.weight != 1) out.append("*").append(std::to_string(target.weight));
    }
  }
  return out;
}

const BackendSettings* backend(const Loaded& loaded, std::string_view name) {
  for (const BackendSettings& one : loaded.settings.backends)
    if (one.name == name) return &one;
  return nullptr;
}

const Environment kBoth{{"OPENAI_API_KEY", "sk-a"}, {"OPENROUTER_API_KEY", "sk-or"}};

Environment with(Environment base, std::initializer_list<Environment::value_type> more) {
  base.insert(more);
  return base;
}

const std::string kTwo =
    "[backend east]\nprovider = custom\nbase_url = http://127.0.0.1:1/v1\n"
    "[backend west]\nprovider = custom\nbase_url = http://127.0.0.1:2/v1\n";

Result<Loaded, LoadError> load_routes(const std::string& text) {
  return load_from({}, {}, {{"clasp.conf", kTwo + text}});
}

}  // namespace

TEST_CASE("multi-provider: the example of the readme") {
  const auto loaded = load_from(
      {"-multi-provider"}, with(kBoth, {{"CLASP_OPUS_PROVIDER", "openai"},
                                        {"CLASP_OPUS_MODEL", "gpt-4o"},
                                        {"CLASP_OPUS_API_KEY", "sk-opus"},
                                        {"CLASP_SONNET_PROVIDER", "openrouter"},
                                        {"CLASP_SONNET_MODEL", "anthropic/claude-3-sonnet"},
                                        {"CLASP_HAIKU_PROVIDER", "custom"},
                                        {"CLASP_HAIKU_MODEL", "llama3.1"},
                                        {"CLASP_HAIKU_BASE_URL", "http://localhost:11434/v1"}}));
  REQUIRE_MESSAGE(loaded, complaint(loaded));
  const RoutingSettings& routing = loaded->settings.routing;
  CHECK(text_of(routing.opus) == "opus/gpt-4o");
  CHECK(text_of(routing.sonnet) == "sonnet/anthropic/claude-3-sonnet");
  CHECK(text_of(routing.haiku) == "haiku/llama3.1");
  CHECK(loaded->settings.backends.front().name == "openai");
  CHECK(backend(*loaded, "opus")->api_key.reveal() == "sk-opus");
  CHECK(backend(*loaded, "sonnet")->api_key.reveal() == "sk-or");
  CHECK(backend(*loaded, "sonnet")->base_url == "https://openrouter.ai/api/v1");
  CHECK(backend(*loaded, "haiku")->base_url == "http://localhost:11434/v1");
  CHECK(loaded->warnings.empty());
}

TEST_CASE("multi-provider: tiers alone are enough, and share the default backend where they can") {
  const auto alone = load_from({}, {{"CLASP_MULTI_PROVIDER", "1"},
                                    {"CLASP_OPUS_PROVIDER", "openai"},
                                    {"CLASP_OPUS_API_KEY", "sk"}});
  REQUIRE_MESSAGE(alone, complaint(alone));
  CHECK(alone->settings.backends.size() == 1);
  CHECK(text_of(alone->settings.routing.opus) == "opus");

  const auto shared = load_from({"-multi-provider"}, {{"OPENAI_API_KEY", "sk"},
                                                      {"CLASP_OPUS_PROVIDER", "openai"},
                                                      {"CLASP_OPUS_MODEL", "gpt-5"},
                                                      {"CLASP_HAIKU_MODEL", "gpt-5-nano"}});
  REQUIRE_MESSAGE(shared, complaint(shared));
  CHECK(shared->settings.backends.size() == 1);
  CHECK(text_of(shared->settings.routing.opus) == "openai/gpt-5");
  CHECK(text_of(shared->settings.routing.haiku) == "openai/gpt-5-nano");
}

TEST_CASE("tiers: mistakes and switches that are missing") {
  CHECK(has(complaint(load_from({"-multi-provider"},
                                {{"OPENAI_API_KEY", "sk"}, {"CLASP_OPUS_PROVIDER", "openrouter"}})),
            "CLASP_OPUS_PROVIDER"));
  CHECK(has(complaint(load_from({"-multi-provider"},
                                {{"OPENAI_API_KEY", "sk"}, {"CLASP_OPUS_PROVIDER", "opnai"}})),
            "did you mean openai?"));
  CHECK(any_has(load_from({}, {{"OPENAI_API_KEY", "sk"}, {"CLASP_OPUS_MODEL", "x"}})->warnings,
                "without -multi-provider"));
  CHECK(any_has(load_from({"-multi-provider"}, {{"OPENAI_API_KEY", "sk"}})->warnings,
                "-multi-provider has no effect"));
  CHECK(has(complaint(load_from({"-multi-provider"}, {{"CLASP_OPUS_MODEL", "x"}})),
            "no provider is configured"));
}

TEST_CASE(
    "tiers: a key of their own goes where the other one goes, and is never silently ignored") {
  const auto loaded = load_from({"-multi-provider"}, {{"CLASP_OPUS_API_KEY", "sk-tier-key"}},
                                {{"clasp.conf",
                                  "[backend]\nprovider = openai\nbase_url = "
                                  "https://inside.example/v1\napi_key = sk-main\n"}});
  REQUIRE_MESSAGE(loaded, complaint(loaded));
  REQUIRE(loaded->settings.backends.size() == 2);
  const BackendSettings& opus = loaded->settings.backends[1];
  CHECK(opus.name == "opus");
  CHECK(opus.base_url == "https://inside.example/v1");
  CHECK(opus.api_key.reveal() == "sk-tier-key");
  const auto unused = load_from({"-provider", "demo"}, {{"CLASP_OPUS_API_KEY", "sk-tier-key"}});
  REQUIRE(unused);
  CHECK(any_has(unused->warnings, "no effect without -multi-provider"));
}

TEST_CASE("fallback: the next provider that has a key") {
  const auto loaded = load_from({"-fallback"}, kBoth);
  REQUIRE_MESSAGE(loaded, complaint(loaded));
  CHECK(loaded->settings.backends.front().name == "openai");
  CHECK(text_of(loaded->settings.routing.fallbacks) == "openrouter");
  CHECK(any_has(load_from({"-fallback"}, {{"OPENAI_API_KEY", "sk"}})->warnings,
                "nothing to fall back to"));
  CHECK(any_has(load_from({"-fallback", "-model", "gpt-4o"}, kBoth)->warnings,
                "set CLASP_FALLBACK_MODEL"));
  CHECK(load_from({}, kBoth)->settings.routing.fallbacks.empty());
}

TEST_CASE("fallback: named, of a tier, and from sections") {
  const auto named =
      load_from({"-fallback"}, {{"OPENAI_API_KEY", "sk"},
                                {"CLASP_FALLBACK_PROVIDER", "custom"},
                                {"CLASP_FALLBACK_MODEL", "llama"},
                                {"CLASP_FALLBACK_BASE_URL", "http://127.0.0.1:11434/v1"},
                                {"CLASP_OPUS_FALLBACK_MODEL", "gpt-4o"}});
  REQUIRE_MESSAGE(named, complaint(named));
  CHECK(text_of(named->settings.routing.fallbacks) == "fallback/llama");
  CHECK(text_of(named->settings.routing.opus) == "openai, openai/gpt-4o");

  const auto sections = load_routes("[fallback]\nenabled = yes\n");
  REQUIRE_MESSAGE(sections, complaint(sections));
  CHECK(text_of(sections->settings.routing.fallbacks) == "west");
  const auto section = load_routes("[fallback]\nenabled = yes\nprovider = west\nmodel = m\n");
  REQUIRE_MESSAGE(section, complaint(section));
  CHECK(text_of(section->settings.routing.fallbacks) == "west/m");
  CHECK(section->settings.backends.size() == 2);
  CHECK(has(complaint(load_routes("[fallback]\nenabled = yes\nprovider = west\napi_key = k\n")),
            "its key and address belong there"));
}

TEST_CASE("routes: groups, weights, models with slashes") {
  const auto loaded = load_routes(
      "[route claude-opus-*]\ncandidates = east/gpt-4o *3 | west/openai/gpt:4o, west\n"
      "candidates = east/late *0\n[route exact]\ncandidates = WEST\n");
  REQUIRE_MESSAGE(loaded, complaint(loaded));
  const auto& routes = loaded->settings.routing.routes;
  REQUIRE(routes.size() == 2);
  CHECK(routes[0].pattern == "claude-opus-*");
  CHECK(text_of(routes[0].groups) == "east/gpt-4o*3|west/openai/gpt:4o, west, east/late*0");
  CHECK(text_of(routes[1].groups) == "west");
}

TEST_CASE("routes: a provider with a key needs no section") {
  const auto loaded =
      load_from({}, kBoth, {{"clasp.conf", "[route fast]\ncandidates = openrouter/x, openai\n"}});
  REQUIRE_MESSAGE(loaded, complaint(loaded));
  CHECK(text_of(loaded->settings.routing.routes.front().groups) == "openrouter/x, openai");
  CHECK(loaded->settings.backends.size() == 2);
}

TEST_CASE("routes: mistakes name the place") {
  CHECK(has(complaint(load_routes("[route x]\ncandidates = esat\n")),
            "clasp.conf:7: [route x]: there is no backend \"esat\" (did you mean east?)"));
  CHECK(has(complaint(load_routes("[route x]\ncandidates = groq\n")), "has no key or address"));
  CHECK(has(complaint(load_routes("[route x]\ncandidates = east *x\n")), "the weight is not"));
  CHECK(has(complaint(load_routes("[route x]\ncandidates = east *1001\n")), "the weight is not"));
  CHECK(has(complaint(load_routes("[route x]\ncandidates = east/\n")), "is not BACKEND"));
  CHECK(has(complaint(load_routes("[route x]\ncandidates = /m\n")), "is not BACKEND"));
  CHECK(has(complaint(load_routes("[route x]\n[log]\n")), "candidates are missing"));
  CHECK(has(complaint(load_routes("[route]\ncandidates = east\n")), "[route PATTERN]"));
  CHECK(has(complaint(load_routes("[route x]\ncandidates = east\n[route X]\n")), "is already at"));
}

TEST_CASE("several keys of one backend") {
  const auto loaded = load_from(
      {}, {},
      {{"clasp.conf",
        "[backend a]\nprovider = openai\napi_key_file = keys\napi_keys = k4, k5\napi_keys = k6\n"
        "max_concurrency = 7\n"},
       {"keys", "k1\n\n  k2  \nk3\n"}});
  REQUIRE_MESSAGE(loaded, complaint(loaded));
  const BackendSettings& a = loaded->settings.backends.front();
  CHECK(a.max_concurrency == 7);
  CHECK(a.api_key.reveal() == "k1");
  std::string more;
  for (const clasp::Secret& key : a.more_keys) more.append(key.reveal()).append(" ");
  CHECK(more == "k2 k3 k4 k5 k6 ");
  const auto list =
      load_from({}, {}, {{"clasp.conf", "[backend]\nprovider=openai\napi_keys=x,y\n"}});
  REQUIRE_MESSAGE(list, complaint(list));
  CHECK(list->settings.backends.front().api_key.reveal() == "x");
  CHECK(list->settings.backends.front().more_keys.size() == 1);
}

TEST_CASE("the example of maximum resilience") {
  const auto loaded = load_from({"-queue", "-circuit-breaker", "-fallback", "-queue-max-size",
                                 "200", "-cb-threshold", "5", "-cb-timeout", "30"},
                                kBoth);
  REQUIRE_MESSAGE(loaded, complaint(loaded));
  const Settings& settings = loaded->settings;
  CHECK(settings.queue.enabled);
  CHECK(settings.queue.max_size == 200);
  CHECK(settings.queue.max_wait_ms == 30'000);
  CHECK(settings.queue.retry_delay_ms == 1'000);
  CHECK(settings.queue.max_retries == 3);
  CHECK(settings.breaker.enabled);
  CHECK(settings.breaker.threshold == 5);
  CHECK(settings.breaker.recovery == 2);
  CHECK(settings.breaker.timeout_ms == 30'000);
  CHECK(text_of(settings.routing.fallbacks) == "openrouter");
  CHECK(!load_from({}, kBoth)->settings.queue.enabled);
  CHECK(!load_from({}, kBoth)->settings.breaker.enabled);
}

TEST_CASE("queue and breaker from the environment") {
  const auto loaded = load_from({}, with(kBoth, {{"CLASP_QUEUE", "true"},
                                                 {"CLASP_QUEUE_MAX_WAIT", "60"},
                                                 {"CLASP_QUEUE_RETRY_DELAY", "50"},
                                                 {"CLASP_QUEUE_MAX_RETRIES", "0"},
                                                 {"CLASP_CIRCUIT_BREAKER", "on"},
                                                 {"CLASP_CIRCUIT_BREAKER_RECOVERY", "4"},
                                                 {"CLASP_HEALTH_CHECK", "yes"},
                                                 {"CLASP_HEALTH_CHECK_INTERVAL", "5"}}));
  REQUIRE_MESSAGE(loaded, complaint(loaded));
  CHECK(loaded->settings.queue.max_wait_ms == 60'000);
  CHECK(loaded->settings.queue.retry_delay_ms == 50);
  CHECK(loaded->settings.queue.max_retries == 0);
  CHECK(loaded->settings.breaker.recovery == 4);
  CHECK(loaded->settings.health_check.enabled);
  CHECK(loaded->settings.health_check.interval_ms == 5'000);
  CHECK(loaded->settings.health_check.timeout_ms == 10'000);
}
