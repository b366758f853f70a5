// Loading: the three sources, their order, the provider that comes out, and what is refused.
#include "config/load.h"

#include <doctest/doctest.h>

#include "support.h"

using namespace clasp::config;
using namespace clasp::config::test;

TEST_CASE("flags are stronger than the environment, that than the file, that than the default") {
  const Files file = {{"clasp.conf", "[server]\nport = 1\n[timeouts]\nbackend_idle = 7\n"}};
  const Environment env = {{"OPENAI_API_KEY", "k"}};
  Environment with_port = env;
  with_port["CLASP_PORT"] = "2";
  CHECK(load_from({}, env)->settings.listeners.front().port == 8080);
  CHECK(load_from({}, env, file)->settings.listeners.front().port == 1);
  CHECK(load_from({}, with_port, file)->settings.listeners.front().port == 2);
  CHECK(load_from({"-port", "3"}, with_port, file)->settings.listeners.front().port == 3);
  CHECK(load_from({"-http-timeout", "9"}, env, file)->settings.timeouts.backend_idle_ms == 9000);
  CHECK(load_from({}, env, file)->settings.timeouts.backend_idle_ms == 7000);
  CHECK(load_from({}, env, file)->settings.config_file == "clasp.conf");
}

TEST_CASE("the spellings of a flag") {
  for (const std::vector<std::string>& args :
       std::vector<std::vector<std::string>>{{"-port", "5"},
                                             {"--port", "5"},
                                             {"-port=5"},
                                             {"--port=5"},
                                             {"-port", "5", "--"},
                                             {"-port", "4", "-port", "5"}}) {
    const auto loaded = load_from(args, {{"OPENAI_API_KEY", "k"}});
    REQUIRE(loaded);
    CHECK(loaded->settings.listeners.front().port == 5);
  }
  CHECK(load_from({"-strict", "-provider", "demo"})->settings.strict);
  CHECK(!load_from({"-strict=no", "-provider", "demo"})->settings.strict);
}

TEST_CASE("a wrong command line is an error of usage that helps") {
  const auto unknown = load_from({"-prot", "1"});
  REQUIRE(!unknown);
  CHECK(unknown.error().exit_code == kExitUsage);
  CHECK(has(complaint(unknown), "unknown option -prot (did you mean port?)"));
  CHECK(load_from({"stray"}).error().exit_code == kExitUsage);
  CHECK(has(complaint(load_from({"-port"})), "-port needs a value"));
  CHECK(has(complaint(load_from({"-port", "x"})), "option -port: \"x\" is not a whole number"));
  CHECK(has(complaint(load_from({"-port", "70000"})), "out of range, allowed is 0 to 65535"));
  CHECK(has(complaint(load_from({"-debug=maybe"})), "option -debug: \"maybe\" is neither"));
  CHECK(load_from({"-"}).error().exit_code == kExitUsage);
  CHECK(has(complaint(load_from({"-strict", "--", "-port", "5"})), "\"-port\" stands behind --"));
  CHECK(load_from({"-=x"}).error().exit_code == kExitUsage);
}

TEST_CASE("a wrong variable is named") {
  const auto bad = load_from({}, {{"CLASP_DEBUG", "ja"}, {"OPENAI_API_KEY", "k"}});
  REQUIRE(!bad);
  CHECK(bad.error().exit_code == kExitConfiguration);
  CHECK(has(complaint(bad), "environment variable CLASP_DEBUG: \"ja\" is neither true"));
  for (const char* yes : {"true", "1", "yes", "on", "TRUE"})
    CHECK(load_from({}, {{"CLASP_DEBUG_REQUESTS", yes}, {"OPENAI_API_KEY", "k"}})
              ->settings.debug_requests);
  for (const char* no : {"false", "0", "no", "off", ""})
    CHECK(!load_from({}, {{"CLASP_DEBUG_REQUESTS", no}, {"OPENAI_API_KEY", "k"}})
               ->settings.debug_requests);
}

