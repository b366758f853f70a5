// The option table: everything promised is in it, and its rows are consistent in themselves.
#include "config/options.h"

#include <doctest/doctest.h>

#include <set>

#include "base/text.h"
#include "config/emit.h"
#include "support.h"

using namespace clasp::config;
using namespace clasp::config::test;

namespace {

constexpr const char* kFlags[] = {
    // the product's readme
    "port", "provider", "model", "debug", "rate-limit", "cache", "cache-max-size", "cache-ttl",
    "multi-provider", "fallback", "auth", "auth-api-key", "version", "help", "queue",
    "queue-max-size", "queue-max-wait", "circuit-breaker", "cb-threshold", "cb-recovery",
    "cb-timeout",
    // its later versions
    "proxy-only", "http-timeout", "api-key", "rate-limit-requests", "rate-limit-window",
    "rate-limit-burst", "config", "check", "models", "demo-if-unconfigured", "listen"};

constexpr const char* kVariables[] = {"PROVIDER",
                                      "CLASP_PORT",
                                      "CLASP_MODEL",
                                      "CLASP_MODEL_OPUS",
                                      "CLASP_MODEL_SONNET",
                                      "CLASP_MODEL_HAIKU",
                                      "OPENAI_API_KEY",
                                      "OPENAI_BASE_URL",
                                      "AZURE_API_KEY",
                                      "AZURE_OPENAI_ENDPOINT",
                                      "AZURE_DEPLOYMENT_NAME",
                                      "AZURE_API_VERSION",
                                      "OPENROUTER_API_KEY",
                                      "CUSTOM_BASE_URL",
                                      "CUSTOM_API_KEY",
                                      "CLASP_DEBUG",
                                      "CLASP_DEBUG_REQUESTS",
                                      "CLASP_DEBUG_RESPONSES",
                                      "CLASP_RATE_LIMIT",
                                      "CLASP_RATE_LIMIT_REQUESTS",
                                      "CLASP_RATE_LIMIT_WINDOW",
                                      "CLASP_RATE_LIMIT_BURST",
                                      "CLASP_CACHE",
                                      "CLASP_CACHE_MAX_SIZE",
                                      "CLASP_CACHE_TTL",
                                      "CLASP_MULTI_PROVIDER",
                                      "CLASP_FALLBACK",
                                      "CLASP_AUTH",
                                      "CLASP_AUTH_API_KEY",
                                      "CLASP_AUTH_ALLOW_ANONYMOUS_HEALTH",
                                      "CLASP_AUTH_ALLOW_ANONYMOUS_METRICS",
                                      "CLASP_QUEUE",
                                      "CLASP_QUEUE_MAX_SIZE",
                                      "CLASP_QUEUE_MAX_WAIT",
                                      "CLASP_QUEUE_RETRY_DELAY",
                                      "CLASP_QUEUE_MAX_RETRIES",
                                      "CLASP_CIRCUIT_BREAKER",
                                      "CLASP_CIRCUIT_BREAKER_THRESHOLD",
                                      "CLASP_CIRCUIT_BREAKER_RECOVERY",
                                      "CLASP_CIRCUIT_BREAKER_TIMEOUT",
                                      "CLASP_DEFAULT_MODEL",
                                      "CLASP_CONFIG_FILE",
                                      "CLASP_LOG_LEVEL",
                                      "CLASP_HTTP_TIMEOUT",
                                      "CLASP_MODEL_ALIASES",
                                      "CLASP_ALIAS_FAST",
                                      "CLASP_FALLBACK_PROVIDER",
                                      "CLASP_FALLBACK_MODEL",
                                      "CLASP_FALLBACK_API_KEY",
                                      "CLASP_FALLBACK_BASE_URL",
                                      "CLASP_HEALTH_CHECK",
                                      "CLASP_HEALTH_CHECK_INTERVAL",
                                      "CLASP_HEALTH_CHECK_TIMEOUT",
                                      "ANTHROPIC_API_KEY",
                                      "GEMINI_API_KEY",
                                      "DEEPSEEK_API_KEY",
                                      "GROK_API_KEY",
                                      "XAI_API_KEY",
                                      "QWEN_API_KEY",
                                      "MINIMAX_API_KEY",
                                      "LITELLM_API_KEY",
                                      "OLLAMA_API_KEY",
                                      "OPENROUTER_BASE_URL",
                                      "OLLAMA_BASE_URL",
                                      "GEMINI_BASE_URL",
                                      "DEEPSEEK_BASE_URL",
                                      "GROK_BASE_URL",
                                      "QWEN_BASE_URL",
                                      "MINIMAX_BASE_URL",
                                      "LITELLM_BASE_URL",
                                      "CLASP_COMPACTION",
                                      "CLASP_SESSION_TIMEOUT",
                                      "CLASP_PROMPT_CACHE",
                                      "CLASP_PROMPT_CACHE_MAX_SIZE",
                                      "CLASP_LISTEN"};

}  // namespace

