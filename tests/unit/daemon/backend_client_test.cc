// The backend client over plain connections: framings, endings, limits of time, cancelling.
#include <atomic>

#include "backend_harness.h"

namespace clasp::daemon::test {
namespace {

using exchange::FailureKind;

TEST_CASE("backend: request as sent, answer as read, connection reused") {
  std::vector<std::string> seen;
  std::mutex mutex;
  Server server([&](Peer& peer, int) {
    for (int i = 0; i < 2; ++i) {
      const std::string request = peer.read_request();
      {
        const std::lock_guard lock(mutex);
        seen.push_back(request);
      }
      peer.send(ok("hello", "X-A: b\r\n"));
    }
    peer.wait_closed();
  });
  Loop loop;
  Recorder first, second;
  loop.call(first, server.url(), R"({"a":1})");
  CHECK(first.ended);
  CHECK(first.status == 200);
  CHECK(first.body == "hello");
  CHECK(first.headers.get("x-a") == "b");
  CHECK(loop.client->counters().idle == 1);
  loop.call(second, server.url("127.0.0.1", "http", "/other?x=y"), std::string(300'000, 'b'));
  CHECK(second.body == "hello");
  CHECK(server.connections() == 1);
  const BackendCounters counters = loop.client->counters();
  CHECK(counters.opened == 1);
  CHECK(counters.reused == 1);
  CHECK(counters.active == 2);
  CHECK(counters.lookups == 0);
  CHECK(counters.bytes_out > 300'000);
  const std::lock_guard lock(mutex);
  REQUIRE(seen.size() == 2);
  CHECK(seen[0] == "POST /v1/x HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                       "\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
  CHECK(seen[1].starts_with("POST /other?x=y HTTP/1.1\r\n"));
  CHECK(seen[1].ends_with("bbb"));
}

struct Framing {
  const char* name;
  std::string bytes;
  bool closes;
  std::string body;
};

std::vector<Framing> framings() {
  return {
      {"length", ok("hello"), false, "hello"},
      {"chunked",
       kOkHead + "Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nT: v\r\n\r\n",
       false, "hello"},
      {"close", "HTTP/1.0 200 OK\r\n\r\nhello", true, "hello"},
      {"interim",
       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + ok("hello"), false,
       "hello"},
      {"no content", "HTTP/1.1 204 No Content\r\n\r\n", false, ""},
  };
}

TEST_CASE("backend: every framing, split at every byte") {
  for (const Framing& framing : framings()) {
    CAPTURE(framing.name);
    std::atomic<std::size_t> cut{0};
    Server server([&](Peer& peer, int) {
      while (!peer.read_request().empty()) {
        const std::string_view bytes = framing.bytes;
        peer.send(bytes.substr(0, cut));
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        peer.send(bytes.substr(cut));
        if (framing.closes) return peer.close();
      }
    });
    Loop loop;
    for (cut = 1; cut < framing.bytes.size(); ++cut) {
      Recorder recorder;
      loop.call(recorder, server.url());
      CHECK(recorder.ended);
      CHECK(recorder.body == framing.body);
    }
    CHECK(server.connections() ==
          (framing.closes ? static_cast<int>(framing.bytes.size()) - 1 : 1));
  }
}

TEST_CASE("backend: HEAD has no body") {
  Server server([](Peer& peer, int) {
    peer.read_request();
    peer.send(kOkHead + "Content-Length: 50\r\n\r\n");
    peer.wait_closed();
  });
  Loop loop;
  Recorder recorder;
  auto request = make_request(server.url(), "");
  request.method = "HEAD";
  loop.start(recorder, std::move(request));
  CHECK(loop.run_until([&] { return recorder.ended; }));
  CHECK(loop.client->counters().idle == 1);
}

TEST_CASE("backend: failures of the answer") {
  struct Case {
    std::string bytes;
    FailureKind kind;
    const char* message;
  };
  const std::vector<Case> cases = {
      {"SSH-2.0-OpenSSH\r\n", FailureKind::protocol, "not HTTP"},
      {"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", FailureKind::protocol, "101"},
      {kOkHead + "Content-Length: 10\r\n\r\nhello", FailureKind::reset, "middle"},
      {kOkHead + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", FailureKind::reset, "middle"},
      {kOkHead + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n", FailureKind::protocol,
       "chunk"},
      {kOkHead + "A: " + std::string(70'000, 'x'), FailureKind::too_large, "64 KB"},
      {"", FailureKind::reset, "before an answer"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.message);
    Server server([&](Peer& peer, int) {
      peer.read_request();
      peer.send(c.bytes);
      peer.close();
    });
    Loop loop;
    Recorder recorder;
    loop.call(recorder, server.url());
    CHECK(recorder.failed);
    CHECK(recorder.failure.kind == c.kind);
    CHECK(recorder.failure.message.find(c.message) != std::string::npos);
    CHECK(recorder.failure.message.starts_with("127.0.0.1:"));
    CHECK(recorder.failure.no_byte_received == c.bytes.empty());
    CHECK(!recorder.failure.connection_reused);
    // Section 8: not one byte came, so it was tried once more.
    CHECK(server.connections() == (c.bytes.empty() ? 2 : 1));
    loop.run_for(5);
    CHECK(recorder.after_over == 0);
  }
}

TEST_CASE("section 8: a server that closes before a byte is asked once more, at once") {
  Server server([](Peer& peer, int index) {
    peer.read_request();
    if (index == 0) return peer.close();
    peer.send(ok("x"));
  });
  Loop loop;
  Recorder recorder;
  loop.call(recorder, server.url());
  CHECK(recorder.ended);
  CHECK(recorder.body == "x");
  CHECK(server.connections() == 2);
  CHECK(loop.client->counters().retried == 1);
}

TEST_CASE("backend: refused, unknown, unusable") {
  int port = 0;
  listen_on_loopback(port, 1).reset();
  Loop loop;
  Recorder refused, unknown, bad, header;
  loop.start(refused, "http://127.0.0.1:" + std::to_string(port) + "/");
  CHECK(!refused.is_over());  // never from inside start()
  CHECK(loop.run_until([&] { return refused.is_over(); }));
  CHECK(refused.failure.kind == FailureKind::connect);
  CHECK(refused.failure.message ==
        "connect to 127.0.0.1:" + std::to_string(port) + ": connection refused");
  CHECK(refused.failure.no_byte_received);
  loop.call(unknown, "http://nowhere.invalid/");
  CHECK(unknown.failure.kind == FailureKind::name);
  CHECK(unknown.failure.message == "look up nowhere.invalid: name or service not known");
  loop.start(bad, "nonsense");
  CHECK(!bad.is_over());
  CHECK(loop.run_until([&] { return bad.is_over(); }));
  CHECK(bad.failed);
  auto request = make_request("http://127.0.0.1:1/");
  request.headers.add("X", "a\r\nB: c");
  Server server([](Peer& peer, int) { peer.wait_closed(); });
  request.url = server.url();
  loop.start(header, std::move(request));
  CHECK(loop.run_until([&] { return header.is_over(); }));
  CHECK(header.failed);
}

TEST_CASE("backend: name in the URL goes through the resolver and into Host") {
  std::string seen;
  Server server([&](Peer& peer, int) {
    seen = peer.read_request();
    peer.send(ok("x"));
  });
  Loop loop;
  {
    Recorder recorder;
    loop.call(recorder, server.url("api.test"));
    CHECK(recorder.ended);
    CHECK(loop.client->counters().lookups == 1);
  }
  server.stop();
  CHECK(seen.find("Host: api.test:" + std::to_string(server.port()) + "\r\n") != seen.npos);
}

TEST_CASE("backend: cancelling while the name is looked up") {
  Loop loop;
  Recorder recorder;
  loop.start(recorder, "http://api.test:1/");
  recorder.call.reset();
  loop.run_for(30);
  CHECK(!recorder.is_over());
}

// A listener whose queue is full takes no more connections: SYNs are dropped.
TEST_CASE("backend: connect hangs") {
  int port = 0;
  const UniqueFd listener = listen_on_loopback(port, 0);
  Loop loop;
  std::vector<std::unique_ptr<Recorder>> fillers;
  auto patient = make_request("http://127.0.0.1:" + std::to_string(port) + "/");
  for (int i = 0; i < 3; ++i) {
    fillers.push_back(std::make_unique<Recorder>());
    loop.start(*fillers.back(), patient);
  }
  loop.run_for(50);
  Recorder recorder;
  auto request = patient;
  request.timeouts.connect_ms = 150;
  const auto begin = now_ms();
  loop.start(recorder, std::move(request));
  CHECK(loop.run_until([&] { return recorder.is_over(); }));
  CHECK(now_ms() - begin >= 140);
  CHECK(now_ms() - begin < 1'000);
  CHECK(recorder.failure.kind == FailureKind::timeout);
  CHECK(recorder.failure.message.find("no answer within 150 ms") != std::string::npos);
}

TEST_CASE("backend: no first byte, then a stall in the middle") {
  Server server([](Peer& peer, int index) {
    peer.read_request();
    if (index == 1) peer.send(kOkHead + "Content-Length: 10\r\n\r\nhello");
    peer.wait_closed();
  });
  Loop loop;
  for (int i = 0; i < 2; ++i) {
    Recorder recorder;
    auto request = make_request(server.url());
    request.timeouts.first_byte_ms = i == 0 ? 120 : 5'000;
    request.timeouts.idle_ms = i == 0 ? 5'000 : 120;
    const auto begin = now_ms();
    loop.start(recorder, std::move(request));
    CHECK(loop.run_until([&] { return recorder.is_over(); }));
    CHECK(now_ms() - begin >= 115);
    CHECK(now_ms() - begin < 1'000);
    CHECK(recorder.failure.kind == FailureKind::timeout);
    CHECK(recorder.failure.no_byte_received == (i == 0));
    CHECK(recorder.failure.message.find("120 ms") != std::string::npos);
    CHECK(recorder.body == (i == 0 ? "" : "hello"));
  }
}

TEST_CASE("backend: bytes keep the idle timer away") {
  Server server([](Peer& peer, int) {
    peer.read_request();
    peer.send(kOkHead + "Content-Length: 8\r\n\r\n");
    for (int i = 0; i < 8; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      peer.send("x");
    }
    peer.wait_closed();
  });
  Loop loop;
  Recorder recorder;
  auto request = make_request(server.url());
  request.timeouts.idle_ms = 200;
  loop.start(recorder, std::move(request));
  CHECK(loop.run_until([&] { return recorder.is_over(); }));
  CHECK(recorder.body == "xxxxxxxx");
}

TEST_CASE("backend: early answer while the body is still being sent") {
  for (const bool resets : {false, true}) {
    CAPTURE(resets);
    Server server([&](Peer& peer, int) {
      peer.read_head();
      peer.send("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig");
      if (resets) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        return peer.close();  // with unread bytes: the kernel sends RST
      }
      peer.wait_closed();
    });
    Loop loop;
    Recorder recorder;
    loop.call(recorder, server.url(), std::string(30 << 20, 'z'));
    CHECK(recorder.ended);
    CHECK(recorder.status == 413);
    CHECK(recorder.body == "big");
    CHECK(loop.client->counters().idle == 0);
  }
}

TEST_CASE("backend: a peer that takes no bytes") {
  Server server([](Peer& peer, int) {
    peer.read_head();
    std::this_thread::sleep_for(std::chrono::milliseconds(600));
  });
  Loop loop;
  Recorder recorder;
  auto request = make_request(server.url(), std::string(30 << 20, 'z'));
  request.timeouts.first_byte_ms = 150;
  loop.start(recorder, std::move(request));
  CHECK(loop.run_until([&] { return recorder.is_over(); }));
  CHECK(recorder.failure.kind == FailureKind::timeout);
  CHECK(recorder.failure.message.find("taken") != std::string::npos);
}

TEST_CASE("backend: cancelling closes at once") {
  std::atomic<std::int64_t> closed_at{0};
  Server server([&](Peer& peer, int) {
    peer.read_request();
    peer.send(kOkHead + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    if (peer.wait_closed()) closed_at = now_ms();
  });
  Loop loop;
  Recorder recorder;
  loop.start(recorder, server.url());
  CHECK(loop.run_until([&] { return recorder.body == "hello"; }));
  const auto begin = now_ms();
  recorder.call.reset();
  CHECK(loop.run_until([&] { return closed_at != 0; }));
  CHECK(closed_at - begin < 100);
  CHECK(!recorder.is_over());
}

TEST_CASE("backend: the call may be destroyed inside every callback") {
  for (const int where : {0, 1, 2, 3}) {
    CAPTURE(where);
    Server server([&](Peer& peer, int) {
      peer.read_request();
      peer.send(where == 3 ? kOkHead + "Content-Length: 9\r\n\r\nhello" : ok("hello"));
      if (where == 3) peer.close();
      peer.wait_closed();
    });
    Loop loop;
    Recorder recorder;
    bool gone = false;
    const auto drop = [&] {
      recorder.call.reset();
      gone = true;
    };
    (where == 0   ? recorder.at_head
     : where == 1 ? recorder.at_body
     : where == 2 ? recorder.at_end
                  : recorder.at_failure) = drop;
    loop.start(recorder, server.url());
    CHECK(loop.run_until([&] { return gone; }));
    loop.run_for(5);
    CHECK(recorder.after_over == 0);
    CHECK(recorder.body == (where == 0 ? "" : "hello"));
    CHECK(recorder.ended == (where == 2));
    CHECK(loop.client->counters().idle == (where == 2 ? 1u : 0u));
    CHECK(loop.client->counters().active == 0);
  }
}

TEST_CASE("backend: the next call starts inside the end of the last, on its connection") {
  Server server([](Peer& peer, int) {
    while (!peer.read_request().empty()) peer.send(ok("x"));
  });
  Loop loop;
  Recorder first, second;
  first.at_end = [&] {
    first.call.reset();
    loop.start(second, server.url());
  };
  loop.start(first, server.url());
  CHECK(loop.run_until([&] { return second.ended; }));
  CHECK(server.connections() == 1);
}

TEST_CASE("backend: pausing leaves the bytes in the kernel") {
  constexpr std::size_t kTotal = 100u << 20;
  std::atomic<std::size_t> sent{0};
  Server server([&](Peer& peer, int) {
    peer.read_request();
    peer.send(kOkHead + "Content-Length: " + std::to_string(kTotal) + "\r\n\r\n");
    const std::string block(1 << 20, 'd');
    for (std::size_t i = 0; i < kTotal >> 20 && peer.send(block); ++i) sent += block.size();
    peer.wait_closed();
  });
  Loop loop;
  Recorder recorder;
  recorder.keep_body = false;
  recorder.at_body = [&] { recorder.call->pause(); };
  auto request = make_request(server.url());
  request.timeouts.idle_ms = 100;  // does not run while paused
  loop.start(recorder, std::move(request));
  CHECK(loop.run_until([&] { return recorder.body_bytes > 0; }));
  loop.run_for(300);
  CHECK(!recorder.is_over());
  CHECK(recorder.body_bytes <= 256 * 1024);
  CHECK(sent < 16u << 20);
  while (!recorder.is_over() && recorder.body_bytes < kTotal) {
    const std::size_t before = recorder.body_bytes;
    recorder.call->resume();
    REQUIRE(loop.run_until([&] { return recorder.body_bytes > before || recorder.is_over(); }));
  }
  CHECK(loop.run_until([&] { return recorder.ended; }));
  CHECK(recorder.body_bytes == kTotal);
  CHECK(recorder.largest_read <= 256 * 1024);
}

}  // namespace
}  // namespace clasp::daemon::test