TEST_CASE("a misspelt variable is mentioned") {
  const auto loaded = load_from(
      {},
      {{"OPENAI_API_KEY", "k"}, {"CLASP_CACHE_MAXSIZE", "5"}, {"CLASP_ELSEWHERE_TOTALLY", "x"}});
  REQUIRE(loaded);
  REQUIRE(loaded->warnings.size() == 1);
  CHECK(has(loaded->warnings[0],
            "CLASP_CACHE_MAXSIZE is not known and ignored; did you mean CLASP_CACHE_MAX_SIZE?"));
}

TEST_CASE("help, version and emit need no configuration") {
  CHECK(load_from({"-help"})->action == Action::help);
  CHECK(load_from({"-h"})->action == Action::help);
  CHECK(load_from({"-version"})->action == Action::version);
  CHECK(load_from({"-emit", "sample"})->action == Action::emit);
  CHECK(has(load_from({"-emit", "sample"})->emit, "[server]"));
  CHECK(has(load_from({"-help"})->emit, "-provider NAME"));
  CHECK(load_from({"-check", "-provider", "demo"})->action == Action::check);
  CHECK(load_from({"-models", "-provider", "demo"})->action == Action::models);
  CHECK(load_from({"-proxy-only", "-provider", "demo"})->action == Action::run);
}

TEST_CASE("where the file is looked for") {
  const std::string text = "[server]\nport = 1\n";
  const Environment home = {{"HOME", "/h"}, {"PROVIDER", "demo"}};
  const auto path_of = [&](Environment env, Files files, std::vector<std::string> args = {}) {
    const auto loaded = load_from(std::move(args), std::move(env), std::move(files));
    return loaded ? loaded->settings.config_file : complaint(loaded);
  };
  Files all;
  for (const char* path : {"clasp.conf", "/x/clasp/clasp.conf", "/h/.config/clasp/clasp.conf",
                           "/etc/clasp/clasp.conf", "/f"})
    all[path] = text;
  CHECK(path_of(home, {}) == "");
  CHECK(path_of(home, all) == "clasp.conf");
  all.erase("clasp.conf");
  CHECK(path_of(home, all) == "/h/.config/clasp/clasp.conf");
  Environment xdg = home;
  xdg["XDG_CONFIG_HOME"] = "/x";
  CHECK(path_of(xdg, all) == "/x/clasp/clasp.conf");
  CHECK(path_of({{"PROVIDER", "demo"}}, all) == "/etc/clasp/clasp.conf");
  Environment named = home;
  named["CLASP_CONFIG_FILE"] = "/f";
  CHECK(path_of(named, all) == "/f");
  CHECK(path_of(named, all, {"-config", "/etc/clasp/clasp.conf"}) == "/etc/clasp/clasp.conf");
  CHECK(path_of(home, all, {"-config", "/none"}) == "the configuration file /none does not exist");
}

TEST_CASE("a file that must not be read stops the start; one that was only found can be left out") {
  Inputs inputs = make_inputs({"-provider", "demo"});
  inputs.read_file = [](const std::string& path) -> clasp::Result<std::optional<std::string>> {
    if (path == "/etc/clasp/clasp.conf") return clasp::fail("Permission denied");
    return std::optional<std::string>{};
  };
  CHECK(
      complaint(load(inputs)) ==
      "cannot read the configuration file /etc/clasp/clasp.conf: Permission denied; -config names "
      "another one, /dev/null for none");
  inputs.args = {"-provider", "demo", "-config", "/etc/clasp/clasp.conf"};
  CHECK(complaint(load(inputs)) ==
        "cannot read the configuration file /etc/clasp/clasp.conf: Permission denied");
}

// ---- providers ---------------------------------------------------------------------------------

namespace {

std::string provider_from(Environment environment) {
  const auto loaded = load_from({}, std::move(environment));
  return loaded ? loaded->settings.backends.front().provider : complaint(loaded);
}

}  // namespace

