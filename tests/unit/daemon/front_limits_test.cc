// What the server does not put up with: large bodies, slow clients, too many of them.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>

#include "base/log.h"
#include "front_fixture.h"

using namespace clasp;
using namespace clasp::test;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

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

std::chrono::milliseconds since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
}

}  // namespace

TEST_CASE("a body of exactly the limit passes, one byte more does not") {
  Server server(quick_limits());
  Client client(server);
  const std::string fits(1u << 20, 'x');
  REQUIRE(client.send(post("/echo", fits)));
  CHECK(client.read().body == fits);
  REQUIRE(client.send(post("/echo", fits + "x")));
  const Response got = client.read();
  CHECK(got.status == 413);
  CHECK(got.body.find("request_too_large") != std::string::npos);
  Client chunked(server);
  const std::string head = "POST /sync HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
  REQUIRE(chunked.send(head + "100000\r\n" + fits + "\r\n0\r\n\r\n"));
  CHECK(chunked.read().status == 200);
  REQUIRE(chunked.send(head + "100001\r\n"));
  CHECK(chunked.read().status == 413);
}

TEST_CASE("413 reaches a client that goes on uploading") {
  daemon::HttpLimits limits = quick_limits();
  limits.body_bytes = 4000;
  Server server(limits);
  for (const std::size_t size : {5u << 10, 300u << 10, 30u << 20}) {
    CAPTURE(size);
    const std::string request = post("/echo", std::string(size, 'x'));
    Client client(server);
    // Sends everything before it reads anything.
    CHECK(client.send(request));
    const Response got = client.read();
    CHECK(got.status == 413);
    CHECK(got.complete);
    CHECK(client.closed_within(5s));
  }
  // A slow uploader, at 10 KB every 5 ms.
  Client slow(server);
  REQUIRE(slow.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 300000\r\n\r\n"));
  bool sent = true;
  for (int i = 0; i < 30 && sent; ++i) {
    sent = slow.send(std::string(10'000, 'x'));
    std::this_thread::sleep_for(5ms);
  }
  CHECK(sent);
  CHECK(slow.read().status == 413);
}

TEST_CASE("a declared length reserves no memory to speak of") {
  daemon::HttpLimits limits = quick_limits();
  limits.body_bytes = 32u << 20;
  limits.body_timeout = Duration(5000);
  Server server(limits);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(std::make_unique<Client>(server));
    REQUIRE(clients.back()->send(
        "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 33554432\r\n\r\nx"));
  }
  CHECK(server.connections() == 50);
}

TEST_CASE("a body of 32 MB arrives unharmed") {
  daemon::HttpLimits limits;
  Server server(limits);
  Client client(server);
  std::string body(32u << 20, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 7 + (i >> 13));
  std::thread sender([&] { client.send(post("/echo", body)); });
  const Response got = client.read(false, 20s);
  sender.join();
  CHECK(got.body == body);
  CHECK_FALSE(server.handler().padding_missing);
}

TEST_CASE("a head that drips in is cut at its deadline with 408") {
  Server server(quick_limits());
  Client client(server);
  const auto start = Clock::now();
  const std::string head = "GET /sync HTTP/1.1\r\nHost: t\r\nX-Slow: ";
  REQUIRE(client.send(head));
  Response got;
  while (since(start) < 3s && got.status == 0) {
    client.send("x");
    got = client.read(false, 50ms);
  }
  CHECK(got.status == 408);
  CHECK(since(start) > 250ms);
  CHECK(since(start) < 1s);
}

TEST_CASE("the deadline of a later head begins with its first byte") {
  daemon::HttpLimits limits = quick_limits();
  limits.idle_timeout = Duration(3000);
  Server server(limits);
  Client client(server);
  REQUIRE(client.send(get("/sync")));
  CHECK(client.read().status == 200);
  std::this_thread::sleep_for(400ms);
  const auto start = Clock::now();
  REQUIRE(client.send("GET /sy"));
  CHECK(client.read().status == 408);
  CHECK(since(start) > 250ms);
  CHECK(since(start) < 1s);
}

TEST_CASE("a body that stops coming is cut with 408, a slow one is not") {
  Server server(quick_limits());
  Client client(server);
  REQUIRE(client.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\n"));
  for (int i = 0; i < 10; ++i) {
    std::this_thread::sleep_for(60ms);
    REQUIRE(client.send("x"));
  }
  CHECK(client.read().status == 200);
  const auto start = Clock::now();
  REQUIRE(client.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\nxx"));
  CHECK(client.read().status == 408);
  CHECK(since(start) < 1s);
}

TEST_CASE("idle connections are closed without a word") {
  Server server(quick_limits());
  Client silent(server);
  Client kept(server);
  REQUIRE(kept.send(get("/sync")));
  CHECK(kept.read().status == 200);
  const auto start = Clock::now();
  CHECK(silent.read_all(2s).empty());
  CHECK(kept.read_all(2s).empty());
  CHECK(since(start) < 1s);
  CHECK_FALSE(silent.was_reset());
  CHECK(server.connections() == 0);
}

TEST_CASE("no timer cuts a stream or a request that takes its time") {
  Server server(quick_limits());
  Client client(server);
  REQUIRE(client.send(get("/stream?n=400")));
  const Response got = client.read();
  CHECK(got.complete);
  CHECK(got.body.ends_with("data: 399\n\n"));
  Client holding(server);
  REQUIRE(holding.send(get("/hold")));
  CHECK_FALSE(holding.closed_within(1s));
  CHECK(server.handler().live_tasks == 1);
}

TEST_CASE("a client that takes no byte loses its connection") {
  Server server(quick_limits());
  Client client(server, 4096);
  REQUIRE(client.send(get("/flood?n=50000000")));
  CHECK(eventually([&] { return server.handler().gone == 1; }));
  CHECK(server.handler().live_tasks == 0);
  CHECK(eventually([&] { return server.connections() == 0; }));
}

TEST_CASE("where places are kept the connection that has waited longest makes room") {
  daemon::HttpLimits limits;
  limits.connections = 3;
  limits.reserved = 1;  // the handler gives everybody precedence
  Server server(limits);
  Client first(server), second(server), third(server);
  const auto served = [](Client& client) {
    return client.send(get("/sync")) && client.read().status == 200;
  };
  REQUIRE(served(second));
  REQUIRE(served(third));
  REQUIRE(served(first));  // so the second one has waited longest by now
  Client fourth(server);
  CHECK(served(fourth));
  CHECK(second.closed_within(2s));
  CHECK(served(first));
  CHECK(served(third));
  // Nobody who is in the middle of something has to go.
  for (Client* client : {&first, &third, &fourth}) REQUIRE(client->send("GET /sync HTT"));
  std::this_thread::sleep_for(100ms);
  Client fifth(server);
  if (!server.tls()) CHECK(fifth.read().status == 529);
}

TEST_CASE("connections above the limit are answered 529") {
  daemon::HttpLimits limits;
  limits.connections = 3;
  Server server(limits);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<Client>(server));
    REQUIRE(clients.back()->send(get("/sync")));
    CHECK(clients.back()->read().status == 200);
  }
  for (int i = 0; i < 5; ++i) {
    Client more(server);
    REQUIRE(more.send(get("/sync")));
    const Response got = more.read();
    CHECK(got.status == 529);
    CHECK(got.body.find("overloaded_error") != std::string::npos);
    CHECK(more.closed_within(1s));
    CHECK_FALSE(more.was_reset());
  }
  clients.pop_back();
  CHECK(eventually([&] {
    Client again(server);
    return again.send(get("/sync")) && again.read().status == 200;
  }));
}

TEST_CASE("running out of descriptors neither spins nor stops the server, and is told once") {
  struct Lines final : LogSink {
    Lines() { set_log_sink(this); }
    ~Lines() override { set_log_sink(nullptr); }
    void write(LogLevel, std::string_view message, const std::vector<LogField>&) override {
      if (message.starts_with("cannot accept connections")) ++told;
    }
    std::atomic<int> told = 0;
  } lines;
  Server server;
  if (server.tls()) return;  // handshakes cannot wait in a queue
  Client first(server);
  REQUIRE(first.send(get("/sync")));
  CHECK(first.read().status == 200);
  rlimit old{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &old) == 0);
  std::unique_ptr<Client> second, third;
  server.run([&](daemon::HttpServer&) {
    // The loop is here: these wait in the accept queue until no descriptor is left.
    second = std::make_unique<Client>(server);
    third = std::make_unique<Client>(server);
    const int next = dup(0);
    ::close(next);
    const rlimit tight{static_cast<rlim_t>(next), old.rlim_max};
    setrlimit(RLIMIT_NOFILE, &tight);
  });
  const clock_t before = clock();
  second->send(get("/sync"));
  const std::string seen = second->read_all(700ms);
  const double used = static_cast<double>(clock() - before) / CLOCKS_PER_SEC;
  REQUIRE(setrlimit(RLIMIT_NOFILE, &old) == 0);
  CHECK(used < 0.3);
  CHECK(lines.told.load() <= 1);  // none where a descriptor became free meanwhile
  if (!seen.empty()) CHECK(seen.starts_with("HTTP/1.1 529 "));
  REQUIRE(first.send(get("/sync")));
  CHECK(first.read().status == 200);
  CHECK(eventually([&] {
    Client again(server);
    return again.send(get("/sync")) && again.read().status == 200;
  }));
}