TEST_CASE("every promised flag and variable is in the table") {
  for (const char* flag : kFlags) CHECK_MESSAGE(find_flag(flag) != nullptr, flag);
  for (const char* variable : kVariables)
    CHECK_MESSAGE(find_variable(variable).option != nullptr, variable);
  for (const char* tier : {"OPUS", "SONNET", "HAIKU"})
    for (const char* part : {"PROVIDER", "MODEL", "API_KEY", "BASE_URL"})
      for (const char* prefix : {"", "FALLBACK_"}) {
        const std::string variable = std::string("CLASP_") + tier + "_" + prefix + part;
        const Match match = find_variable(variable);
        REQUIRE_MESSAGE(match.option != nullptr, variable);
        CHECK(match.option->status == Status::available);
      }
}

TEST_CASE("promised defaults") {
  const std::pair<const char*, const char*> defaults[] = {
      {"CLASP_PORT", "8080"},
      {"AZURE_API_VERSION", "2024-02-15-preview"},
      {"OPENAI_BASE_URL", "https://api.openai.com/v1"},
      {"OLLAMA_BASE_URL", "http://localhost:11434"},
      {"LITELLM_BASE_URL", "http://localhost:4000"},
      {"CLASP_HTTP_TIMEOUT", "300s"},
      {"CLASP_RATE_LIMIT_REQUESTS", "60"},
      {"CLASP_RATE_LIMIT_WINDOW", "60s"},
      {"CLASP_RATE_LIMIT_BURST", "10"},
      {"CLASP_CACHE_MAX_SIZE", "1000"},
      {"CLASP_CACHE_TTL", "3600s"},
      {"CLASP_AUTH_ALLOW_ANONYMOUS_HEALTH", "true"},
      {"CLASP_AUTH_ALLOW_ANONYMOUS_METRICS", "false"},
      {"CLASP_QUEUE_MAX_SIZE", "100"},
      {"CLASP_QUEUE_MAX_WAIT", "30s"},
      {"CLASP_QUEUE_RETRY_DELAY", "1000ms"},
      {"CLASP_QUEUE_MAX_RETRIES", "3"},
      {"CLASP_CIRCUIT_BREAKER_THRESHOLD", "5"},
      {"CLASP_CIRCUIT_BREAKER_RECOVERY", "2"},
      {"CLASP_CIRCUIT_BREAKER_TIMEOUT", "30s"},
      {"CLASP_HEALTH_CHECK", "false"},
      {"CLASP_HEALTH_CHECK_INTERVAL", "30s"},
      {"CLASP_HEALTH_CHECK_TIMEOUT", "10s"},
      {"CLASP_LOG_LEVEL", "info"}};
  for (const auto& [variable, value] : defaults)
    CHECK_MESSAGE(find_variable(variable).option->default_text == value, variable);
}

TEST_CASE("rows are consistent") {
  std::set<std::string> flags, keys, variables;
  for (const Option& option : options()) {
    const std::string name =
        option.flag + "/" + option.section + "." + option.key + "/" + option.env;
    CHECK_MESSAGE(!option.help.empty(), name);
    CHECK_MESSAGE(option.help.back() == '.', name);
    CHECK_MESSAGE(
        (option.is_switch() || !option.argument.empty() || option.status == Status::retired), name);
    if (!option.flag.empty()) CHECK_MESSAGE(flags.insert(option.flag).second, name);
    if (!option.key.empty()) {
      CHECK_MESSAGE(keys.insert(option.section + "." + option.key).second, name);
      CHECK_MESSAGE(find_section(option.section) != nullptr, name);
    }
    for (std::string_view variable : clasp::split(option.env, ' '))
      if (!variable.empty()) CHECK_MESSAGE(variables.insert(std::string(variable)).second, name);
    if (!option.default_text.empty())
      CHECK_MESSAGE(parse_value(option.domain, option.default_text).has_value(), name);
    CHECK_MESSAGE((option.status != Status::available || option.slot != nullptr), name);
    CHECK_MESSAGE((option.status != Status::retired || !option.instead.empty()), name);
  }
}

// Defaults stand twice, as text in the table and as values in settings.h; they must not drift.
TEST_CASE("the table's defaults are those of the settings") {
  for (const Option& option : options()) {
    if (!option.slot || option.default_text.empty() || option.domain.kind == Kind::list) continue;
    if (option.section == "providers" || option.key == "azure_api_version") continue;
    Draft draft;
    draft.clients.emplace_back();
    draft.listeners.emplace_back();
    draft.prices.emplace_back();
    const auto value = parse_value(option.domain, option.default_text);
    REQUIRE(value);
    const Slot slot = option.slot(draft, "x");
    std::int64_t number = value->number;
    if (auto* at = std::get_if<bool*>(&slot)) CHECK_MESSAGE(**at == value->boolean, option.flag);
    if (auto* at = std::get_if<std::uint32_t*>(&slot)) CHECK_MESSAGE(**at == number, option.key);
    if (auto* at = std::get_if<std::int64_t*>(&slot)) CHECK_MESSAGE(**at == number, option.key);
    if (auto* at = std::get_if<std::uint64_t*>(&slot))
      CHECK_MESSAGE(static_cast<std::int64_t>(**at) == number, option.key);
    if (auto* at = std::get_if<std::string*>(&slot)) CHECK_MESSAGE(**at == value->text, option.key);
  }
}