TEST_CASE("the first provider that has what it needs is chosen") {
  // Removing the strongest one each time must uncover the next.
  Environment env = {{"OPENAI_API_KEY", "k"},
                     {"OPENROUTER_API_KEY", "k"},
                     {"AZURE_API_KEY", "k"},
                     {"AZURE_OPENAI_ENDPOINT", "https://r.openai.azure.com"},
                     {"AZURE_DEPLOYMENT_NAME", "d"},
                     {"ANTHROPIC_API_KEY", "k"},
                     {"GEMINI_API_KEY", "k"},
                     {"DEEPSEEK_API_KEY", "k"},
                     {"GROK_API_KEY", "k"},
                     {"QWEN_API_KEY", "k"},
                     {"MINIMAX_API_KEY", "k"},
                     {"LITELLM_BASE_URL", "http://localhost:4000"},
                     {"OLLAMA_BASE_URL", "http://localhost:11434"},
                     {"CUSTOM_BASE_URL", "http://localhost:9"}};
  const std::pair<const char*, const char*> order[] = {
      {"openai", "OPENAI_API_KEY"},   {"openrouter", "OPENROUTER_API_KEY"},
      {"azure", "AZURE_API_KEY"},     {"anthropic", "ANTHROPIC_API_KEY"},
      {"gemini", "GEMINI_API_KEY"},   {"deepseek", "DEEPSEEK_API_KEY"},
      {"grok", "GROK_API_KEY"},       {"qwen", "QWEN_API_KEY"},
      {"minimax", "MINIMAX_API_KEY"}, {"litellm", "LITELLM_BASE_URL"},
      {"ollama", "OLLAMA_BASE_URL"},  {"custom", "CUSTOM_BASE_URL"}};
  for (const auto& [provider, variable] : order) {
    CHECK(provider_from(env) == provider);
    env.erase(variable);
  }
  CHECK(has(provider_from(env), "no provider is configured"));
  CHECK(provider_from({{"XAI_API_KEY", "k"}}) == "grok");
  CHECK(has(provider_from({{"OLLAMA_API_KEY", "k"}}), "no provider is configured"));
}

TEST_CASE("nothing configured") {
  const auto refused = load_from({});
  REQUIRE(!refused);
  CHECK(refused.error().exit_code == kExitConfiguration);
  for (const char* part : {"OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", "CUSTOM_BASE_URL",
                           "[backend]", "-provider demo"})
    CHECK(has(complaint(refused), part));
  const auto demo = load_from({"-demo-if-unconfigured"});
  REQUIRE(demo);
  CHECK(demo->settings.demo_fallback);
  CHECK(demo->settings.backends.front().provider == "demo");
  CHECK(any_has(demo->warnings, "NO PROVIDER IS CONFIGURED"));
  const auto keyed = load_from({"-demo-if-unconfigured"}, {{"OPENAI_API_KEY", "k"}});
  CHECK(keyed->settings.backends.front().provider == "openai");
  CHECK(!keyed->settings.demo_fallback);
}

TEST_CASE("a named provider without its key or address says which variable to set") {
  CHECK(has(complaint(load_from({"-provider", "openai"})), "set OPENAI_API_KEY"));
  CHECK(has(complaint(load_from({}, {{"PROVIDER", "openrouter"}})),
            "environment variable PROVIDER: the provider openrouter needs a key: set "
            "OPENROUTER_API_KEY"));
  CHECK(has(complaint(load_from({"-provider", "grok"})), "GROK_API_KEY or XAI_API_KEY"));
  CHECK(has(complaint(load_from({"-provider", "azure"}, {{"AZURE_API_KEY", "k"}})),
            "AZURE_OPENAI_ENDPOINT"));
  CHECK(has(complaint(load_from({"-provider", "custom"})), "CUSTOM_BASE_URL"));
  CHECK(has(complaint(load_from({"-provider", "opnai"})),
            "unknown provider \"opnai\" (did you mean openai?)"));
  CHECK(has(complaint(load_from({"-provider", "anthropic"})), "set ANTHROPIC_API_KEY"));
  CHECK(load_from({"-provider", "ollama"})->settings.backends.front().base_url ==
        "http://localhost:11434");
}

