// Backends behind an HTTP proxy: absolute form, CONNECT, its refusals.
#include <openssl/ssl.h>

#include "backend_certificates.h"
#include "backend_harness.h"

namespace clasp::daemon::test {
namespace {

using exchange::FailureKind;

BackendClientOptions through(const Server& proxy) {
  BackendClientOptions options;
  options.proxy.http_proxy = options.proxy.https_proxy =
      "http://user:pass@127.0.0.1:" + std::to_string(proxy.port());
  options.proxy.no_proxy = "direct.test";
  return options;
}

TEST_CASE("proxy: plain requests go in absolute form, reusing the connection") {
  std::vector<std::string> seen;
  Server proxy([&](Peer& peer, int) {
    for (std::string request; !(request = peer.read_request()).empty();) {
      seen.push_back(request);
      peer.send(ok("x"));
    }
  });
  {
    Loop loop(through(proxy));
    Recorder first, second;
    loop.call(first, "http://api.test:8000/v1/x?y=z");
    loop.call(second, "http://api.test:8000/v1/x?y=z");
    CHECK(second.ended);
    CHECK(loop.client->counters().lookups == 0);  // the proxy resolves
    CHECK(loop.client->counters().opened == 1);
  }
  proxy.stop();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].starts_with(
      "POST http://api.test:8000/v1/x?y=z HTTP/1.1\r\nHost: api.test:8000\r\n"));
  CHECK(seen[0].find("Proxy-Authorization: Basic dXNlcjpwYXNz\r\n") != std::string::npos);
}

TEST_CASE("proxy: excluded hosts and loopback go direct") {
  Server proxy([](Peer& peer, int) { peer.wait_closed(); });
  Server server([](Peer& peer, int) {
    while (!peer.read_request().empty()) peer.send(ok("x"));
  });
  Loop loop(through(proxy));
  for (const char* host : {"127.0.0.1", "direct.test"}) {
    Recorder recorder;
    loop.call(recorder, server.url(host));
    CHECK(recorder.ended);
  }
  CHECK(proxy.connections() == 0);
}

TEST_CASE("proxy: https through CONNECT") {
  const Authority authority;
  const auto context = authority.server();
  std::vector<std::string> seen;
  Server proxy([&](Peer& peer, int) {
    seen.push_back(peer.read_head());
    peer.send("HTTP/1.1 200 Connection");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    peer.send(" established\r\nX: y\r\n\r\n");
    if (!peer.accept_tls(context.get())) return;
    for (std::string request; !(request = peer.read_request()).empty();) {
      seen.push_back(request);
      peer.send(ok("secret"));
    }
  });
  {
    auto options = through(proxy);
    options.ca_file = authority.file();
    Loop loop(options);
    Recorder first, second;
    loop.call(first, "https://api.test/v1/x");
    CHECK(first.body == "secret");
    CHECK(first.failure.message == "");
    loop.call(second, "https://api.test/v1/x");
    CHECK(second.body == "secret");
    CHECK(proxy.connections() == 1);
  }
  proxy.stop();
  REQUIRE(seen.size() == 3);
  CHECK(seen[0] ==
        "CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n"
        "Proxy-Authorization: Basic dXNlcjpwYXNz\r\n\r\n");
  CHECK(seen[1].starts_with("POST /v1/x HTTP/1.1\r\nHost: api.test\r\n"));
  CHECK(seen[1].find("Proxy-Authorization") == std::string::npos);
}

TEST_CASE("proxy: refusals") {
  Server proxy([](Peer& peer, int index) {
    peer.read_head();
    if (index == 0)
      peer.send("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    if (index == 1) return peer.close();
    if (index == 2) peer.send("HTTP/1.1 200 OK\r\n\r\nearly bird");
    if (index == 3) peer.send("no proxy\r\n");
    peer.wait_closed();
  });
  const std::string name = "proxy 127.0.0.1:" + std::to_string(proxy.port());
  Loop loop(through(proxy));
  const std::vector<std::pair<FailureKind, std::string>> expected = {
      {FailureKind::connect, name + ": CONNECT api.test:443: refused with status 407"},
      {FailureKind::connect, name + ": connection closed during CONNECT"},
      {FailureKind::protocol, name + ": bytes behind the answer to CONNECT"},
      {FailureKind::protocol, name + ": the answer is not HTTP/1.x"},
      {FailureKind::timeout, name + ": no answer to CONNECT within 100 ms"},
  };
  for (const auto& [kind, message] : expected) {
    Recorder recorder;
    auto request = make_request("https://api.test/");
    request.timeouts.connect_ms = 100;
    loop.start(recorder, std::move(request));
    CHECK(loop.run_until([&] { return recorder.is_over(); }));
    CHECK(recorder.failure.kind == kind);
    CHECK(recorder.failure.message == message);
  }
}

TEST_CASE("proxy: not there, not usable") {
  int port = 0;
  listen_on_loopback(port, 1).reset();
  BackendClientOptions options;
  options.proxy.http_proxy = "127.0.0.1:" + std::to_string(port);
  options.proxy.https_proxy = "socks5://x:1";
  Loop loop(options);
  Recorder gone, bad;
  loop.call(gone, "http://api.test/");
  CHECK(gone.failure.message ==
        "connect to proxy 127.0.0.1:" + std::to_string(port) + ": connection refused");
  loop.call(bad, "https://api.test/");
  CHECK(bad.failed);
  CHECK(bad.failure.message.find("HTTPS_PROXY") != std::string::npos);
}

}  // namespace
}  // namespace clasp::daemon::test
