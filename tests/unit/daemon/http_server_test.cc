// The HTTP server over real sockets: answers, keep-alive, framing, limits, waits, departures.
#include "daemon/http_server.h"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include "front_fixture.h"

using namespace clasp;
using namespace clasp::test;
using namespace std::chrono_literals;

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
    REQUIRE(client.send(
        post(path + std::to_string(i), std::string(static_cast<std::size_t>(i) * 50, 'x'))));
    const Response got = client.read();
    REQUIRE(got.status == 200);
    REQUIRE(got.complete);
  }
  CHECK(server.handler().requests == 100);
  CHECK(eventually([&] { return server.handler().live_tasks == 0; }));
  CHECK_FALSE(server.handler().padding_missing);
  CHECK(server.connections() == 1);
}

TEST_CASE("keep-alive, close in every spelling, HTTP/1.0") {
  Server server;
  for (const char* field :
       {"Connection: close\r\n", "Connection: CLOSE\r\n", "Connection: te, Close\r\n"}) {
    CAPTURE(field);
    Client client(server);
    REQUIRE(client.send(get("/sync", field)));
    const Response got = client.read();
    CHECK(got.status == 200);
    CHECK(got.headers.at("connection") == "close");
    CHECK(client.closed_within(1s));
    CHECK_FALSE(client.was_reset());
  }
  Client old(server);
  REQUIRE(old.send("GET /sync HTTP/1.0\r\n\r\n"));
  CHECK(old.read().status == 200);
  CHECK(old.closed_within(1s));
  Client old_keep(server);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(old_keep.send("GET /sync HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    const Response got = old_keep.read();
    CHECK(got.status == 200);
    CHECK(got.headers.at("connection") == "keep-alive");
  }
}

TEST_CASE("HEAD is answered with the head alone") {
  Server server;
  Client client(server);
  REQUIRE(client.send("HEAD /sync HTTP/1.1\r\nHost: t\r\n\r\n"));
  const Response got = client.read(true);
  CHECK(got.status == 200);
  CHECK(got.headers.at("content-length") == std::to_string(std::string("HEAD /sync  0").size()));
  REQUIRE(client.send("HEAD /stream?n=3 HTTP/1.1\r\nHost: t\r\n\r\n"));
  CHECK(client.read(true).status == 200);
  REQUIRE(client.send("HEAD /denied HTTP/1.1\r\nHost: t\r\n\r\n"));
  CHECK(client.read(true).status == 401);
  // Nothing of those bodies came: the next answer is in step.
  REQUIRE(client.send(get("/sync?z")));
  CHECK(client.read().body == "GET /sync z 0");
  Client refused(server);
  REQUIRE(refused.send("HEAD /a HTTP/1.1\r\nHost: t\r\nX: \x01\r\n\r\n"));
  const std::string raw = refused.read_all(1s);
  CHECK(raw.starts_with("HTTP/1.1 400 "));
  CHECK(raw.ends_with("\r\n\r\n"));
}

TEST_CASE("streams: chunked for 1.1, until close for 1.0, and the connection goes on") {
  Server server;
  std::string wanted;
  for (int i = 0; i < 20; ++i) wanted += "data: " + std::to_string(i) + "\n\n";
  Client client(server);
  for (int round = 0; round < 3; ++round) {
    REQUIRE(client.send(get("/stream?n=20")));
    const Response got = client.read();
    CHECK(got.status == 200);
    CHECK(got.chunked);
    CHECK(got.complete);
    CHECK(got.body == wanted);
  }
  Client old(server);
  REQUIRE(old.send("GET /stream?n=20 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  const Response got = old.read();
  CHECK_FALSE(got.chunked);
  CHECK(got.headers.count("content-length") == 0);
  CHECK(got.headers.count("connection") == 0);
  CHECK(got.complete);
  CHECK(got.body == wanted);
}

TEST_CASE("an aborted answer is a reset, never a proper end") {
  Server server;
  for (const char* version : {"1.1", "1.0"}) {
    Client client(server);
    REQUIRE(client.send("GET /abort HTTP/" + std::string(version) + "\r\nHost: t\r\n\r\n"));
    const Response got = client.read();
    CHECK(got.status == 200);
    CHECK_FALSE(got.complete);
    CHECK(client.was_reset());
  }
  CHECK(eventually([&] { return server.handler().live_tasks == 0; }));
}

TEST_CASE("header values cannot split an answer") {
  Server server;
  Client client(server);
  REQUIRE(client.send(get("/evil")));
  const Response got = client.read();
  CHECK(got.headers.at("x-evil") == "aset-cookie: b");
  CHECK(got.headers.count("set-cookie") == 0);
  CHECK(got.headers.count("name") == 0);
  CHECK(got.body == "x");
}

TEST_CASE("status lines have words of their own, 204 has no length") {
  Server server;
  Client client(server);
  for (const auto& [status, line] :
       {std::pair(200, "HTTP/1.1 200 OK\r\n"), std::pair(529, "HTTP/1.1 529 Overloaded\r\n"),
        std::pair(429, "HTTP/1.1 429 Too Many Requests\r\n"),
        std::pair(413, "HTTP/1.1 413 Content Too Large\r\n")}) {
    REQUIRE(client.send(get("/status?n=" + std::to_string(status))));
    const Response got = client.read();
    CHECK(got.status == status);
    CHECK(got.body == "s");
    Client raw(server);
    REQUIRE(raw.send(get("/status?n=" + std::to_string(status), "Connection: close\r\n")));
    CHECK(raw.read_all().starts_with(line));
  }
  REQUIRE(client.send(get("/status?n=204")));
  const Response empty = client.read();
  CHECK(empty.status == 204);
  CHECK(empty.headers.count("content-length") == 0);
  REQUIRE(client.send(get("/sync")));
  CHECK(client.read().status == 200);
}

TEST_CASE("a handler that forgets to answer is answered for") {
  Server server;
  Client client(server);
  REQUIRE(client.send(get("/broken")));
  CHECK(client.read().status == 500);
}

TEST_CASE("refusals by the handler come before the body and spare the connection when they can") {
  Server server;
  Client client(server);
  REQUIRE(client.send(post("/denied", std::string(5000, 'x'))));
  CHECK(client.read().status == 401);
  REQUIRE(client.send(post("/denied", std::string(900'000, 'x'))));
  CHECK(client.read().status == 401);
  REQUIRE(client.send(post("/echo", "still here")));
  CHECK(client.read().body == "still here");
  CHECK(server.handler().requests == 1);
  // Too much to skip, a body of unknown length, a body held back: the connection ends.
  for (const std::string& request :
       {"POST /denied HTTP/1.1\r\nHost: t\r\nContent-Length: 20000000\r\n\r\n" +
            std::string(100, 'x'),
        std::string("POST /denied HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n"),
        std::string("POST /denied HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nExpect: "
                    "100-continue\r\n\r\n")}) {
    Client last(server);
    REQUIRE(last.send(request));
    const Response got = last.read();
    CHECK(got.status == 401);
    CHECK(got.headers.at("connection") == "close");
    CHECK(last.closed_within(1s));
    CHECK(last.interim() == 0);
  }
}

TEST_CASE("peers are named, over TCP and over a Unix socket") {
  Server server({}, true);
  struct stat info {};
  REQUIRE(stat(server.path().c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0660);
  Client client(server);
  REQUIRE(client.connected());
  REQUIRE(client.send(post("/echo", "over a file")));
  CHECK(client.read().body == "over a file");
  REQUIRE(client.send(get("/stream?n=3")));
  CHECK(client.read().complete);
}