TEST_CASE("anthropic: the key's header, and no address that points back here") {
  const auto loaded =
      load_from({"-provider", "anthropic"},
                {{"ANTHROPIC_API_KEY", "k"}, {"ANTHROPIC_BASE_URL", "http://localhost:8080"}});
  REQUIRE(loaded);
  const auto& backend = loaded->settings.backends.front();
  CHECK(backend.base_url == "https://api.anthropic.com");
  CHECK(backend.auth == AuthKind::x_api_key);
  CHECK(backend.dialect == "anthropic");
  const auto own = load_from({"-provider", "anthropic"},
                             {{"CLASP_ANTHROPIC_BASE_URL", "http://localhost:8000"}});
  REQUIRE(own);  // a server of one's own needs no key
  CHECK(own->settings.backends.front().base_url == "http://localhost:8000");
  const auto gateway =
      load_from({"-provider", "custom", "-dialect", "anthropic"},
                {{"CUSTOM_BASE_URL", "http://localhost:4000"}, {"CUSTOM_API_KEY", "k"}});
  REQUIRE(gateway);
  CHECK(gateway->settings.backends.front().auth == AuthKind::bearer);
  CHECK(gateway->settings.backends.front().dialect == "anthropic");
}

TEST_CASE("the readme's quick starts") {
  const auto azure = load_from({"-provider", "azure"},
                               {{"AZURE_API_KEY", "k"},
                                {"AZURE_OPENAI_ENDPOINT", "https://your-resource.openai.azure.com"},
                                {"AZURE_DEPLOYMENT_NAME", "gpt-4"}});
  REQUIRE(azure);
  CHECK(azure->settings.backends.front().azure_api_version == "2024-02-15-preview");
  CHECK(azure->settings.backends.front().azure_deployment == "gpt-4");
  CHECK(azure->settings.backends.front().auth == AuthKind::api_key);
  const auto router = load_from({"-provider", "openrouter", "-model", "anthropic/claude-3-sonnet"},
                                {{"OPENROUTER_API_KEY", "k"}});
  CHECK(router->settings.models.default_model == "anthropic/claude-3-sonnet");
  const auto local = load_from({"-provider", "custom", "-model", "llama3.1"},
                               {{"CUSTOM_BASE_URL", "http://localhost:11434/v1"}});
  CHECK(local->settings.backends.front().base_url == "http://localhost:11434/v1");
  CHECK(local->settings.backends.front().dialect == "generic");
}

TEST_CASE("Azure's two ways") {
  const auto version_of = [](std::string endpoint, std::string version) {
    Environment env = {{"PROVIDER", "azure"},
                       {"AZURE_API_KEY", "k"},
                       {"AZURE_OPENAI_ENDPOINT", endpoint},
                       {"AZURE_DEPLOYMENT_NAME", "d"}};
    if (!version.empty()) env["AZURE_API_VERSION"] = version;
    const auto loaded = load_from({}, env);
    return loaded ? loaded->settings.backends.front().azure_api_version : complaint(loaded);
  };
  CHECK(version_of("https://r.openai.azure.com", "2024-10-21") == "2024-10-21");
  CHECK(version_of("https://r.openai.azure.com", "v1") == "");
  CHECK(version_of("https://r.openai.azure.com/openai/v1/", "") == "");
  CHECK(has(version_of("https://r.openai.azure.com", "1&x=2"), "is not a version"));
}

