// TLS towards backends: what is trusted, what is told when it is not, how a connection may end.
#include <openssl/ssl.h>

#include <atomic>

#include "backend_certificates.h"
#include "backend_harness.h"

namespace clasp::daemon::test {
namespace {

using exchange::FailureKind;

BackendClientOptions trusting(const Authority& authority) {
  BackendClientOptions options;
  options.ca_file = authority.file();
  return options;
}

// Serves answers over TLS until the client leaves.
Server::Script serve(std::shared_ptr<SSL_CTX> context, std::string answer,
                     std::atomic<int>* resumed = nullptr) {
  return [=](Peer& peer, int) {
    if (!peer.accept_tls(context.get())) return;
    if (resumed != nullptr && peer.was_resumed()) ++*resumed;
    while (!peer.read_request().empty()) peer.send(answer);
  };
}

TEST_CASE("tls: a good certificate, by address and by name; server name only for names") {
  const Authority authority;
  const auto context = authority.server();
  for (const std::string host : {"127.0.0.1", "api.test"}) {
    CAPTURE(host);
    std::string name = "unset";
    Server server([&](Peer& peer, int) {
      if (!peer.accept_tls(context.get())) return;
      name = peer.server_name();
      while (!peer.read_request().empty()) peer.send(ok("secret"));
    });
    {
      Loop loop(trusting(authority));
      Recorder first, second;
      loop.call(first, server.url(host, "https"));
      CHECK(first.body == "secret");
      CHECK(first.failure.message == "");
      loop.call(second, server.url(host, "https"), std::string(200'000, 'b'));
      CHECK(second.body == "secret");
      CHECK(loop.client->counters().opened == 1);
      CHECK(loop.client->counters().idle == 1);
    }
    server.stop();
    CHECK(name == (host == "127.0.0.1" ? "" : host));
  }
}

TEST_CASE("tls: what is refused, and in which words") {
  const Authority authority, stranger;
  struct Case {
    CertificateOrder order;
    const char* host;
    bool by_stranger;
    std::string message;
  };
  const std::vector<Case> cases = {
      {{.valid_from = -9'000, .valid_to = -5'000},
       "api.test",
       false,
       "certificate of api.test: certificate has expired"},
      {{.alternative_names = "DNS:other.test"},
       "api.test",
       false,
       "certificate of api.test: host name mismatch"},
      {{.alternative_names = "DNS:api.test"},
       "127.0.0.1",
       false,
       "certificate of 127.0.0.1: IP address mismatch"},
      {{.self_signed = true},
       "api.test",
       false,
       "certificate of api.test: self-signed certificate"},
      {{},
       "api.test",
       true,
       "certificate of api.test: issued by an unknown authority (is its CA file configured?)"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.message);
    Server server(serve((c.by_stranger ? stranger : authority).server(c.order), ok("x")));
    Loop loop(trusting(authority));
    Recorder recorder;
    loop.call(recorder, server.url(c.host, "https"));
    CHECK(recorder.failed);
    CHECK(recorder.failure.kind == FailureKind::tls);
    CHECK(recorder.failure.message == c.message);
    CHECK(recorder.failure.no_byte_received);
  }
}

TEST_CASE("tls: not TLS at all, silence, goodbye in the handshake") {
  const Authority authority;
  Server server([](Peer& peer, int index) {
    if (index == 0) peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    if (index == 1) return peer.close();
    if (index == 2) peer.wait_closed();
    peer.wait_closed(200);
  });
  Loop loop(trusting(authority));
  for (const char* text :
       {"does not speak TLS", "TLS handshake with 127.0.0.1", "not done within"}) {
    Recorder recorder;
    auto request = make_request(server.url("127.0.0.1", "https"));
    request.timeouts.tls_ms = 100;
    loop.start(recorder, std::move(request));
    CHECK(loop.run_until([&] { return recorder.is_over(); }));
    INFO(recorder.failure.message);
    CHECK(recorder.failure.message.find(text) != std::string::npos);
    CHECK(recorder.failure.no_byte_received);
  }
}

TEST_CASE("tls: the end without goodbye counts only before the end of the answer") {
  const Authority authority;
  const auto context = authority.server();
  struct Case {
    std::string bytes;
    bool says_goodbye;
    bool good;
  };
  const std::vector<Case> cases = {
      {"HTTP/1.0 200 OK\r\n\r\nhello", true, true},
      {"HTTP/1.0 200 OK\r\n\r\nhello", false, false},
      {kOkHead + "Content-Length: 9\r\n\r\nhello", true, false},
      {kOkHead + "Content-Length: 9\r\n\r\nhello", false, false},
      {kOkHead + "Content-Length: 5\r\nConnection: close\r\n\r\nhello", false, true},
      {kOkHead + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", false, false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.bytes);
    CAPTURE(c.says_goodbye);
    Server server([&](Peer& peer, int) {
      if (!peer.accept_tls(context.get())) return;
      peer.read_request();
      peer.send(c.bytes);
      if (!c.says_goodbye) peer.stop_tls();
      peer.close();
    });
    Loop loop(trusting(authority));
    Recorder recorder;
    loop.call(recorder, server.url("127.0.0.1", "https"));
    CHECK(recorder.ended == c.good);
    CHECK(recorder.body == "hello");
    if (!c.good) CHECK(recorder.failure.kind == FailureKind::reset);
  }
}

TEST_CASE("tls: sessions are resumed by the next connection") {
  const Authority authority;
  for (const bool only_tls12 : {false, true}) {
    CAPTURE(only_tls12);
    std::atomic<int> resumed{0};
    Server server(serve(authority.server({.only_tls12 = only_tls12}),
                        ok("x", "Connection: close\r\n"), &resumed));
    Loop loop(trusting(authority));
    for (int i = 0; i < 3; ++i) {
      Recorder recorder;
      loop.call(recorder, server.url("api.test", "https"));
      CHECK(recorder.ended);
    }
    CHECK(server.connections() == 3);
    CHECK(resumed == 2);
  }
}

TEST_CASE("tls: cancelled calls do not spoil the session") {
  const Authority authority;
  std::atomic<int> resumed{0};
  Server server(serve(authority.server(), kOkHead + "Content-Length: 99\r\n\r\nhello", &resumed));
  Loop loop(trusting(authority));
  for (int i = 0; i < 2; ++i) {
    Recorder recorder;
    loop.start(recorder, server.url("api.test", "https"));
    CHECK(loop.run_until([&] { return recorder.body == "hello"; }));
  }
  CHECK(resumed == 1);
}

TEST_CASE("tls: stale connection, tried again unseen") {
  const Authority authority;
  const auto context = authority.server();
  Server server([&](Peer& peer, int index) {
    if (!peer.accept_tls(context.get())) return;
    for (int i = 0; !peer.read_request().empty(); ++i) {
      if (index == 0 && i == 1) return peer.reset();
      peer.send(ok("x"));
    }
  });
  Loop loop(trusting(authority));
  Recorder first, second;
  loop.call(first, server.url("api.test", "https"));
  loop.call(second, server.url("api.test", "https"));
  CHECK(second.ended);
  CHECK(loop.client->counters().retried == 1);
}

TEST_CASE("tls: a large answer with pauses arrives whole") {
  const Authority authority;
  const auto context = authority.server();
  constexpr std::size_t kTotal = 20u << 20;
  std::atomic<std::size_t> sent{0};
  Server server([&](Peer& peer, int) {
    if (!peer.accept_tls(context.get())) return;
    peer.read_request();
    peer.send(kOkHead + "Content-Length: " + std::to_string(kTotal) + "\r\n\r\n");
    const std::string block(100'000, 'd');
    std::size_t left = kTotal;
    while (left > 0 && peer.send(std::string_view(block).substr(0, left))) {
      sent += std::min(left, block.size());
      left -= std::min(left, block.size());
    }
    peer.wait_closed();
  });
  Loop loop(trusting(authority));
  Recorder recorder;
  recorder.keep_body = false;
  recorder.at_body = [&] { recorder.call->pause(); };
  loop.start(recorder, server.url("api.test", "https"));
  CHECK(loop.run_until([&] { return recorder.body_bytes > 0; }));
  loop.run_for(100);
  CHECK(sent < kTotal);
  while (!recorder.is_over() && recorder.body_bytes < kTotal) {
    const std::size_t before = recorder.body_bytes;
    recorder.call->resume();
    REQUIRE(loop.run_until([&] { return recorder.body_bytes > before || recorder.is_over(); }));
  }
  CHECK(recorder.ended);
  CHECK(recorder.largest_read <= 256 * 1024);
}

TEST_CASE("tls: a large request, and an early answer to one") {
  const Authority authority;
  const auto context = authority.server();
  std::atomic<std::size_t> received{0};
  Server server([&](Peer& peer, int index) {
    if (!peer.accept_tls(context.get())) return;
    if (index == 0) {
      received = peer.read_request().size();
      peer.send(ok("x"));
    } else {
      peer.read_head();
      peer.send("HTTP/1.1 413 Large\r\nContent-Length: 3\r\n\r\nbig");
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      peer.stop_tls();
      peer.close();
    }
  });
  Loop loop(trusting(authority));
  Recorder whole, early;
  loop.call(whole, server.url("api.test", "https"), std::string(5 << 20, 'q'));
  CHECK(whole.ended);
  CHECK(received > 5u << 20);
  loop.client->close_idle();
  loop.call(early, server.url("api.test", "https"), std::string(30 << 20, 'q'));
  CHECK(early.status == 413);
  CHECK(early.body == "big");
  CHECK(early.ended);
}

TEST_CASE("tls: a CA file that cannot be used is named") {
  BackendClientOptions options;
  options.ca_file = "/nonexistent/ca.pem";
  Server server([](Peer& peer, int) { peer.wait_closed(); });
  Loop loop(options);
  Recorder recorder;
  loop.call(recorder, server.url("127.0.0.1", "https"));
  CHECK(recorder.failure.kind == FailureKind::tls);
  CHECK(recorder.failure.message.find("/nonexistent/ca.pem") != std::string::npos);
}

}  // namespace
}  // namespace clasp::daemon::test
