// The daemon's settings as plain values: what the option table fills and everything else reads.
// An immutable snapshot once loaded; shared between workers by shared_ptr<const Settings>.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/secret.h"

namespace clasp::config {

// One place to accept clients.
struct Listener {
  std::string address = "127.0.0.1";  // IPv4, IPv6 without brackets, or a path when `unix`
  std::uint16_t port = 8080;
  bool is_unix = false;
  friend bool operator==(const Listener&, const Listener&) = default;
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
  std::string model;  // model for requests routed here, empty: the client's name is used
  // Azure's legacy path: deployment and API version; empty api_version means the v1 path.
  std::string azure_deployment;
  std::string azure_api_version;
  std::map<std::string, std::string> extra_headers;
  std::map<std::string, std::string> flags;  // overrides of dialect flags, checked by translate
};

// Model names: what the client asks for -> what the backend is asked for.
struct ModelSettings {
  std::string default_model;  // CLASP_MODEL; empty: pass the client's name on
  std::string opus, sonnet, haiku;
  std::map<std::string, std::string> aliases;
};

struct TimeoutSettings {
  std::int64_t connect_ms = 10'000;
  std::int64_t tls_ms = 10'000;
  std::int64_t backend_idle_ms = 300'000;  // CLASP_HTTP_TIMEOUT: first byte and between bytes
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

struct Settings {
  std::vector<Listener> listeners;
  std::uint32_t workers = 0;  // 0: one per core
  LogLevel log_level = LogLevel::info;
  bool debug_requests = false;
  bool debug_responses = false;
  bool strict = false;                    // translation warnings become errors
  std::vector<BackendSettings> backends;  // the first one is the default route
  ModelSettings models;
  TimeoutSettings timeouts;
  LimitSettings limits;
  bool demo_fallback = false;  // nothing is configured, the demo backend answers instead
  std::string ca_file;         // extra CA certificates for backends, empty: the system's
  std::string config_file;     // where the file part came from, empty: none
};

using Snapshot = std::shared_ptr<const Settings>;

}  // namespace clasp::config
