// Options that are accepted and checked but have no effect: those of features that are not there
// yet, and those of the original program that something else has replaced.
#include "config/option_rows.h"

// clang-format off
namespace clasp::config {
namespace {

constexpr std::int64_t kMany = 1'000'000'000;

std::string placeholder(Kind kind) {
  switch (kind) {
    case Kind::seconds:
    case Kind::millis: return "TIME";
    case Kind::bytes: return "SIZE";
    case Kind::secret: return "KEY";
    case Kind::url: return "URL";
    case Kind::path: return "FILE";
    case Kind::text:
    case Kind::choice: return "NAME";
    case Kind::list: return "NAME,NAME";
    default: return "N";
  }
}

Option planned(std::string section, std::string key, std::string flag, std::string env, Domain domain,
               std::string default_text, std::string help, Status status = Status::planned) {
  return {.section = std::move(section), .key = std::move(key), .flag = std::move(flag),
          .env = std::move(env), .domain = domain, .default_text = std::move(default_text),
          .argument = placeholder(domain.kind), .help = std::move(help), .status = status};
}

void add_planned_protection(std::vector<Option>& rows) {
  rows.insert(rows.end(), {
    planned("auth", "enabled", "auth", "CLASP_AUTH", kBool, "false",
            "Only let clients in that send the key.", Status::planned_safety),
    planned("auth", "api_key", "auth-api-key", "CLASP_AUTH_API_KEY", kSecret, "",
            "Key that clients must send.", Status::planned_safety),
    planned("auth", "allow_anonymous_health", "", "CLASP_AUTH_ALLOW_ANONYMOUS_HEALTH", kBool, "true",
            "Answer /health without a key."),
    planned("auth", "allow_anonymous_metrics", "", "CLASP_AUTH_ALLOW_ANONYMOUS_METRICS", kBool, "false",
            "Answer /metrics without a key."),
    planned("rate_limit", "enabled", "rate-limit", "CLASP_RATE_LIMIT", kBool, "false",
            "Limit how many requests are accepted."),
    planned("rate_limit", "requests", "rate-limit-requests", "CLASP_RATE_LIMIT_REQUESTS", number(1, kMany),
            "60", "Requests per window."),
    planned("rate_limit", "window", "rate-limit-window", "CLASP_RATE_LIMIT_WINDOW", seconds(kSecond, kDay),
            "60s", "Length of the window."),
    planned("rate_limit", "burst", "rate-limit-burst", "CLASP_RATE_LIMIT_BURST", number(0, kMany), "10",
            "Requests allowed at once beyond the steady rate."),
    planned("cache", "enabled", "cache", "CLASP_CACHE", kBool, "false",
            "Answer repeated requests from memory."),
    planned("cache", "max_size", "cache-max-size", "CLASP_CACHE_MAX_SIZE", number(1, kMany), "1000",
            "Largest number of entries."),
    planned("cache", "ttl", "cache-ttl", "CLASP_CACHE_TTL", seconds(0, 365 * kDay), "3600s",
            "How long an entry is used."),
  });
}

void add_planned_resilience(std::vector<Option>& rows) {
  rows.insert(rows.end(), {
    planned("queue", "enabled", "queue", "CLASP_QUEUE", kBool, "false",
            "Let requests wait while the backend is out of service."),
    planned("queue", "max_size", "queue-max-size", "CLASP_QUEUE_MAX_SIZE", number(1, kMany), "100",
            "Waiting requests at most."),
    planned("queue", "max_wait", "queue-max-wait", "CLASP_QUEUE_MAX_WAIT", seconds(kSecond, kDay), "30s",
            "How long a request may wait."),
    planned("queue", "retry_delay", "", "CLASP_QUEUE_RETRY_DELAY", millis(0, kHour), "1000ms",
            "Pause between two tries."),
    planned("queue", "max_retries", "", "CLASP_QUEUE_MAX_RETRIES", number(0, 1000), "3",
            "Tries per request at most."),
    planned("circuit_breaker", "enabled", "circuit-breaker", "CLASP_CIRCUIT_BREAKER", kBool, "false",
            "Fail fast while a backend keeps failing."),
    planned("circuit_breaker", "threshold", "cb-threshold", "CLASP_CIRCUIT_BREAKER_THRESHOLD",
            number(1, kMany), "5", "Failures that open the circuit."),
    planned("circuit_breaker", "recovery", "cb-recovery", "CLASP_CIRCUIT_BREAKER_RECOVERY",
            number(1, kMany), "2", "Successes that close it again."),
    planned("circuit_breaker", "timeout", "cb-timeout", "CLASP_CIRCUIT_BREAKER_TIMEOUT",
            seconds(kSecond, kDay), "30s", "How long it stays open before a probe."),
    planned("health_check", "enabled", "", "CLASP_HEALTH_CHECK", kBool, "false",
            "Probe the backends regularly; costs money on metered APIs."),
    planned("health_check", "interval", "", "CLASP_HEALTH_CHECK_INTERVAL", seconds(kSecond, kDay), "30s",
            "Pause between two probes."),
    planned("health_check", "timeout", "", "CLASP_HEALTH_CHECK_TIMEOUT", seconds(kSecond, kHour), "10s",
            "Time for one probe."),
  });
}

// provider, model, api_key, base_url with a common prefix, for tiers and fallbacks.
void add_planned_target(std::vector<Option>& rows, const std::string& section, const std::string& key,
                        const std::string& env, const std::string& what) {
  rows.push_back(planned(section, key + "provider", "", env + "PROVIDER", kText, "", "Provider " + what + "."));
  rows.push_back(planned(section, key + "model", "", env + "MODEL", kText, "", "Model " + what + "."));
  rows.push_back(planned(section, key + "api_key", "", env + "API_KEY", kSecret, "",
                         "Key " + what + "; the provider's own when not set."));
  rows.push_back(planned(section, key + "base_url", "", env + "BASE_URL", kUrl, "",
                         "Address " + what + "; the provider's own when not set."));
}

void add_planned_routing(std::vector<Option>& rows) {
  rows.push_back(planned("routing", "multi_provider", "multi-provider", "CLASP_MULTI_PROVIDER", kBool,
                         "false", "Send each model tier to a provider of its own."));
  for (const char* tier : {"opus", "sonnet", "haiku"}) {
    const std::string section = std::string("tier ") + tier;
    std::string upper;
    for (const char* c = tier; *c != 0; ++c) upper.push_back(static_cast<char>(*c - 'a' + 'A'));
    const std::string env = "CLASP_" + upper + "_";
    add_planned_target(rows, section, "", env, std::string("of the ") + tier + " tier");
    add_planned_target(rows, section, "fallback_", env + "FALLBACK_",
                       std::string("when the ") + tier + " tier's provider fails");
  }
  rows.push_back(planned("fallback", "enabled", "fallback", "CLASP_FALLBACK", kBool, "false",
                         "Try another provider when the first one fails."));
  add_planned_target(rows, "fallback", "", "CLASP_FALLBACK_", "of the fallback");
  rows.push_back(planned("route", "backends", "", "", kList, "",
                         "Backends for the models that match, in order of preference."));
  rows.push_back(planned("route", "model", "", "", kText, "", "Model to ask for."));
}

void add_retired(std::vector<Option>& rows) {
  const auto row = [&rows](std::string env, Domain domain, std::string help, std::string instead) {
    rows.push_back({.env = std::move(env), .domain = domain, .help = std::move(help),
                    .status = Status::retired, .instead = std::move(instead)});
  };
  row("CLASP_COMPACTION", kText, "Chaining of requests by their first message.",
      "conversations are never chained, because that mixes those of different users; clients send "
      "their whole history and may compact it themselves");
  row("CLASP_SESSION_TIMEOUT", kText, "Life of such a chain.", "no sessions are kept, nothing expires");
  row("CLASP_PROMPT_CACHE", kText, "Simulated prompt cache.",
      "the token counts of the backend's own prompt cache are passed on instead");
  row("CLASP_PROMPT_CACHE_MAX_SIZE", kText, "Size of the simulated prompt cache.",
      "the token counts of the backend's own prompt cache are passed on instead");
}

}  // namespace

void add_unavailable_rows(std::vector<Option>& rows) {
  add_planned_protection(rows);
  add_planned_resilience(rows);
  add_planned_routing(rows);
  add_retired(rows);
}

}  // namespace clasp::config
