// The HTTP server over real sockets: answers, keep-alive, framing, limits, waits, departures.
#include "daemon/http_server.h"

#include <doctest/doctest.h>

#include "front_fixture.h"

using namespace clasp;
using namespace clasp::test;
using namespace std::chrono_literals;

namespace {

daemon::HttpLimits quick_limits() {
  daemon::HttpLimits limits;
  limits.body_bytes = 1u << 20;
  limits.header_timeout = Duration(300);
  limits.body_timeout = Duration(300);
  limits.idle_timeout = Duration(300);
  limits.write_timeout = Duration(400);
  limits.linger_timeout = Duration(500);
  return limits;
}

}  // namespace

TEST_CASE("a request is answered with framing, date and the handler's headers") {
  Server server;
  Client client(server);
  REQUIRE(client.send(get("/sync?a=1")));
  const Response got = client.read();
  CHECK(got.status == 200);
  CHECK(got.body == "GET /sync a=1 0");
  CHECK(got.headers.at("content-length") == std::to_string(got.body.size()));
  CHECK(got.headers.at("content-type") == "text/plain");
  CHECK(got.headers.at("date").size() == 29);
  CHECK(got.headers.count("connection") == 0);
}

TEST_CASE("one connection carries a hundred requests, answered at once or later") {
  Server server;
  Client client(server);
  for (int i = 0; i < 100; ++i) {
    const std::string path = i % 3 == 0 ? "/later?n=" : "/sync?n=";
    REQUIRE(client.send(post(path + std::to_string(i), std::string(static_cast<std::size_t>(i) * 50, 'x'))));
    const Response got = client.read();
    REQUIRE(got.status == 200);
    REQUIRE(got.complete);
  }
  CHECK(server.handler().requests == 100);
  CHECK(eventually([&] { return server.handler().live_tasks == 0; }));
  CHECK_FALSE(server.handler().padding_missing);
  CHECK(server.connections() == 1);
}
