// Clients that leave, clients that read slowly, and a server that wants to end.
#include <doctest/doctest.h>
#include <netinet/in.h>

#include "front_fixture.h"

using namespace clasp;
using namespace clasp::test;
using namespace std::chrono_literals;

TEST_CASE("a client that leaves while its request runs is noticed at once, however it leaves") {
  Server server;
  const auto leave = [&](const char* path, const std::function<void(Client&)>& how, int count) {
    Client client(server);
    REQUIRE(client.send(get(path)));
    REQUIRE(eventually([&] { return server.handler().live_tasks == 1; }));
    how(client);
    REQUIRE(eventually([&] { return server.handler().gone == count; }));
    REQUIRE(eventually([&] { return server.handler().live_tasks == 0; }));
  };
  int count = 0;
  for (const char* path : {"/hold", "/stream?n=100000"}) {
    CAPTURE(path);
    leave(
        path, [](Client& client) { client.close(); }, ++count);
    leave(
        path, [](Client& client) { client.reset(); }, ++count);
    leave(
        path, [](Client& client) { client.half_close(); }, ++count);
  }
  CHECK(eventually([&] { return server.connections() == 0; }));
}

TEST_CASE("a client that leaves while more than we read waits in its socket") {
  Server server;
  for (const bool reset : {false, true}) {
    Client client(server);
    REQUIRE(client.send(get("/hold")));
    REQUIRE(eventually([&] { return server.handler().live_tasks == 1; }));
    REQUIRE(client.send(std::string(100'000, 'x')));  // more than is read ahead
    server.run([](daemon::HttpServer&) {});
    REQUIRE(client.send(std::string(10'000, 'x')));  // stays in the socket
    if (reset)
      client.reset();
    else
      client.close();
    CHECK(eventually([&] { return server.handler().live_tasks == 0; }));
  }
  CHECK(server.handler().gone == 2);
}

TEST_CASE("uploads that break off never reach the handler") {
  Server server;
  for (int i = 0; i < 50; ++i) {
    Client client(server);
    REQUIRE(client.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 100000\r\n\r\n" +
                        std::string(static_cast<std::size_t>(i) * 1999, 'x')));
    if (i % 2 == 0) client.reset();
  }
  CHECK(eventually([&] { return server.connections() == 0; }));
  CHECK(server.handler().requests == 0);
}

TEST_CASE("an answer that is complete reaches a client that half-closed after asking") {
  Server server;
  Client client(server);
  REQUIRE(client.send(get("/sync") + get("/sync?2")));
  client.half_close();
  const std::string all = client.read_all();
  CHECK(all.find("GET /sync  0") != std::string::npos);
  CHECK(eventually([&] { return server.connections() == 0; }));
}

TEST_CASE("a slow reader holds the writer back and gets everything") {
  Server server;
  Client client(server, 8192);
  constexpr std::size_t kSize = 20'000'000;
  REQUIRE(client.send(get("/flood?n=" + std::to_string(kSize))));
  std::this_thread::sleep_for(100ms);
  const Response got = client.read(false, 20s);
  CHECK(got.complete);
  CHECK(got.body.size() == kSize);
  CHECK(got.body.find_first_not_of('f') == std::string::npos);
  CHECK(server.handler().most_pending < (300u << 10));
  REQUIRE(client.send(get("/sync")));
  CHECK(client.read().status == 200);
}

TEST_CASE("many streams, all cut off at random points") {
  Server server;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(std::make_unique<Client>(server));
    REQUIRE(clients.back()->send(get(i % 2 ? "/flood?n=3000000" : "/stream?n=5000")));
  }
  for (int i = 0; i < 100; ++i) {
    auto& client = clients[static_cast<std::size_t>(i * 37 % 100)];
    if (i % 3 == 0) client->read(false, 1ms);
    if (i % 2 == 0)
      client->reset();
    else
      client->close();
  }
  CHECK(eventually([&] { return server.handler().live_tasks == 0; }));
  CHECK(eventually([&] { return server.connections() == 0; }));
}

TEST_CASE("draining: idle connections close, running requests finish and say close") {
  Server server;
  Client idle(server), running(server), half(server), fresh(server);
  REQUIRE(idle.send(get("/sync")));
  CHECK(idle.read().status == 200);
  REQUIRE(running.send(get("/hold")));
  REQUIRE(half.send("GET /sync HTTP/1.1\r\nHo"));
  REQUIRE(eventually([&] { return server.handler().live_tasks == 1; }));
  Client streaming(server);
  REQUIRE(streaming.send(get("/stream?n=300")));
  REQUIRE(eventually([&] { return server.handler().live_tasks == 2; }));
  server.run([](daemon::HttpServer& http) {
    http.stop_accepting();
    http.drain();
  });
  CHECK(idle.closed_within(1s));
  CHECK(fresh.closed_within(3s));
  REQUIRE(half.send("st: t\r\n\r\n"));
  const Response got = half.read();
  CHECK(got.status == 200);
  CHECK(got.headers.at("connection") == "close");
  CHECK(half.closed_within(1s));
  const Response stream = streaming.read();
  CHECK(stream.complete);
  CHECK(streaming.closed_within(1s));
  CHECK(server.connections() == 1);
  running.close();
  CHECK(eventually([&] { return server.connections() == 0; }));
  Client late(server);
  CHECK_FALSE(late.connected());
}

TEST_CASE(
    "draining with patience: who rests between two requests may send one more, and is told to go") {
  Server server;
  Client idle(server), silent(server);
  for (Client* client : {&idle, &silent}) {
    REQUIRE(client->send(get("/sync")));
    CHECK(client->read().status == 200);
  }
  server.run([](daemon::HttpServer& http) {
    http.stop_accepting();
    http.drain(1h);
  });
  REQUIRE(idle.send(get("/sync")));
  const Response got = idle.read();
  CHECK(got.status == 200);
  CHECK(got.headers.at("connection") == "close");
  CHECK(idle.closed_within(1s));
  CHECK(server.connections() == 1);
  // Whoever stops the process has no patience.
  server.run([](daemon::HttpServer& http) { http.drain(); });
  CHECK(silent.closed_within(1s));
  CHECK(eventually([&] { return server.connections() == 0; }));
}

TEST_CASE("draining with patience: it makes no time of rest longer, and is the most of all") {
  daemon::HttpLimits limits;
  limits.idle_timeout = clasp::Duration{300};
  Server server(limits);
  limits.idle_timeout = clasp::Duration{0};
  Server endless(limits);
  for (Server* one : {&server, &endless}) {
    Client idle(*one);
    REQUIRE(idle.send(get("/sync")));
    CHECK(idle.read().status == 200);
    one->run([one, &server](daemon::HttpServer& http) {
      http.stop_accepting();
      http.drain(one == &server ? clasp::Duration{3'600'000} : clasp::Duration{200});
    });
    CHECK(idle.closed_within(3s));
    CHECK(eventually([&] { return one->connections() == 0; }));
  }
}

TEST_CASE("draining: a client that has connected and not asked yet is served") {
  Server server;
  Client fresh(server);
  REQUIRE(eventually([&] { return server.connections() == 1; }));
  server.run([](daemon::HttpServer& http) {
    http.stop_accepting();
    http.drain();
  });
  REQUIRE(fresh.send(get("/sync")));
  const Response got = fresh.read();
  CHECK(got.status == 200);
  CHECK(got.headers.at("connection") == "close");
  CHECK(fresh.closed_within(2s));
  CHECK(eventually([&] { return server.connections() == 0; }));
}

TEST_CASE("connections in the accept queue survive the end of accepting") {
  Server server;
  if (server.tls()) return;  // handshakes cannot wait in a queue
  std::vector<std::unique_ptr<Client>> clients;
  server.run([&](daemon::HttpServer& http) {
    // The loop is here, so these wait in the queue.
    for (int i = 0; i < 50; ++i) {
      clients.push_back(std::make_unique<Client>(server));
      clients.back()->send(get("/sync"));
    }
    http.stop_accepting();
  });
  for (auto& client : clients) CHECK(client->read().status == 200);
}

TEST_CASE("a server destroyed with work in hand tells its tasks") {
  std::vector<std::unique_ptr<Client>> clients;
  auto server = std::make_unique<Server>();
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<Client>(*server));
    REQUIRE(clients.back()->send(i % 2 ? get("/hold") : get("/flood?n=100000000")));
  }
  REQUIRE(eventually([&] { return server->handler().live_tasks == 20; }));
  server.reset();
  for (auto& client : clients) CHECK(client->closed_within(2s));
}
