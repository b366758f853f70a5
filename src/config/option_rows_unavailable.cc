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
  add_retired(rows);
}

}  // namespace clasp::config
