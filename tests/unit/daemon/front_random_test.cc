// Thousands of connections that send damaged requests, in pieces, and leave at any moment. Nothing
// may crash, nothing may stay behind, and nothing may get through that two programs could read
// differently.
#include <doctest/doctest.h>

#include <random>

#include "front_fixture.h"

using namespace clasp;
using namespace clasp::test;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

const std::string kSeeds[] = {
    post("/echo", "{\"a\":1}", "Content-Type: application/json\r\n"),
    post("/later?beta=true", std::string(3000, 'b')),
    get("/stream?n=5"),
    get("/flood?n=100000"),
    get("/abort"),
    get("/hold"),
    post("/denied", "abc"),
    "HEAD /stream?n=3 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: "
    "u\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 20\r\nContent-Encoding: gzip\r\n\r\n"
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00",
};

std::string damage(std::string text, std::mt19937& random) {
  static const std::string kOdd = "\r\n\0 \t:,;/?%#0159afAF\x7f\x80\xff"s;
  for (unsigned edits = random() % 5; edits > 0 && !text.empty(); --edits) {
    const std::size_t at = random() % text.size();
    switch (random() % 5) {
      case 0:
        text[at] = kOdd[random() % kOdd.size()];
        break;
      case 1:
        text.erase(at, 1 + random() % 30);
        break;
      case 2:
        text.insert(at, 1, kOdd[random() % kOdd.size()]);
        break;
      case 3:
        text.insert(at, text.substr(random() % text.size(), random() % 60));
        break;
      default:
        text.resize(at);
        break;
    }
  }
  return text;
}

}  // namespace

TEST_CASE("damaged requests on thousands of connections") {
  daemon::HttpLimits limits;
  limits.body_bytes = 100'000;
  limits.header_timeout = Duration(200);
  limits.body_timeout = Duration(200);
  limits.idle_timeout = Duration(200);
  limits.write_timeout = Duration(200);
  limits.linger_timeout = Duration(50);
  Server server(limits);
  std::mt19937 random(20);
  for (int round = 0; round < 4000; ++round) {
    Client client(server);
    if (!client.connected()) continue;
    std::string text;
    for (unsigned i = 1 + random() % 4; i > 0; --i)
      text += damage(kSeeds[random() % std::size(kSeeds)], random);
    std::string_view rest = text;
    while (!rest.empty()) {
      const std::size_t n = std::min<std::size_t>(rest.size(), 1 + random() % 400);
      if (!client.send(rest.substr(0, n))) break;
      rest.remove_prefix(n);
    }
    switch (random() % 4) {
      case 0:
        client.reset();
        break;
      case 1:
        client.half_close();
        client.read_all(5ms);
        break;
      case 2:
        client.read(false, 2ms);
        break;
      default:
        break;
    }
  }
  CHECK(eventually([&] { return server.connections() == 0; }));
  CHECK(server.handler().live_tasks == 0);
  CHECK_FALSE(server.handler().padding_missing);
  Client after(server);
  REQUIRE(after.send(get("/sync")));
  CHECK(after.read().status == 200);
}
