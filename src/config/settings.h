// The daemon's settings as plain values: what the option table fills and everything else reads.
// An immutable snapshot once loaded; shared between workers by shared_ptr<const Settings>.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/network.h"
#include "base/secret.h"

namespace clasp::config {

// PEM files of one certificate of a listener. The first file also holds the chain.
struct CertificateFiles {
  std::string certificate, private_key;
  friend bool operator==(const CertificateFiles&, const CertificateFiles&) = default;
};

enum class ClientCertificates { off, optional, required };

// HTTPS at one listener; no certificate: plain HTTP.
struct ListenerTls {
  std::vector<CertificateFiles> certificates;  // chosen by server name, the first one else
  std::string client_ca;                       // PEM file; what client certificates are checked by
  ClientCertificates client_certificates = ClientCertificates::off;
  bool only_tls13 = false;
  bool enabled() const { return !certificates.empty(); }
  friend bool operator==(const ListenerTls&, const ListenerTls&) = default;
};

// One place to accept clients.
struct Listener {
  std::string address = "127.0.0.1";  // IPv4, IPv6 without brackets, or a path when `unix`
  std::uint16_t port = 8080;
  bool is_unix = false;
  std::string name = {};  // of its [listener NAME] section, empty: from `listen`
  ListenerTls tls = {};
  bool proxy_protocol = false;  // connections begin with a PROXY header (v1 or v2)
  std::uint32_t unix_mode = 0660;
  std::string unix_group = {};  // empty: the daemon's
  bool is_at_same_place(const Listener& other) const {
    return is_unix == other.is_unix && address == other.address && port == other.port;
  }
  friend bool operator==(const Listener&, const Listener&) = default;
};

// How much one client, or all together, may ask. Zero: no limit of that kind.
struct RateSettings {
  std::uint32_t requests = 0;  // per window
  std::int64_t window_ms = 60'000;
  std::uint32_t burst = 10;  // at once, beyond the steady rate
  std::uint64_t tokens_per_minute = 0;
  friend bool operator==(const RateSettings&, const RateSettings&) = default;
};

// Who a limit counts for, where a client has none of its own.
enum class RateScope { global, client };  // client: each key, each address without one

struct RateLimitSettings {
  bool enabled = false;
  RateScope scope = RateScope::global;
  RateSettings rate{.requests = 60, .burst = 10};
};

// A client that is known by name: by a key, or by the subject of its certificate.
struct ClientSettings {
  std::string name;
  std::string place;                    // "clasp.conf:12", for messages
  std::vector<std::string> key_hashes;  // SHA-256 of its keys, 64 lower-case hex digits each
  std::string certificate;              // subject's common name, empty: none
  std::vector<std::string> models;      // names it may ask for, * and ? match any; empty: all
  RateSettings rate;
  std::uint32_t max_concurrency = 0;  // 0: no limit
  // Millionths of a dollar it may spend; 0: no limit. A day and a month begin at midnight UTC.
  std::int64_t daily_budget = 0, monthly_budget = 0;
  std::int64_t expires = 0;  // Unix seconds; 0: never
};

struct AuthSettings {
  bool enabled = false;
  bool anonymous_health = true;
  bool anonymous_metrics = false;
  std::vector<ClientSettings> clients;
};

// Answers kept in memory.
struct CacheSettings {
  bool enabled = false;
  std::uint32_t max_size = 1000;  // entries
  std::int64_t ttl_ms = 3'600'000;
  std::uint64_t max_bytes = 256u << 20;
  bool per_client = false;        // no client gets what another one asked
  bool streams = false;           // streams are kept and answered too
  bool unset_temperature = true;  // requests that name no temperature are cached too
  bool coalesce = true;  // who asks the same at the same time waits for the first one's answer
};

// What tokens of the models cost whose name on the backend matches. Millionths of a dollar per
// million tokens, which are pico-dollars per token.
struct PriceRule {
  std::string pattern;   // lower case, * and ? match any text
  std::string place;     // empty: shipped with CLASP
  std::string backend;   // its name; empty: every backend
  std::string provider;  // of the shipped ones: only backends of that kind; empty: any
  std::int64_t input = 0, output = 0, cache_read = 0, cache_write = 0;
};

struct CostSettings {
  std::vector<PriceRule> prices;  // the last one that matches counts
  std::string file;               // what was spent is kept there; empty: in memory only
};

struct TracingSettings {
  bool forward = true;   // traceparent and tracestate go to backends
  std::string otlp_url;  // spans are sent there (OTLP over HTTP, JSON); empty: nothing is exported
  std::map<std::string, std::string> headers;  // of those requests
};

// Which header carries a backend's key.
enum class AuthKind { none, bearer, api_key, x_api_key };

// A kind of API and one configured endpoint of it.
struct BackendSettings {
  std::string name;      // unique; the provider's name when made from flags or the environment
  std::string provider;  // openai, azure, openrouter, custom, demo, …
  std::string dialect;   // row of the dialect table
  AuthKind auth = AuthKind::bearer;  // which header carries the key
  std::string base_url;              // as configured; empty for demo
  Secret api_key;
  std::vector<Secret> more_keys;      // used in turn with api_key
  bool pass_client_key = false;       // the client's own key is sent instead
  std::uint32_t max_concurrency = 0;  // requests in flight at once, 0: no limit
  std::string model;  // model for requests routed here, empty: the client's name is used
  // Azure's legacy path: deployment and API version; empty api_version means the v1 path.
  std::string azure_deployment;
  std::string azure_api_version;
  std::map<std::string, std::string> extra_headers;
  std::map<std::string, std::string> flags;   // overrides of dialect flags, checked by translate
  std::map<std::string, std::string> body;    // members added to every request, as JSON
  std::vector<std::string> geo;               // values of inference_geo that are served here
  std::int64_t context_window = 0;            // of its models in tokens, 0: unknown
  std::map<std::string, std::string> places;  // "flag.top_k" -> where it stands, for complaints
};

// What is said about the models whose name on the backend matches a pattern: [model PATTERN].
struct ModelRule {
  std::string name;     // as it is written
  std::string pattern;  // the same in lower case; * and ? match any text
  std::string place;    // "clasp.conf:12"
  std::string backend;  // its name; empty: every backend
  std::string display_name;
  std::int64_t max_output = 0, context_window = 0;  // 0: not said
  std::optional<bool> vision;
  std::map<std::string, std::string> flags, body, places;  // as of a backend
};

// Model names: what the client asks for -> what the backend is asked for.
struct ModelSettings {
  std::string default_model;  // CLASP_MODEL; empty: pass the client's name on
  std::string opus, sonnet, haiku;
  std::map<std::string, std::string> aliases;
  std::vector<ModelRule> rules;  // in the order of the file; where two speak the later one counts
  bool refuse_unknown = false;   // a name that nothing maps is a 404
  // What OpenAI's models are counted with: a file; auto: where it is installed; off: the estimate.
  std::string vocabulary = "auto";
};

// How requests and answers are changed, where that is a matter of taste or money.
struct TranslationSettings {
  bool hidden_allowance = true;     // a larger cap for models that cannot stop reasoning
  bool fast_tier = false;           // speed "fast" may become service_tier "priority"
  bool long_cache = false;          // cache hints of an hour ask for a longer life
  bool policy_as_error = false;     // a blocked prompt is a 400, not a refusal
  bool geo_enforce = false;         // an inference_geo that no backend serves is refused
  bool input_token_limits = false;  // token rate limits count as those of input tokens too
};

struct TimeoutSettings {
  std::int64_t connect_ms = 10'000;
  std::int64_t tls_ms = 10'000;
  std::int64_t backend_idle_ms = 300'000;  // CLASP_HTTP_TIMEOUT: first byte and between bytes
  std::int64_t first_byte_ms = 0;          // 0: as backend_idle_ms
  std::int64_t total_ms = 0;               // a whole exchange, 0: no limit
  std::int64_t client_header_ms = 15'000;  // whole request head
  std::int64_t client_body_ms = 60'000;    // between two bytes of a request body
  std::int64_t client_idle_ms = 120'000;   // keep-alive
  std::int64_t client_write_ms = 60'000;   // a client that takes no byte
  std::int64_t drain_ms = 30'000;          // SIGTERM -> streams are ended
  std::int64_t ping_ms = 10'000;
  std::int64_t answer_grace_ms = 10'000;        // wait for the first content before answering 200
  std::int64_t reasoning_state_ms = 3'600'000;  // unused reasoning state is forgotten
};

struct LimitSettings {
  std::uint64_t body_bytes = 32u << 20;
  std::uint64_t response_bytes = 64u << 20;  // a backend's plain answer
  std::uint32_t connections = 10'000;        // all workers together
  std::uint32_t pool_idle = 64;              // idle backend connections per backend and worker
  std::uint64_t reasoning_state_bytes = 64u << 20;  // all workers together
};

// Where requests go (core/policy/router.h has the rules).
struct RouteTarget {
  std::string backend;       // BackendSettings::name
  std::string model;         // empty: mapped as usual (ModelSettings)
  std::uint32_t weight = 1;  // share of its group's load; 0: only when the others fail
};
using RouteGroup = std::vector<RouteTarget>;  // they share the load

struct RouteSettings {
  std::string pattern;  // the client's model name, or a glob with * and ?
  std::vector<RouteGroup> groups;
};

struct RoutingSettings {
  std::vector<RouteSettings> routes;
  // Where the three tiers go, when no route matches; empty: no route of their own.
  std::vector<RouteGroup> opus, sonnet, haiku;
  std::vector<RouteGroup> fallbacks;  // tried after the groups of every route
};

// Tries inside one request, while its client has seen nothing (core/policy/retry.h).
struct RetrySettings {
  std::uint32_t max_attempts = 3;           // the first one included; 1: no repetition
  std::int64_t base_ms = 250;               // the longest first pause; doubles with each attempt
  std::int64_t cap_ms = 5'000;              // the longest pause
  std::int64_t max_retry_after_ms = 5'000;  // what a backend may ask us to wait here
  std::uint32_t budget_percent = 20;        // repetitions per request of one backend …
  std::uint32_t budget_per_second = 1;      // … and beside that, so that few requests have some
};

struct BreakerSettings {
  bool enabled = false;
  std::uint32_t threshold = 5;  // failures in a row that open it
  std::uint32_t recovery = 2;   // successes that close it again
  std::int64_t timeout_ms = 30'000;
  std::uint32_t probes = 1;               // requests at once while it is half open
  std::uint32_t growth_percent = 0;       // each opening without recovery lasts longer by this
  std::int64_t max_timeout_ms = 300'000;  // where that growth ends
};

struct QueueSettings {
  bool enabled = false;
  std::uint32_t max_size = 100;
  std::int64_t max_wait_ms = 30'000;    // from a request's arrival
  std::int64_t retry_delay_ms = 1'000;  // before a request that failed is tried again
  std::uint32_t max_retries = 3;        // times that a request may come back into the queue
};

// Active probes of the backends.
struct HealthCheckSettings {
  bool enabled = false;
  std::int64_t interval_ms = 30'000;
  std::int64_t timeout_ms = 10'000;
};

// How long a refused key of a backend with several keys is left alone.
struct KeySettings {
  std::int64_t rest_unauthorized_ms = 300'000;  // 401
  std::int64_t rest_quota_ms = 600'000;         // its money or quota is used up
  std::int64_t rest_rate_limit_ms = 5'000;      // 429 that does not say how long
};

// Pictures and PDFs that a backend does not take as they come.
struct MediaSettings {
  bool fetch_remote = false;
  std::vector<Network> fetch_networks;  // besides the public Internet
  bool pdf_text = true;                 // where the program for it is installed
};

// The control API's Unix socket.
struct ControlSettings {
  std::string socket = "auto";  // a path; auto: the usual place; off: none
  std::uint32_t mode = 0660;    // who may connect: read
  std::string group;            // of the socket; empty: the daemon's
  friend bool operator==(const ControlSettings&, const ControlSettings&) = default;
};

struct Settings {
  std::vector<Listener> listeners;
  std::uint32_t workers = 0;  // 0: one per core
  LogLevel log_level = LogLevel::info;
  bool debug_requests = false;
  bool debug_responses = false;
  std::uint64_t debug_bytes = 16u << 10;  // of one body in the log
  bool strict = false;                    // translation warnings become errors
  std::vector<BackendSettings> backends;  // the first one is the default route
  ModelSettings models;
  TranslationSettings translation;
  TimeoutSettings timeouts;
  LimitSettings limits;
  // Pages in browsers that may read answers; "*": all.
  std::vector<std::string> cors_origins;
  RoutingSettings routing;
  RetrySettings retry;
  BreakerSettings breaker;
  QueueSettings queue;
  HealthCheckSettings health_check;
  KeySettings keys;
  MediaSettings media;
  AuthSettings auth;
  RateLimitSettings rate_limit;
  CacheSettings cache;
  CostSettings costs;
  bool metrics = true;  // count, and answer /metrics
  TracingSettings tracing;
  ControlSettings control;
  std::vector<Network> trusted_proxies;  // their word about a client's address is believed
  bool trust_unix_sockets = false;       // the same for whoever connects to a Unix socket
  bool demo_fallback = false;            // nothing is configured, the demo backend answers instead
  std::string ca_file;                   // extra CA certificates for backends, empty: the system's
  std::string config_file;               // where the file part came from, empty: none
};

using Snapshot = std::shared_ptr<const Settings>;

}  // namespace clasp::config
