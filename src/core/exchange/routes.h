// Which paths the daemon serves, and what it says about all others (translation spec §7). One
// table; matching is exact but for rows that end in '*'.
#pragma once

#include <string_view>
#include <tl/expected.hpp>

#include "core/exchange/ports.h"
#include "core/wire/api_error.h"

namespace clasp::exchange {

enum class Endpoint {
  server_info,       // GET /
  health,            // GET /health
  providers_health,  // GET /providers/health
  alive,             // GET /healthz: the process runs
  ready,             // GET /readyz: it takes requests
  costs,             // GET /costs
  metrics,           // GET /metrics: JSON
  metrics_text,      // GET /metrics/prometheus
  messages,          // POST /v1/messages
  count_tokens,      // POST /v1/messages/count_tokens
  models,            // GET /v1/models
  model,             // GET /v1/models/{id}
  hello,             // GET /api/hello: a client's reachability probe
  telemetry,         // POST /api/event_logging/…: swallowed
};

// Who may use an endpoint where clients need keys.
enum class Access {
  open,     // everybody
  health,   // everybody, where auth.allow_anonymous_health says so
  metrics,  // everybody, where auth.allow_anonymous_metrics says so
  key,      // clients with a key
};
// What is not served needs a key too: strangers learn nothing.
Access access_of(std::string_view path);

// The endpoint, or the error that the caller gets: 404 with a hint where one is known, 405 for a
// known path with another method. `path` is without the query. HEAD is taken wherever GET is.
tl::expected<Endpoint, wire::ApiError> match_route(std::string_view method, std::string_view path);

// For labels: lower case, [a-z_].
std::string_view endpoint_name(Endpoint endpoint);

// The `allow` header of a 405, and what a preflight is told; empty for unknown paths.
std::string_view allowed_methods(std::string_view path);

// One of the query's parameters is beta=true.
bool asks_for_beta(std::string_view query);

// A call of the beta API: ?beta=true or an anthropic-beta header. Its answers have more members.
bool is_beta_call(const RequestHead& head);

}  // namespace clasp::exchange