TEST_CASE("model settings") {
  const auto loaded = load_from({}, {{"OPENAI_API_KEY", "k"},
                                     {"CLASP_DEFAULT_MODEL", "d"},
                                     {"CLASP_MODEL_OPUS", "o"},
                                     {"CLASP_MODEL_SONNET", "s"},
                                     {"CLASP_MODEL_HAIKU", "h"},
                                     {"CLASP_MODEL_ALIASES", "Fast:llama3.1:8b, smart : gpt-4o"},
                                     {"CLASP_ALIAS_MY_MODEL", "m"}});
  REQUIRE(loaded);
  const ModelSettings& models = loaded->settings.models;
  CHECK(models.default_model == "d");
  CHECK(models.opus == "o");
  CHECK(models.sonnet == "s");
  CHECK(models.haiku == "h");
  CHECK(models.aliases.at("fast") == "llama3.1:8b");
  CHECK(models.aliases.at("smart") == "gpt-4o");
  CHECK(models.aliases.at("my_model") == "m");
  CHECK(models.aliases.at("my-model") == "m");
  CHECK(has(complaint(load_from({}, {{"OPENAI_API_KEY", "k"}, {"CLASP_MODEL_ALIASES", "a"}})),
            "CLASP_MODEL_ALIASES: \"a\" is not alias:model"));
  const auto both =
      load_from({}, {{"OPENAI_API_KEY", "k"}, {"CLASP_MODEL", "a"}, {"CLASP_DEFAULT_MODEL", "b"}});
  CHECK(both->settings.models.default_model == "a");
  CHECK(any_has(both->warnings, "both CLASP_MODEL and CLASP_DEFAULT_MODEL are set and differ"));
}

TEST_CASE("what has no effect any more is said") {
  const auto old = load_from({}, {{"OPENAI_API_KEY", "k"}, {"CLASP_COMPACTION", "true"}});
  CHECK(any_has(old->warnings,
                "CLASP_COMPACTION: no longer has an effect; conversations are never chained"));
}

TEST_CASE("keys") {
  const auto flag = load_from({"-provider", "openai", "-api-key", "sk-1"});
  CHECK(flag->settings.backends.front().api_key.reveal() == "sk-1");
  CHECK(any_has(flag->warnings, "process list"));
  const auto file =
      load_from({"-provider", "openai", "-api-key-file", "/k"}, {}, {{"/k", "sk-2\n"}});
  CHECK(file->settings.backends.front().api_key.reveal() == "sk-2");
  CHECK(has(complaint(load_from({"-provider", "openai", "-api-key-file", "/none"})),
            "/none: the file does not exist"));
  CHECK(
      has(complaint(load_from({"-provider", "openai", "-api-key-file", "/e"}, {}, {{"/e", "\n"}})),
          "the file is empty"));
  CHECK(has(complaint(load_from({}, {{"OPENAI_API_KEY", "a b"}})), "visible ASCII"));
  CHECK(!has(complaint(load_from({}, {{"OPENAI_API_KEY", "a b"}})), "a b\""));
  const auto plain =
      load_from({"-provider", "custom", "-base-url", "http://10.0.0.1/v1", "-api-key", "k"});
  CHECK(any_has(plain->warnings, "travels unencrypted to 10.0.0.1"));
}

TEST_CASE("addresses") {
  CHECK(has(complaint(load_from({}, {{"OPENAI_API_KEY", "k"}, {"OPENAI_BASE_URL", "ftp://x"}})),
            "environment variable OPENAI_BASE_URL: this is not a usable URL: it does not begin "
            "with http"));
  CHECK(has(complaint(load_from({"-base-url", "http://localhost:8080/v1"})), "own listen address"));
  CHECK(load_from({"-base-url", "http://localhost:8080/v1", "-port", "8081"}));
  CHECK(load_from({"-base-url", "http://localhost:9/v1"})->settings.backends.front().provider ==
        "custom");
  const auto gemini =
      load_from({}, {{"GEMINI_API_KEY", "k"},
                     {"GEMINI_BASE_URL", "https://generativelanguage.googleapis.com/v1beta"}});
  CHECK(gemini->settings.backends.front().base_url ==
        "https://generativelanguage.googleapis.com/v1beta/openai");
}

