// The options about staying up when backends do not: routes and tiers, fallbacks, retries, queue,
// circuit breaker, health checks. Only data and the places where values are kept.
#include "config/option_rows.h"

// clang-format off
namespace clasp::config {
namespace {

constexpr std::int64_t kMany = 1'000'000'000;

void add_retry(std::vector<Option>& rows) {
  rows.insert(rows.end(), {
    {.section = "retry", .key = "attempts", .flag = "retry-attempts", .env = "CLASP_RETRY_ATTEMPTS",
     .domain = number(1, 20), .default_text = "3", .argument = "N",
     .help = "Tries of one request, the first one included; 1 turns retries off.",
     .slot = CLASP_AT(settings.retry.max_attempts)},
    {.section = "retry", .key = "pause", .env = "CLASP_RETRY_PAUSE", .domain = millis(0, kMinute),
     .default_text = "250ms", .argument = "TIME",
     .help = "Longest pause before the first repetition; it doubles with each one. The pause is random, "
             "so that clients do not come back all at once.",
     .slot = CLASP_AT(settings.retry.base_ms)},
    {.section = "retry", .key = "max_pause", .env = "CLASP_RETRY_MAX_PAUSE", .domain = millis(0, kHour),
     .default_text = "5s", .argument = "TIME", .help = "Where that doubling ends.",
     .slot = CLASP_AT(settings.retry.cap_ms)},
    {.section = "retry", .key = "max_retry_after", .env = "CLASP_RETRY_MAX_RETRY_AFTER",
     .domain = millis(0, kHour), .default_text = "5s", .argument = "TIME",
     .help = "A backend that asks for a longer wait (Retry-After) is not waited for; the client is told.",
     .slot = CLASP_AT(settings.retry.max_retry_after_ms)},
    {.section = "retry", .key = "budget", .env = "CLASP_RETRY_BUDGET", .domain = number(0, 100),
     .default_text = "20", .argument = "PERCENT",
     .help = "Repetitions per hundred requests of a backend (and one a second beside), so that retries do "
             "not make an outage worse.",
     .slot = CLASP_AT(settings.retry.budget_percent)},
  });
}

void add_queue(std::vector<Option>& rows) {
  rows.insert(rows.end(), {
    {.section = "queue", .key = "enabled", .flag = "queue", .env = "CLASP_QUEUE", .domain = kBool,
     .default_text = "false", .help = "Let requests wait while no backend can take them.",
     .slot = CLASP_AT(settings.queue.enabled)},
    {.section = "queue", .key = "max_size", .flag = "queue-max-size", .env = "CLASP_QUEUE_MAX_SIZE",
     .domain = number(1, 1'000'000), .default_text = "100", .argument = "N",
     .help = "Waiting requests at most; more are refused with 529.",
     .slot = CLASP_AT(settings.queue.max_size)},
    {.section = "queue", .key = "max_wait", .flag = "queue-max-wait", .env = "CLASP_QUEUE_MAX_WAIT",
     .domain = seconds(kSecond, kDay), .default_text = "30s", .argument = "TIME",
     .help = "How long after its arrival a request may still wait.",
     .slot = CLASP_AT(settings.queue.max_wait_ms)},
    {.section = "queue", .key = "retry_delay", .env = "CLASP_QUEUE_RETRY_DELAY",
     .domain = millis(0, kHour), .default_text = "1000ms", .argument = "TIME",
     .help = "A request that failed and came back into the queue rests for so long.",
     .slot = CLASP_AT(settings.queue.retry_delay_ms)},
    {.section = "queue", .key = "max_retries", .env = "CLASP_QUEUE_MAX_RETRIES",
     .domain = number(0, 1000), .default_text = "3", .argument = "N",
     .help = "How often a request may come back into the queue.",
     .slot = CLASP_AT(settings.queue.max_retries)},
  });
}

void add_breaker(std::vector<Option>& rows) {
  rows.insert(rows.end(), {
    {.section = "circuit_breaker", .key = "enabled", .flag = "circuit-breaker",
     .env = "CLASP_CIRCUIT_BREAKER", .domain = kBool, .default_text = "false",
     .help = "Fail fast while a backend keeps failing.", .slot = CLASP_AT(settings.breaker.enabled)},
    {.section = "circuit_breaker", .key = "threshold", .flag = "cb-threshold",
     .env = "CLASP_CIRCUIT_BREAKER_THRESHOLD", .domain = number(1, kMany), .default_text = "5",
     .argument = "N", .help = "Failures in a row that open the circuit.",
     .slot = CLASP_AT(settings.breaker.threshold)},
    {.section = "circuit_breaker", .key = "recovery", .flag = "cb-recovery",
     .env = "CLASP_CIRCUIT_BREAKER_RECOVERY", .domain = number(1, kMany), .default_text = "2",
     .argument = "N", .help = "Successes that close it again.",
     .slot = CLASP_AT(settings.breaker.recovery)},
    {.section = "circuit_breaker", .key = "timeout", .flag = "cb-timeout",
     .env = "CLASP_CIRCUIT_BREAKER_TIMEOUT", .domain = seconds(kSecond, kDay), .default_text = "30s",
     .argument = "TIME", .help = "How long it stays open before requests probe the backend.",
     .slot = CLASP_AT(settings.breaker.timeout_ms)},
    {.section = "circuit_breaker", .key = "probes", .env = "CLASP_CIRCUIT_BREAKER_PROBES",
     .domain = number(1, 1000), .default_text = "1", .argument = "N",
     .help = "Requests that may probe at the same time.", .slot = CLASP_AT(settings.breaker.probes)},
  });
}

void add_health_check(std::vector<Option>& rows) {
  rows.insert(rows.end(), {
    {.section = "health_check", .key = "enabled", .env = "CLASP_HEALTH_CHECK", .domain = kBool,
     .default_text = "false",
     .help = "Ask every backend for its list of models regularly. Off, because some APIs count or charge "
             "every call.",
     .slot = CLASP_AT(settings.health_check.enabled)},
    {.section = "health_check", .key = "interval", .env = "CLASP_HEALTH_CHECK_INTERVAL",
     .domain = seconds(kSecond, kDay), .default_text = "30s", .argument = "TIME",
     .help = "Pause between two probes.", .slot = CLASP_AT(settings.health_check.interval_ms)},
    {.section = "health_check", .key = "timeout", .env = "CLASP_HEALTH_CHECK_TIMEOUT",
     .domain = seconds(kSecond, kHour), .default_text = "10s", .argument = "TIME",
     .help = "Time for one probe.", .slot = CLASP_AT(settings.health_check.timeout_ms)},
  });
}

// provider, model, api_key, base_url with a common prefix, for tiers and fallbacks.
void add_target(std::vector<Option>& rows, const std::string& section, const std::string& key,
                const std::string& env, const std::string& target, const std::string& what) {
  const auto row = [&](const char* name, const char* variable, Domain domain, const char* argument,
                       std::string help, SlotFinder slot) {
    rows.push_back({.section = section, .key = key + name, .env = env + variable, .domain = domain,
                    .argument = argument, .help = std::move(help), .slot = std::move(slot)});
  };
  row("provider", "PROVIDER", kText, "NAME", "Provider " + what + ", or the NAME of a [backend NAME] section.",
      [target](Draft& d, std::string_view) -> Slot { return &d.targets[target].provider; });
  row("model", "MODEL", kText, "MODEL", "Model " + what + "; mapped as usual when not set.",
      [target](Draft& d, std::string_view) -> Slot { return &d.targets[target].model; });
  row("api_key", "API_KEY", kSecret, "KEY", "Key " + what + "; the provider's own when not set.",
      [target](Draft& d, std::string_view) -> Slot { return &d.targets[target].api_key; });
  row("base_url", "BASE_URL", kUrl, "URL", "Address " + what + "; the provider's own when not set.",
      [target](Draft& d, std::string_view) -> Slot { return &d.targets[target].base_url; });
}

void add_routing(std::vector<Option>& rows) {
  rows.push_back({.section = "routing", .key = "multi_provider", .flag = "multi-provider",
                  .env = "CLASP_MULTI_PROVIDER", .domain = kBool, .default_text = "false",
                  .help = "Send each model tier to a provider of its own, as [tier …] or CLASP_OPUS_PROVIDER "
                          "and its like say.",
                  .slot = CLASP_AT(multi_provider)});
  for (const std::string tier : {"opus", "sonnet", "haiku"}) {
    std::string upper = tier;
    for (char& c : upper) c = static_cast<char>(c - 'a' + 'A');
    const std::string env = "CLASP_" + upper + "_";
    add_target(rows, "tier " + tier, "", env, tier, "of the " + tier + " tier");
    add_target(rows, "tier " + tier, "fallback_", env + "FALLBACK_", tier + " fallback",
               "when the " + tier + " tier's backend fails");
  }
  rows.push_back({.section = "fallback", .key = "enabled", .flag = "fallback", .env = "CLASP_FALLBACK",
                  .domain = kBool, .default_text = "false",
                  .help = "Ask another backend when the first one fails: the one named below, else the other "
                          "[backend NAME] sections in their order, else the next provider that has a key.",
                  .slot = CLASP_AT(fallback)});
  add_target(rows, "fallback", "", "CLASP_FALLBACK_", "fallback", "of the fallback");
  rows.push_back({.section = "route", .key = "candidates", .domain = kList, .argument = "NAME/MODEL",
                  .help = "Backends in order of preference, each with the model to ask it for. Several that "
                          "share the load stand with | between them, and may have a weight: "
                          "east/gpt-4o *3 | west/gpt-4o, openrouter/openai/gpt-4o. A conversation stays with "
                          "one backend as long as it works.",
                  .slot = [](Draft& d, std::string_view) -> Slot {
                    if (d.routes.empty()) return {};
                    return &d.routes.back().candidates;
                  }});
}

}  // namespace

void add_resilience_rows(std::vector<Option>& rows) {
  add_routing(rows);
  add_retry(rows);
  add_queue(rows);
  add_breaker(rows);
  add_health_check(rows);
}

}  // namespace clasp::config
