// The rows. Only data and the places where values are kept; nothing here parses or decides.
#include "config/options.h"

#include "base/text.h"
#include "config/presets.h"

namespace clasp::config {
namespace {

constexpr std::int64_t kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;
constexpr std::int64_t kMega = 1 << 20;
constexpr std::int64_t kMany = 1'000'000'000;

constexpr Domain kBool{Kind::boolean};
constexpr Domain kText{Kind::text};
constexpr Domain kUrl{Kind::url};
constexpr Domain kPath{Kind::path};
constexpr Domain kSecret{Kind::secret};
constexpr Domain kList{Kind::list};

constexpr Domain number(std::int64_t low, std::int64_t high) { return {Kind::integer, low, high}; }
constexpr Domain bytes(std::int64_t low, std::int64_t high) { return {Kind::bytes, low, high}; }
constexpr Domain seconds(std::int64_t low, std::int64_t high) { return {Kind::seconds, low, high}; }
constexpr Domain millis(std::int64_t low, std::int64_t high) { return {Kind::millis, low, high}; }

// The slot of one member of Draft.
#define CLASP_AT(member) [](Draft& d, std::string_view) -> Slot { return &d.member; }

void add_server(std::vector<Option>& rows) {
  rows.insert(rows.end(), {
    {.section = "server", .key = "listen", .flag = "listen", .env = "CLASP_LISTEN", .domain = kList,
     .default_text = "127.0.0.1", .argument = "ADDRESS",
     .help = "Where to accept clients: ADDRESS, ADDRESS:PORT, [IPV6]:PORT or unix:/PATH. "
             "May be given several times; * stands for all IPv4 addresses.",
     .slot = CLASP_AT(listen)},
    {.section = "server", .key = "port", .flag = "port", .env = "CLASP_PORT", .domain = number(0, 65535),
     .default_text = "8080", .argument = "N",
     .help = "Port of every listen address that names none; 0 takes any free one.", .slot = CLASP_AT(port)},
    {.section = "server", .key = "workers", .flag = "workers", .env = "CLASP_WORKERS",
     .domain = number(0, 256), .default_text = "0", .argument = "N",
     .help = "Worker threads; 0 means one per processor.", .slot = CLASP_AT(settings.workers)},
    {.section = "server", .key = "strict", .flag = "strict", .env = "CLASP_STRICT", .domain = kBool,
     .default_text = "false",
     .help = "Refuse requests that a backend can only answer with something left out, instead of "
             "degrading them with a warning.",
     .slot = CLASP_AT(settings.strict)},
    {.section = "server", .key = "demo_if_unconfigured", .flag = "demo-if-unconfigured",
     .env = "CLASP_DEMO_IF_UNCONFIGURED", .domain = kBool, .default_text = "false",
     .help = "Serve canned demo answers, and say so loudly, when no provider is configured, instead of "
             "refusing to start.",
     .slot = CLASP_AT(demo_if_unconfigured)},
    {.section = "server", .key = "ca_file", .flag = "ca-file", .env = "CLASP_CA_FILE", .domain = kPath,
     .argument = "FILE", .help = "Certificates (PEM) to trust besides the system's, for all backends.",
     .slot = CLASP_AT(settings.ca_file)},
    {.flag = "proxy-only", .domain = kBool, .default_text = "false",
     .help = "Run the proxy only. CLASP always does; accepted for older start scripts.",
     .slot = CLASP_AT(proxy_only)},
  });
}

void add_log(std::vector<Option>& rows) {
  rows.insert(rows.end(), {
    {.section = "log", .key = "level", .flag = "log-level", .env = "CLASP_LOG_LEVEL",
     .domain = {Kind::choice, 0, 0, "debug|info|warn|error"}, .default_text = "info", .argument = "LEVEL",
     .help = "Least important messages to log: debug, info, warn or error.", .slot = CLASP_AT(log_level)},
    {.section = "log", .key = "debug", .flag = "debug", .env = "CLASP_DEBUG", .domain = kBool,
     .default_text = "false", .help = "Log at level debug, with all requests and responses.",
     .slot = CLASP_AT(debug)},
    {.section = "log", .key = "debug_requests", .flag = "debug-requests", .env = "CLASP_DEBUG_REQUESTS",
     .domain = kBool, .default_text = "false", .help = "Log requests as received and as sent on.",
     .slot = CLASP_AT(settings.debug_requests)},
    {.section = "log", .key = "debug_responses", .flag = "debug-responses",
     .env = "CLASP_DEBUG_RESPONSES", .domain = kBool, .default_text = "false",
     .help = "Log responses as received and as sent on.", .slot = CLASP_AT(settings.debug_responses)},
  });
}

// The provider names as suggestions for completion; other words are possible.
std::string_view provider_words() {
  static const std::string words = [] {
    std::string out;
    for (const Preset& preset : presets())
      if (preset.available) out.append(out.empty() ? "" : "|").append(preset.name);
    return out;
  }();
  return words;
}

void add_backend(std::vector<Option>& rows) {
  rows.insert(rows.end(), {
    {.section = "backend", .key = "provider", .flag = "provider", .env = "PROVIDER CLASP_PROVIDER",
     .domain = {Kind::text, 0, 0, provider_words()}, .argument = "NAME",
     .help = "Kind of API behind CLASP: " + preset_names() + "; on the command line also the NAME of a "
             "[backend NAME] section. When it is not set, the first provider whose key or address is "
             "set is used, in that order.",
     .slot = [](Draft& d, std::string_view) -> Slot { return &d.backend().provider; }},
    {.section = "backend", .key = "base_url", .flag = "base-url", .env = "CLASP_BASE_URL", .domain = kUrl,
     .argument = "URL",
     .help = "Address of the API; /v1 is added when it has no path. Overrides the provider's own "
             "variable and default.",
     .slot = [](Draft& d, std::string_view) -> Slot { return &d.backend().base_url; }},
    {.section = "backend", .key = "api_key", .flag = "api-key", .domain = kSecret, .argument = "KEY",
     .help = "Key for the API. On the command line every user of the machine can read it in the "
             "process list; prefer the provider's variable or api_key_file.",
     .slot = [](Draft& d, std::string_view) -> Slot { return &d.backend().api_key; }},
    {.section = "backend", .key = "api_key_file", .flag = "api-key-file", .env = "CLASP_API_KEY_FILE",
     .domain = kPath, .argument = "FILE", .help = "File whose content is the key.",
     .slot = [](Draft& d, std::string_view) -> Slot { return &d.backend().api_key_file; }},
    {.section = "backend", .key = "model", .domain = kText, .argument = "MODEL",
     .help = "Model that this backend is asked for when no alias and no tier mapping applies.",
     .slot = [](Draft& d, std::string_view) -> Slot { return &d.backend().model; }},
    {.section = "backend", .key = "dialect", .flag = "dialect", .env = "CLASP_DIALECT",
     .domain = {Kind::choice, 0, 0,
                "openai|azure|openrouter|ollama|vllm|llamacpp|lmstudio|deepseek|gemini|xai|mistral|groq|generic"},
     .argument = "NAME",
     .help = "How requests are spelled, when the provider's own way is wrong: openai, azure, openrouter, "
             "ollama, vllm, llamacpp, lmstudio, deepseek, gemini, xai, mistral, groq or generic.",
     .slot = [](Draft& d, std::string_view) -> Slot { return &d.backend().dialect; }},
    {.section = "backend", .key = "azure_deployment", .flag = "azure-deployment",
     .env = "AZURE_DEPLOYMENT_NAME", .domain = kText, .argument = "NAME",
     .help = "Azure: deployment to use. Without it the model's name is taken as the deployment.",
     .slot = [](Draft& d, std::string_view) -> Slot { return &d.backend().azure_deployment; }},
    {.section = "backend", .key = "azure_api_version", .flag = "azure-api-version",
     .env = "AZURE_API_VERSION", .domain = kText, .default_text = "2024-02-15-preview",
     .argument = "VERSION",
     .help = "Azure: version of the deployment API; v1 selects the newer API without versions, which "
             "an address ending in /openai/v1 does too.",
     .slot = [](Draft& d, std::string_view) -> Slot { return &d.backend().azure_api_version; }},
    {.section = "backend", .key = "header.*", .domain = kText, .argument = "VALUE",
     .help = "Extra header of every request to this backend, such as header.HTTP-Referer.",
     .slot = [](Draft& d, std::string_view rest) -> Slot { return &d.backend().headers[std::string(rest)]; }},
    {.section = "backend", .key = "flag.*", .domain = kText, .argument = "VALUE",
     .help = "Overrides one capability of the dialect, such as flag.stream_options = false.",
     .slot = [](Draft& d, std::string_view rest) -> Slot { return &d.backend().flags[std::string(rest)]; }},
  });
}

// Key and address variables of every provider.
void add_providers(std::vector<Option>& rows) {
  for (const Preset& preset : presets()) {
    const std::string name(preset.name);
    const std::string label(preset.label);
    const std::string remark = preset.available ? "" : " Not usable in this version.";
    if (!preset.key_env.empty())
      rows.push_back({.section = "providers", .key = name + "_api_key", .env = std::string(preset.key_env),
                      .domain = kSecret, .argument = "KEY", .help = "Key for " + label + "." + remark,
                      .slot = [name](Draft& d, std::string_view) -> Slot { return &d.credentials[name].key; }});
    if (!preset.url_env.empty())
      rows.push_back({.section = "providers", .key = name + "_base_url", .env = std::string(preset.url_env),
                      .domain = kUrl, .default_text = std::string(preset.base_url), .argument = "URL",
                      .help = "Address of " + label + "." + remark,
                      .slot = [name](Draft& d, std::string_view) -> Slot { return &d.credentials[name].base_url; }});
  }
}

void add_models(std::vector<Option>& rows) {
  rows.insert(rows.end(), {
    {.section = "models", .key = "default", .flag = "model", .env = "CLASP_MODEL CLASP_DEFAULT_MODEL",
     .domain = kText, .argument = "MODEL",
     .help = "Model to ask for when no alias and no tier mapping applies. Without it the client's "
             "name is passed on.",
     .slot = CLASP_AT(settings.models.default_model)},
    {.section = "models", .key = "opus", .env = "CLASP_MODEL_OPUS", .domain = kText, .argument = "MODEL",
     .help = "Model for names that contain \"opus\".", .slot = CLASP_AT(settings.models.opus)},
    {.section = "models", .key = "sonnet", .env = "CLASP_MODEL_SONNET", .domain = kText, .argument = "MODEL",
     .help = "Model for names that contain \"sonnet\".", .slot = CLASP_AT(settings.models.sonnet)},
    {.section = "models", .key = "haiku", .env = "CLASP_MODEL_HAIKU", .domain = kText, .argument = "MODEL",
     .help = "Model for names that contain \"haiku\".", .slot = CLASP_AT(settings.models.haiku)},
    {.section = "aliases", .env = "CLASP_MODEL_ALIASES", .domain = kList, .argument = "ALIAS:MODEL",
     .help = "Other names for models, as alias:model pairs. Stronger than [aliases] and CLASP_ALIAS_*.",
     .slot = CLASP_AT(alias_list)},
    {.section = "aliases", .key = "*", .env = "CLASP_ALIAS_*", .domain = kText, .argument = "MODEL",
     .help = "Model that the name stands for; * and ? in the name match any text. A variable's name "
             "is taken in lower case, CLASP_ALIAS_FAST defines fast.",
     .slot = [](Draft& d, std::string_view rest) -> Slot {
       return &d.settings.models.aliases[to_lower(rest)];
     }},
  });
}

void add_timeouts(std::vector<Option>& rows) {
  const auto row = [&rows](std::string key, std::string flag, std::string env, Domain domain,
                           std::string value, SlotFinder slot, std::string help) {
    rows.push_back({.section = "timeouts", .key = std::move(key), .flag = std::move(flag),
                    .env = std::move(env), .domain = domain, .default_text = std::move(value),
                    .argument = "TIME", .help = std::move(help), .slot = std::move(slot)});
  };
  row("backend_idle", "http-timeout", "CLASP_HTTP_TIMEOUT", seconds(kSecond, kDay), "300s",
      CLASP_AT(settings.timeouts.backend_idle_ms),
      "A backend that sends no byte for so long has failed; counts for the first byte and between bytes.");
  row("connect", "", "CLASP_CONNECT_TIMEOUT", seconds(10, 10 * kMinute), "10s",
      CLASP_AT(settings.timeouts.connect_ms), "Time to open a connection to a backend.");
  row("tls", "", "CLASP_TLS_TIMEOUT", seconds(10, 10 * kMinute), "10s",
      CLASP_AT(settings.timeouts.tls_ms), "Time for the TLS handshake with a backend.");
  row("answer_grace", "", "CLASP_ANSWER_GRACE", seconds(0, 10 * kMinute), "10s",
      CLASP_AT(settings.timeouts.answer_grace_ms),
      "A stream waits so long for its first content before it is begun, so that an early failure can "
      "still become an HTTP error.");
  row("ping", "", "CLASP_PING_INTERVAL", seconds(kSecond, 10 * kMinute), "10s",
      CLASP_AT(settings.timeouts.ping_ms), "Pause in a stream after which the client gets a ping.");
  row("client_header", "", "CLASP_CLIENT_HEADER_TIMEOUT", seconds(kSecond, kHour), "15s",
      CLASP_AT(settings.timeouts.client_header_ms), "Time for a client to send the head of a request.");
  row("client_body", "", "CLASP_CLIENT_BODY_TIMEOUT", seconds(kSecond, kHour), "60s",
      CLASP_AT(settings.timeouts.client_body_ms), "Longest pause inside a request's body.");
  row("client_idle", "", "CLASP_CLIENT_IDLE_TIMEOUT", seconds(kSecond, kDay), "120s",
      CLASP_AT(settings.timeouts.client_idle_ms), "How long a connection without a request is kept.");
  row("client_write", "", "CLASP_CLIENT_WRITE_TIMEOUT", seconds(kSecond, kHour), "60s",
      CLASP_AT(settings.timeouts.client_write_ms),
      "A client that takes no byte of its answer for so long is disconnected.");
  row("drain", "", "CLASP_DRAIN_TIMEOUT", seconds(0, kDay), "30s", CLASP_AT(settings.timeouts.drain_ms),
      "Time that open requests get to finish after SIGTERM.");
}

void add_limits(std::vector<Option>& rows) {
  rows.insert(rows.end(), {
    {.section = "limits", .key = "max_body", .flag = "max-body", .env = "CLASP_MAX_BODY",
     .domain = bytes(1024, 1024 * kMega), .default_text = "32M", .argument = "SIZE",
     .help = "Largest request body; a larger one is answered with 413.",
     .slot = CLASP_AT(settings.limits.body_bytes)},
    {.section = "limits", .key = "max_response", .env = "CLASP_MAX_RESPONSE",
     .domain = bytes(1024, 4096 * kMega), .default_text = "64M", .argument = "SIZE",
     .help = "Largest answer of a backend that is not a stream.",
     .slot = CLASP_AT(settings.limits.response_bytes)},
    {.section = "limits", .key = "max_connections", .flag = "max-connections",
     .env = "CLASP_MAX_CONNECTIONS", .domain = number(1, 1'000'000), .default_text = "10000",
     .argument = "N", .help = "Open client connections, all workers together.",
     .slot = CLASP_AT(settings.limits.connections)},
    {.section = "limits", .key = "pool_idle", .env = "CLASP_POOL_IDLE", .domain = number(0, 10'000),
     .default_text = "64", .argument = "N",
     .help = "Idle connections kept per backend and worker.", .slot = CLASP_AT(settings.limits.pool_idle)},
  });
}

void add_commands(std::vector<Option>& rows) {
  rows.insert(rows.end(), {
    {.flag = "config", .env = "CLASP_CONFIG_FILE", .domain = kPath, .argument = "FILE",
     .help = "Configuration file. Otherwise the first of ./clasp.conf, "
             "$XDG_CONFIG_HOME/clasp/clasp.conf and /etc/clasp/clasp.conf that exists.",
     .slot = CLASP_AT(config_file)},
    {.flag = "check", .domain = kBool, .help = "Check the configuration, report and exit.",
     .slot = CLASP_AT(check)},
    {.flag = "models", .domain = kBool, .help = "List the models that the backend offers and exit.",
     .slot = CLASP_AT(models)},
    {.flag = "version", .domain = kBool, .help = "Show the version and exit.", .slot = CLASP_AT(version)},
    {.flag = "help", .domain = kBool, .help = "Show this help and exit.", .slot = CLASP_AT(help)},
    {.flag = "emit", .domain = {Kind::choice, 0, 0, "sample|man-options|man-environment|man-file|bash|zsh"},
     .argument = "KIND", .help = "Print a file that is made from the option table and exit.",
     .slot = CLASP_AT(emit), .hidden = true},
  });
}

// ---- known, but not in this version -----------------------------------------------------------

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

std::vector<Option> make_options() {
  std::vector<Option> rows;
  add_commands(rows);
  add_server(rows);
  add_backend(rows);
  add_providers(rows);
  add_models(rows);
  add_timeouts(rows);
  add_limits(rows);
  add_log(rows);
  add_planned_protection(rows);
  add_planned_resilience(rows);
  add_planned_routing(rows);
  add_retired(rows);
  return rows;
}

// "header.*" against "header.X-Title": the part that '*' stands for.
bool match_pattern(std::string_view pattern, std::string_view name, std::string_view& rest) {
  if (pattern.empty()) return false;
  if (pattern.back() != '*') return pattern == name;
  pattern.remove_suffix(1);
  if (name.size() <= pattern.size() || name.substr(0, pattern.size()) != pattern) return false;
  rest = name.substr(pattern.size());
  return true;
}

}  // namespace

Draft::Draft() { backends.emplace_back(); }

const std::vector<Option>& options() {
  static const std::vector<Option> rows = make_options();
  return rows;
}

const std::vector<Section>& sections() {
  static const std::vector<Section> list = {
    {"server", "Server", "Where clients are accepted, and how the daemon runs."},
    {"backend", "Backend",
     "One endpoint that requests are sent to. A nameless [backend] is the one that flags and environment "
     "variables describe too. Any number of [backend NAME] sections may follow; the first one is the default "
     "unless -provider names another.", true},
    {"providers", "Keys and addresses of providers",
     "Used by every backend of that provider which has no api_key or base_url of its own. Keys are better "
     "kept in the environment or in a file of their own (api_key_file)."},
    {"models", "Models", "Which model a backend is asked for. Aliases come first, then the tiers, then the "
     "backend's own model, then the default."},
    {"aliases", "Aliases", "One line per name: NAME = MODEL. * and ? in NAME match any text."},
    {"timeouts", "Timeouts", "Numbers without a unit count seconds; ms, s, m, h and d are understood."},
    {"limits", "Limits", "Sizes may end in K, M or G."},
    {"log", "Logging", "Messages go to the journal or to standard error."},
    {"auth", "Client authentication", "Who may use this proxy."},
    {"rate_limit", "Rate limit", "How much may be asked."},
    {"cache", "Response cache", "Answers kept in memory."},
    {"queue", "Queue", "Waiting for a backend to come back."},
    {"circuit_breaker", "Circuit breaker", "Failing fast."},
    {"health_check", "Health checks", "Probing backends."},
    {"routing", "Routing", "Which backend gets which request."},
    {"tier opus", "Tier opus", "Where requests for opus models go."},
    {"tier sonnet", "Tier sonnet", "Where requests for sonnet models go."},
    {"tier haiku", "Tier haiku", "Where requests for haiku models go."},
    {"fallback", "Fallback", "Where requests go when their provider fails."},
    {"route", "Routes", "[route PATTERN]: where requests for matching models go.", true},
  };
  return list;
}

const Option* find_flag(std::string_view flag) {
  for (const Option& option : options())
    if (!option.flag.empty() && option.flag == flag) return &option;
  return nullptr;
}

Match find_key(std::string_view section, std::string_view key) {
  Match match;
  for (const Option& option : options()) {
    if (option.section != section || !match_pattern(option.key, key, match.rest)) continue;
    match.option = &option;
    return match;
  }
  return {};
}

Match find_variable(std::string_view name) {
  Match match;
  for (const Option& option : options())
    for (std::string_view variable : split(option.env, ' '))
      if (match_pattern(variable, name, match.rest)) {
        match.option = &option;
        return match;
      }
  return {};
}

const Section* find_section(std::string_view name) {
  for (const Section& section : sections())
    if (section.name == name) return &section;
  return nullptr;
}

}  // namespace clasp::config