TEST_CASE("media: what may be fetched, and whether PDFs are read") {
  const auto usual = load_text("");
  REQUIRE(usual);
  CHECK(!usual->settings.media.fetch_remote);
  CHECK(usual->settings.media.fetch_networks.empty());
  CHECK(usual->settings.media.pdf_text);
  const auto loaded = load_text(
      "[media]\nfetch_remote = yes\nfetch_networks = 10.1.0.0/16, fd00::/8\npdf_text = off\n");
  REQUIRE(loaded);
  CHECK(loaded->settings.media.fetch_remote);
  CHECK(loaded->settings.media.fetch_networks ==
        std::vector{*clasp::parse_network("10.1.0.0/16"), *clasp::parse_network("fd00::/8")});
  CHECK(!loaded->settings.media.pdf_text);
  const std::string wrong = complaint(load_text("[media]\nfetch_networks = 10.1.0.0/8\n"));
  CHECK(has(wrong, "10.1.0.0/8"));
  CHECK(has(wrong, "clasp.conf:2"));
  CHECK(has(complaint(load_text("[media]\npdf_text = always\n")), "auto"));
}

TEST_CASE("listen addresses") {
  const auto loaded = load_from({"-provider", "demo", "-listen", "0.0.0.0", "-listen",
                                 "[::1]:9000,unix:/run/clasp.sock", "-port", "7"},
                                {{"CLASP_LISTEN", "127.0.0.2"}});
  REQUIRE(loaded);
  const auto& listeners = loaded->settings.listeners;
  REQUIRE(listeners.size() == 3);
  CHECK(listeners[0] == Listener{"0.0.0.0", 7, false});
  CHECK(listeners[1] == Listener{"::1", 9000, false});
  CHECK(listeners[2] == Listener{"/run/clasp.sock", 0, true});
  CHECK(has(complaint(load_from({"-provider", "demo", "-listen", "example.com"})),
            "is not a listen address"));
  CHECK(has(complaint(load_from(
                {"-provider", "demo", "-listen", "127.0.0.1", "-listen", "localhost:8080"})),
            "is listed twice"));
}

// ---- the file ----------------------------------------------------------------------------------

TEST_CASE("mistakes in the file are told with line, reason and the nearest name") {
  CHECK(has(complaint(load_text("[server]\nprot = 1\n")),
            "clasp.conf:2: unknown key \"prot\" in [server] (did you mean port?)"));
  CHECK(has(complaint(load_text("\n[sever]\nport = 1\n")),
            "clasp.conf:2: unknown section [sever] (did you mean server?)"));
  CHECK(has(complaint(load_text("[server]\nport = x\n")),
            "clasp.conf:2: [server] port: \"x\" is not a whole number"));
  CHECK(has(complaint(load_text("[server]\nport = 1\n\nport = 2\n")),
            "clasp.conf:4: [server] port: already set on line 2"));
  CHECK(has(complaint(load_text("[log]\nworkers = 2\n")),
            "unknown key \"workers\" in [log] (it belongs in [server])"));
  CHECK(has(complaint(load_text("port = 1\n")),
            "clasp.conf:1: \"port\" stands before the first [section]"));
  CHECK(has(complaint(load_text("[server]\nport =\n")),
            "clasp.conf:2: [server] port: the value is missing"));
  CHECK(has(complaint(load_text("[log]\nlevel = warm\n")),
            "is not one of debug, info, warn, error (did you mean warn?)"));
  CHECK(has(complaint(load_text("[timeouts]\nping = 10 apples\n")), "is not a duration such as"));
  for (const char* origin : {"app.example", "https://app.example/", "https://*.example", "://x"})
    CHECK(has(complaint(load_text(std::string("[server]\ncors_origins = ") + origin + "\n")),
              "is no origin such as"));
  CHECK(has(complaint(load_text("[server one]\nport = 1\n")), "unknown section [server one]"));
  const auto two = load_text("[server]\nport = x\nworkers = y\n");
  CHECK(has(complaint(two), ":2:"));
  CHECK(has(complaint(two), ":3:"));
  CHECK(two.error().exit_code == kExitConfiguration);
}

