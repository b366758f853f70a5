#include "core/exchange/routes.h"

#include <doctest/doctest.h>

using namespace clasp;
using exchange::Endpoint;
using exchange::match_route;

TEST_CASE("routes: what is served") {
  CHECK(match_route("POST", "/v1/messages") == Endpoint::messages);
  CHECK(match_route("POST", "/v1/messages/count_tokens") == Endpoint::count_tokens);
  CHECK(match_route("HEAD", "/") == Endpoint::server_info);
  CHECK(match_route("GET", "/health") == Endpoint::health);
  CHECK(match_route("HEAD", "/api/hello") == Endpoint::hello);
  CHECK(match_route("GET", "/healthz") == Endpoint::alive);
  CHECK(match_route("HEAD", "/readyz") == Endpoint::ready);
  CHECK(match_route("GET", "/metrics") == Endpoint::metrics);
  CHECK(match_route("HEAD", "/metrics/prometheus") == Endpoint::metrics_text);
  for (const char* path : {"/api/event_logging/batch", "/api/event_logging/v2/batch",
                           "/api/claude_cli_feedback", "/api/claude_code/metrics"})
    CHECK(match_route("POST", path) == Endpoint::telemetry);
}

TEST_CASE("routes: exact paths only") {
  for (const char* path :
       {"/v1/messagesXYZ", "/v1/messages/", "/v1", "/V1/messages", "//", "", "/api/oauth/profile",
        "/v1/messages/batches", "/v1/complete", "/v1/files", "/v1/chat/completions"}) {
    const auto route = match_route("POST", path);
    REQUIRE_FALSE(route);
    CHECK(route.error().status == 404);
    CHECK(route.error().type == wire::ErrorType::not_found);
  }
}

TEST_CASE("routes: a wrong method is 405 and names the right ones") {
  const auto route = match_route("GET", "/v1/messages");
  REQUIRE_FALSE(route);
  CHECK(route.error().status == 405);
  CHECK(route.error().type == wire::ErrorType::invalid_request);
  CHECK(route.error().message == "GET is not allowed on /v1/messages; use POST");
  CHECK(exchange::allowed_methods("/v1/messages") == "POST");
  CHECK(match_route("E", "/health").error().status == 405);
  CHECK(match_route("", "/health").error().status == 405);
  CHECK(match_route("GET, HEAD", "/health").error().status == 405);
}

TEST_CASE("routes: what a stranger sent is not repeated raw") {
  const auto route = match_route("GET", std::string("/\x01\x80") + std::string(500, 'a'));
  REQUIRE_FALSE(route);
  CHECK(route.error().message.size() < 200);
  CHECK(route.error().message.find('\x01') == std::string::npos);
}

TEST_CASE("routes: who may use them") {
  using exchange::Access;
  using exchange::access_of;
  for (const char* path : {"/", "/api/hello", "/api/event_logging/batch"})
    CHECK(access_of(path) == Access::open);
  for (const char* path : {"/health", "/healthz", "/readyz"})
    CHECK(access_of(path) == Access::health);
  CHECK(access_of("/providers/health") == Access::metrics);
  for (const char* path : {"/v1/messages", "/v1/messages/count_tokens", "/v1/models",
                           "/v1/models/x", "/nothing", "", "/v1/files", "/health/", "//"})
    CHECK(access_of(path) == Access::key);
}
