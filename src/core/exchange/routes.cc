// The route table.
#include "core/exchange/routes.h"

#include <string>

#include "base/secret.h"
#include "base/text.h"

namespace clasp::exchange {

namespace {

struct Route {
  std::string_view path;     // a trailing '*' matches any rest
  std::string_view methods;  // as the allow header says it
  Endpoint endpoint;
};

constexpr Route kRoutes[] = {
    {"/v1/messages", "POST", Endpoint::messages},
    {"/v1/messages/count_tokens", "POST", Endpoint::count_tokens},
    {"/v1/models", "GET, HEAD", Endpoint::models},
    {"/v1/models/*", "GET, HEAD", Endpoint::model},
    {"/health", "GET, HEAD", Endpoint::health},
    {"/providers/health", "GET, HEAD", Endpoint::providers_health},
    {"/costs", "GET, HEAD", Endpoint::costs},
    {"/healthz", "GET, HEAD", Endpoint::alive},
    {"/readyz", "GET, HEAD", Endpoint::ready},
    {"/metrics", "GET, HEAD", Endpoint::metrics},
    {"/metrics/prometheus", "GET, HEAD", Endpoint::metrics_text},
    {"/", "GET, HEAD", Endpoint::server_info},
    {"/api/hello", "GET, HEAD", Endpoint::hello},
    {"/api/event_logging/*", "POST", Endpoint::telemetry},
    {"/api/claude_cli_feedback", "POST", Endpoint::telemetry},
    {"/api/claude_code/metrics", "POST", Endpoint::telemetry},
};

// Paths that clients of the real API know and this daemon does not serve, with what to say.
struct Hint {
  std::string_view path;
  std::string_view message;
};

constexpr Hint kHints[] = {
    {"/v1/messages/batches*", "message batches are not supported by this proxy"},
    {"/v1/files*", "the files API is not supported by this proxy"},
    {"/v1/complete", "the text completions API is not supported; use POST /v1/messages"},
    {"/v1/chat/completions", "this proxy speaks the Anthropic Messages API; use POST /v1/messages"},
};

bool matches(std::string_view pattern, std::string_view path) {
  if (!pattern.ends_with('*')) return pattern == path;
  return path.starts_with(pattern.substr(0, pattern.size() - 1));
}

const Route* find_route(std::string_view path) {
  for (const Route& route : kRoutes)
    if (matches(route.path, path)) return &route;
  return nullptr;
}

bool allows(std::string_view methods, std::string_view method) {
  while (!methods.empty()) {
    const std::size_t comma = methods.find(',');
    if (trim(methods.substr(0, comma)) == method) return !method.empty();
    if (comma == std::string_view::npos) break;
    methods.remove_prefix(comma + 1);
  }
  return false;
}

// What a stranger sent, as far as it is worth repeating: some put keys into addresses.
std::string quoted(std::string_view sent) {
  constexpr std::size_t kLimit = 120;
  const std::string text = mask_secrets(sent.substr(0, 4 * kLimit));
  std::string out;
  for (char c : std::string_view(text).substr(0, kLimit))
    out.push_back(c > 0x20 && c < 0x7f ? c : '?');
  return text.size() > kLimit ? out + "..." : out;
}

}  // namespace

Access access_of(std::string_view path) {
  const Route* route = find_route(path);
  if (route == nullptr) return Access::key;
  switch (route->endpoint) {
    case Endpoint::server_info:
      return Access::open;
    // Both answers are constant and what is sent is thrown away unread. Claude Code asks for the
    // first one before it has a key, and keeps what it could not get rid of at the second.
    case Endpoint::hello:
    case Endpoint::telemetry:
      return Access::open;
    case Endpoint::health:
    case Endpoint::alive:
    case Endpoint::ready:
      return Access::health;
    case Endpoint::providers_health:
    case Endpoint::costs:
    case Endpoint::metrics:
    case Endpoint::metrics_text:
      return Access::metrics;
    case Endpoint::messages:
    case Endpoint::count_tokens:
    case Endpoint::models:
    case Endpoint::model:
      return Access::key;
  }
  return Access::key;
}

tl::expected<Endpoint, wire::ApiError> match_route(std::string_view method, std::string_view path) {
  if (const Route* route = find_route(path)) {
    if (allows(route->methods, method)) return route->endpoint;
    wire::ApiError error = wire::make_error(wire::ErrorType::invalid_request,
                                            quoted(method) + " is not allowed on " + quoted(path) +
                                                "; use " + std::string(route->methods));
    error.status = 405;
    return tl::unexpected(std::move(error));
  }
  for (const Hint& hint : kHints)
    if (matches(hint.path, path))
      return tl::unexpected(
          wire::make_error(wire::ErrorType::not_found, std::string(hint.message)));
  return tl::unexpected(
      wire::make_error(wire::ErrorType::not_found, "no such endpoint: " + quoted(path)));
}

std::string_view endpoint_name(Endpoint endpoint) {
  switch (endpoint) {
    case Endpoint::server_info:
      return "info";
    case Endpoint::health:
      return "health";
    case Endpoint::providers_health:
      return "providers_health";
    case Endpoint::alive:
      return "healthz";
    case Endpoint::ready:
      return "readyz";
    case Endpoint::metrics:
      return "metrics";
    case Endpoint::metrics_text:
      return "metrics_prometheus";
    case Endpoint::costs:
      return "costs";
    case Endpoint::messages:
      return "messages";
    case Endpoint::count_tokens:
      return "count_tokens";
    case Endpoint::models:
      return "models";
    case Endpoint::model:
      return "model";
    case Endpoint::hello:
      return "hello";
    case Endpoint::telemetry:
      return "telemetry";
  }
  return "unknown";
}

std::string_view allowed_methods(std::string_view path) {
  const Route* route = find_route(path);
  return route != nullptr ? route->methods : std::string_view();
}

bool asks_for_beta(std::string_view query) {
  if (query.empty()) return false;
  for (const std::string_view parameter : split(query, '&'))
    if (parameter == "beta=true") return true;
  return false;
}

bool is_beta_call(const RequestHead& head) {
  if (head.headers.find("anthropic-beta")) return true;
  return asks_for_beta(head.query);
}

}  // namespace clasp::exchange