TEST_CASE("several backends") {
  const std::string text =
      "[backend main]\nprovider = openrouter\napi_key = ${MY_KEY}\nmodel = m1\nheader.HTTP-Referer "
      "= https://example.org\n"
      "[backend local]\nprovider = vllm\nbase_url = http://localhost:8001\nflag.top_k = "
      "true\ndialect = ollama\n"
      "[aliases]\nclaude-*:free = x\n";
  const Environment env = {{"MY_KEY", "k1"}, {"OPENAI_API_KEY", "other"}};
  const auto loaded = load_from({}, env, {{"clasp.conf", text}});
  REQUIRE_MESSAGE(loaded, complaint(loaded));
  const auto& backends = loaded->settings.backends;
  REQUIRE(backends.size() == 2);
  CHECK(backends[0].name == "main");
  CHECK(backends[0].api_key.reveal() == "k1");
  CHECK(backends[0].model == "m1");
  CHECK(backends[0].extra_headers.at("HTTP-Referer") == "https://example.org");
  CHECK(backends[1].name == "local");
  CHECK(backends[1].dialect == "ollama");
  CHECK(backends[1].flags.at("top_k") == "true");
  CHECK(loaded->settings.models.aliases.at("claude-*:free") == "x");

  CHECK(load_from({"-provider", "local"}, env, {{"clasp.conf", text}})->settings.backends[0].name ==
        "local");
  const auto forced =
      load_from({"-provider", "openai", "-model", "m2"}, env, {{"clasp.conf", text}});
  REQUIRE(forced->settings.backends.size() == 3);
  CHECK(forced->settings.backends[0].provider == "openai");
  const auto model = load_from({"-model", "m2"}, env, {{"clasp.conf", text}});
  CHECK(model->settings.backends[0].model.empty());
  CHECK(model->settings.models.default_model == "m2");
  const auto moved = load_from({"-base-url", "http://localhost:5/v1"}, env, {{"clasp.conf", text}});
  CHECK(moved->settings.backends[0].name == "main");
  CHECK(moved->settings.backends[0].base_url == "http://localhost:5/v1");

  CHECK(has(complaint(load_text("[backend a]\nprovider = demo\n[backend A]\nprovider = demo\n")),
            "clasp.conf:3: [backend A] is already at clasp.conf:1"));
  CHECK(has(complaint(load_text("[backend a]\n[server]\n")),
            "clasp.conf:1: [backend a]: provider or base_url is missing"));
  CHECK(has(complaint(load_text("[backend a]\nprovider = openai\n")),
            "clasp.conf:1: [backend a]: the provider openai needs a key"));
  CHECK(has(complaint(load_text("[backend a]\nprovider = demo\napi_key = ${NOT_SET}\n")),
            "clasp.conf:3: [backend a] api_key: the environment variable NOT_SET is not set"));
  CHECK(has(complaint(load_text("[backend a]\nprovider = demo\nheader.Host = x\n")),
            "set by CLASP itself"));
  CHECK(has(complaint(load_text("[backend a]\nprovider = demo\nheader.a b = x\n")),
            "not a header name"));
}

TEST_CASE("the response cache from flags, variables and the file") {
  const auto plain = load_from({"-cache"}, {{"OPENAI_API_KEY", "k"}});
  REQUIRE(plain);
  CHECK(plain->warnings.empty());
  CHECK(plain->settings.cache.enabled);
  CHECK(plain->settings.cache.max_size == 1000);
  CHECK(plain->settings.cache.ttl_ms == 3'600'000);
  const auto flags = load_from({"-cache", "-cache-max-size", "500", "-cache-ttl", "1800"},
                               {{"OPENAI_API_KEY", "k"}});
  CHECK(flags->settings.cache.max_size == 500);
  CHECK(flags->settings.cache.ttl_ms == 1'800'000);
  const auto env = load_from(
      {}, {{"OPENAI_API_KEY", "k"}, {"CLASP_CACHE", "true"}, {"CLASP_CACHE_MAX_SIZE", "500"}});
  CHECK(env->settings.cache.enabled);
  CHECK(env->settings.cache.max_size == 500);
  const auto file = load_text(
      "[cache]\nenabled = yes\nttl = 30m\nmax_bytes = 64M\nper_client = on\nstreams = on\n"
      "unset_temperature = off\ncoalesce = off\n");
  REQUIRE_MESSAGE(file, complaint(file));
  CHECK(file->settings.cache.ttl_ms == 1'800'000);
  CHECK(file->settings.cache.max_bytes == 64u << 20);
  CHECK(file->settings.cache.per_client);
  CHECK(file->settings.cache.streams);
  CHECK_FALSE(file->settings.cache.unset_temperature);
  CHECK_FALSE(file->settings.cache.coalesce);
  CHECK(has(complaint(load_from({"-cache", "-cache-max-size", "0"}, {{"OPENAI_API_KEY", "k"}})),
            "-cache-max-size"));
}

