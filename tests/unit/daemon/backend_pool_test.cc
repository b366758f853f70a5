// Keep-alive connections: reuse, staleness, the silent second try, limits.
#include <atomic>

#include "backend_harness.h"

namespace clasp::daemon::test {
namespace {

using exchange::FailureKind;

// Answers `good` requests on each connection, then does `last` with the next one.
Server::Script after(int good, std::function<void(Peer&)> last) {
  return [good, last](Peer& peer, int index) {
    for (int i = 0; i < (index == 0 ? good : 1'000); ++i) {
      if (peer.read_request().empty()) return;
      peer.send(ok("x"));
    }
    last(peer);
  };
}

TEST_CASE("pool: a connection closed while idle is dropped") {
  Server server(after(1, [](Peer& peer) { peer.close(); }));
  Loop loop;
  Recorder first, second;
  loop.call(first, server.url());
  CHECK(loop.run_until([&] { return loop.client->counters().idle == 0; }));
  loop.call(second, server.url());
  CHECK(second.ended);
  CHECK(loop.client->counters().retried == 0);
  CHECK(loop.client->counters().opened == 2);
}

TEST_CASE("pool: bytes nobody asked for end an idle connection") {
  Server server(after(1, [](Peer& peer) {
    peer.send("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
    peer.wait_closed();
  }));
  Loop loop;
  Recorder first;
  loop.call(first, server.url());
  CHECK(loop.run_until([&] { return loop.client->counters().idle == 0; }));
  CHECK(first.after_over == 0);
}

TEST_CASE("pool: closed or reset on reuse before a byte came: tried again unseen") {
  for (const bool resets : {false, true}) {
    CAPTURE(resets);
    const std::string body(500'000, 'r');
    std::atomic<int> complete{0};
    Server server([&](Peer& peer, int index) {
      for (int i = 0; peer.read_request().ends_with("r"); ++i) {
        if (index == 0 && i == 1) return resets ? peer.reset() : peer.close();
        ++complete;
        peer.send(ok("x"));
      }
    });
    Loop loop;
    Recorder first, second;
    loop.call(first, server.url(), "r");
    loop.call(second, server.url(), body);
    CHECK(second.ended);
    CHECK(second.body == "x");
    CHECK(complete == 2);
    const BackendCounters counters = loop.client->counters();
    CHECK(counters.retried == 1);
    CHECK(counters.reused == 1);
    CHECK(counters.opened == 2);
  }
}

TEST_CASE("pool: the second try is the last one") {
  Server server([](Peer& peer, int index) {
    peer.read_request();
    if (index > 0) return peer.reset();
    peer.send(ok("x"));
    peer.read_request();
    peer.reset();
  });
  Loop loop;
  Recorder first, second;
  loop.call(first, server.url());
  loop.call(second, server.url());
  CHECK(second.failed);
  CHECK(second.failure.kind == FailureKind::reset);
  CHECK(second.failure.no_byte_received);
  CHECK(!second.failure.connection_reused);
  CHECK(server.connections() == 2);
}

TEST_CASE("pool: no second try once a byte came") {
  Server server(after(1, [](Peer& peer) {
    peer.read_request();
    peer.send("H");
    peer.close();
  }));
  Loop loop;
  Recorder first, second;
  loop.call(first, server.url());
  loop.call(second, server.url());
  CHECK(second.failed);
  CHECK(second.failure.connection_reused);
  CHECK(!second.failure.no_byte_received);
  CHECK(server.connections() == 1);
}

TEST_CASE("pool: what may not be reused") {
  for (const char* fields : {"Connection: close\r\n", "Keep-Alive: timeout=1\r\n"}) {
    CAPTURE(fields);
    Server server([&](Peer& peer, int) {
      peer.read_request();
      peer.send(ok("x", fields));
      peer.wait_closed();
    });
    Loop loop;
    Recorder recorder;
    loop.call(recorder, server.url());
    CHECK(recorder.ended);
    CHECK(loop.client->counters().idle == 0);
  }
  Server surplus([](Peer& peer, int) {
    peer.read_request();
    peer.send(ok("x") + "more");
    peer.wait_closed();
  });
  Loop loop;
  Recorder recorder;
  loop.call(recorder, surplus.url());
  CHECK(recorder.ended);
  CHECK(recorder.body == "x");
  CHECK(loop.client->counters().idle == 0);
}

TEST_CASE("pool: limits of number and age") {
  Server server(after(1'000, [](Peer&) {}));
  BackendClientOptions options;
  options.pool.idle_per_origin = 3;
  options.pool.idle_time = Duration(100);
  Loop loop(options);
  std::vector<std::unique_ptr<Recorder>> all;
  for (int i = 0; i < 8; ++i) {
    all.push_back(std::make_unique<Recorder>());
    loop.start(*all.back(), server.url());
  }
  for (const auto& recorder : all) CHECK(loop.run_until([&] { return recorder->ended; }));
  CHECK(loop.client->counters().opened == 8);
  CHECK(loop.client->counters().idle == 3);
  loop.run_for(120);
  Recorder late;
  loop.call(late, server.url());  // those that are too old are not used
  CHECK(loop.client->counters().opened == 9);
  CHECK(loop.client->counters().idle == 1);
  CHECK(loop.run_until([&] { return loop.client->counters().idle == 0; }));
  loop.client->close_idle();
}

TEST_CASE("pool: the one used last is used first") {
  std::atomic<int> last{-1};
  Server server([&](Peer& peer, int index) {
    while (!peer.read_request().empty()) {
      last = index;
      std::this_thread::sleep_for(std::chrono::milliseconds(index == 0 ? 40 : 5));
      peer.send(ok("x"));
    }
  });
  Loop loop;
  Recorder slow, fast, next;
  loop.start(slow, server.url());
  CHECK(loop.run_until([&] { return server.connections() == 1; }));
  loop.call(fast, server.url());
  CHECK(loop.run_until([&] { return slow.ended; }));
  loop.call(next, server.url());
  CHECK(last == 0);
}

}  // namespace
}  // namespace clasp::daemon::test
