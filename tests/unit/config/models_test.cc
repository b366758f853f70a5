// [model PATTERN], [translation] and the keys of a backend that go with them.
#include <doctest/doctest.h>

#include "support.h"

using namespace clasp::config;
using namespace clasp::config::test;

TEST_CASE("sections about models are kept in the order of the file") {
  const auto loaded = load_text(
      "[model Qwen*]\ncontext_window = 32768\nvision = no\nflag.top_k = true\n"
      "[model qwen3-coder]\nbackend = demo\nmax_output = 8192\ndisplay_name = Qwen 3 Coder\n"
      "body.seed = 7\n"
      "[model *]\nflag.images = false\n");
  REQUIRE_MESSAGE(loaded, complaint(loaded));
  const auto& rules = loaded->settings.models.rules;
  REQUIRE(rules.size() == 3);
  CHECK(rules[0].name == "Qwen*");
  CHECK(rules[0].pattern == "qwen*");
  CHECK(rules[0].context_window == 32768);
  CHECK(rules[0].vision == false);
  CHECK(rules[0].flags.at("top_k") == "true");
  CHECK(rules[0].places.at("flag.top_k") == "clasp.conf:4: [model Qwen*] flag.top_k");
  CHECK(rules[1].backend == "demo");
  CHECK(rules[1].max_output == 8192);
  CHECK(rules[1].display_name == "Qwen 3 Coder");
  CHECK(rules[1].body.at("seed") == "7");
  CHECK_FALSE(rules[1].vision.has_value());
  CHECK(rules[2].pattern == "*");
}

TEST_CASE("one pattern may stand once per backend") {
  const std::string text =
      "[backend a]\nprovider = demo\n[backend b]\nprovider = demo\n"
      "[model x]\nbackend = a\nmax_output = 1\n[model x]\nbackend = b\nmax_output = 2\n"
      "[model x]\nmax_output = 3\n";
  CHECK(load_from({}, {}, {{"clasp.conf", text}}));
  CHECK(has(complaint(load_text("[model x]\nmax_output = 1\n[model X]\nmax_output = 2\n")),
            "clasp.conf:3: [model X] is already at clasp.conf:1"));
  CHECK(has(complaint(load_text("[model x]\nmax_output = 1\nmax_output = 2\n")),
            "clasp.conf:3: [model x] max_output: already set on line 2"));
}

TEST_CASE("mistakes in sections about models") {
  CHECK(has(complaint(load_text("[model]\nmax_output = 1\n")),
            "clasp.conf:1: [model] needs a name, write [model PATTERN]"));
  CHECK(has(complaint(load_text("[model x]\nbackend = dmo\n")),
            "clasp.conf:1: [model x] backend: there is no backend \"dmo\" (did you mean demo?)"));
  CHECK(has(complaint(load_text("[model x]\nmax_ouput = 1\n")),
            "clasp.conf:2: unknown key \"max_ouput\" in [model x] (did you mean max_output?)"));
  CHECK(
      has(complaint(load_text("[model x]\nvision = maybe\n")), "clasp.conf:2: [model x] vision: "));
  CHECK(has(complaint(load_text("[model x]\ncontext_window = -1\n")), "clasp.conf:2: "));
}

TEST_CASE("what a backend adds, serves and holds") {
  const auto loaded = load_from(
      {}, {},
      {{"clasp.conf",
        "[backend or]\nprovider = openrouter\napi_key = k\ngeo = us, eu\ncontext_window = 128000\n"
        "body.provider = {\"order\": [\"a\", \"b\"], \"x\":1}\n"}});
  REQUIRE_MESSAGE(loaded, complaint(loaded));
  const auto& backend = loaded->settings.backends.front();
  CHECK(backend.geo == std::vector<std::string>{"us", "eu"});
  CHECK(backend.context_window == 128000);
  CHECK(backend.body.at("provider") == "{\"order\": [\"a\", \"b\"], \"x\":1}");
  CHECK(backend.places.at("body.provider") == "clasp.conf:6: [backend or] body.provider");
}

TEST_CASE("settings of translation, and what happens to unknown models") {
  const auto usual = load_text("");
  CHECK(usual->settings.translation.hidden_allowance);
  CHECK_FALSE(usual->settings.translation.fast_tier);
  CHECK_FALSE(usual->settings.models.refuse_unknown);
  const auto loaded = load_text(
      "[translation]\nhidden_allowance = 0\nfast_tier = yes\nlong_cache = yes\n"
      "policy_as_error = yes\ngeo_enforce = yes\ninput_token_limits = yes\n"
      "[models]\nunknown_models = refuse\n");
  REQUIRE_MESSAGE(loaded, complaint(loaded));
  const auto& translation = loaded->settings.translation;
  CHECK_FALSE(translation.hidden_allowance);
  CHECK(translation.fast_tier);
  CHECK(translation.long_cache);
  CHECK(translation.policy_as_error);
  CHECK(translation.geo_enforce);
  CHECK(translation.input_token_limits);
  CHECK(loaded->settings.models.refuse_unknown);
  CHECK(has(complaint(load_text("[models]\nunknown_models = no\n")), "is not one of pass, refuse"));
}

TEST_CASE("Vertex by its name") {
  const auto loaded = load_from(
      {"-provider", "vertex", "-model", "google/gemini-3-pro"},
      {{"VERTEX_ACCESS_TOKEN", "t"},
       {"VERTEX_BASE_URL", "https://eu.example.test/v1/projects/p/locations/l/endpoints/openapi"}});
  REQUIRE_MESSAGE(loaded, complaint(loaded));
  CHECK(loaded->settings.backends.front().dialect == "vertex");
  CHECK(load_from({"-provider", "demo", "-dialect", "vertex"}));
}

TEST_CASE("section 0.4: responses is an option of a backend and of a model") {
  const auto loaded = load_text(
      "[backend local]\nprovider = vllm\nbase_url = http://localhost:8001\nresponses = yes\n"
      "[model big*]\nresponses = false\n");
  REQUIRE_MESSAGE(loaded, complaint(loaded));
  CHECK(loaded->settings.backends.back().flags.at("responses") == "yes");
  CHECK(loaded->settings.models.rules[0].flags.at("responses") == "false");
  CHECK(has(complaint(load_text("[backend x]\nprovider = demo\nresponses = maybe\n")),
            "is not one of auto, true"));
}