TEST_CASE("log levels") {
  const std::pair<const char*, clasp::LogLevel> levels[] = {{"debug", clasp::LogLevel::debug},
                                                            {"info", clasp::LogLevel::info},
                                                            {"warn", clasp::LogLevel::warn},
                                                            {"error", clasp::LogLevel::error}};
  for (const auto& [text, level] : levels)
    CHECK(load_from({"-provider", "demo", "-log-level", text})->settings.log_level == level);
  const auto debug = load_from({"-provider", "demo", "-debug", "-log-level", "error"});
  CHECK(debug->settings.log_level == clasp::LogLevel::debug);
  CHECK(debug->settings.debug_requests);
  CHECK(debug->settings.debug_responses);
}

TEST_CASE("files on the disk") {
  CHECK(!load_file("/nonexistent/clasp.conf")->has_value());
  CHECK(!load_file("/"));
}

TEST_CASE("the environment as main() gets it") {
  const char* variables[] = {"A=1", "B=", "=x", "C", "D=a=b", nullptr};
  const Environment environment = make_environment(variables);
  CHECK(environment.size() == 3);
  CHECK(environment.at("D") == "a=b");
  CHECK(make_environment(nullptr).empty());
}

TEST_CASE("the key of one provider never reaches another one") {
  const Files file = {
      {"clasp.conf",
       "[backend]\nprovider = openrouter\napi_key = sk-or\nbase_url = https://a.example/v1\n"
       "header.X-Title = t\nmodel = m\n"}};
  CHECK(load_from({}, {}, file)->settings.backends.front().api_key.reveal() == "sk-or");
  CHECK(has(complaint(load_from({"-provider", "openai"}, {}, file)), "set OPENAI_API_KEY"));
  const auto flags =
      load_from({"-api-key", "sk-oa", "-provider", "openai"}, {{"PROVIDER", "azure"}}, file);
  REQUIRE_MESSAGE(flags, complaint(flags));
  const BackendSettings& backend = flags->settings.backends.front();
  CHECK(backend.api_key.reveal() == "sk-oa");
  CHECK(backend.base_url == "https://api.openai.com/v1");
  CHECK(backend.extra_headers.empty());
  CHECK(backend.model.empty());
  const auto same = load_from({"-provider", "openrouter"}, {}, file);
  CHECK(same->settings.backends.front().base_url == "https://a.example/v1");
}

TEST_CASE("a service address from a container platform is not a port") {
  const auto loaded = load_from({}, {{"OPENAI_API_KEY", "k"}, {"CLASP_PORT", "tcp://10.0.0.1:80"}});
  REQUIRE_MESSAGE(loaded, complaint(loaded));
  CHECK(loaded->settings.listeners.front().port == 8080);
  CHECK(any_has(loaded->warnings, "CLASP_PORT: this is the address of a service"));
}

TEST_CASE("a retired variable that is switched off is not worth a word") {
  CHECK(load_from({}, {{"OPENAI_API_KEY", "k"}, {"CLASP_COMPACTION", "false"}})->warnings.empty());
  CHECK(
      load_from({}, {{"OPENAI_API_KEY", "k"}, {"CLASP_SESSION_TIMEOUT", "60"}})->warnings.size() ==
      1);
}
