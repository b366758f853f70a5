// Messages however they are cut, sent ahead, or meant to be read in two ways.
#include <doctest/doctest.h>
#include <zlib.h>

#include "front_fixture.h"

using namespace clasp;
using namespace clasp::test;
using namespace std::chrono_literals;

namespace {

// Nothing but one error answer with this status may come back, and the connection must end.
void check_refused(Server& server, std::string_view request, int status) {
  CAPTURE(request);
  Client client(server);
  REQUIRE(client.send(request));
  const Response got = client.read();
  CHECK(got.status == status);
  CHECK(got.complete);
  CHECK(got.headers.at("content-type") == "application/json");
  // For HTTP/1.0 silence means close.
  CHECK((request.find("HTTP/1.0") != request.npos || got.headers.at("connection") == "close"));
  const std::string id = got.headers.at("request-id");
  CHECK(id.size() == 4 + 24);
  CHECK(id.starts_with("req_"));
  CHECK(got.body.starts_with("{\"type\":\"error\",\"error\":{\"type\":\""));
  CHECK(got.body.find("\"request_id\":\"" + id + "\"") != std::string::npos);
  CHECK(client.read_all(1s).empty());
  CHECK_FALSE(client.was_reset());
}

std::string gzip(std::string_view text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace

TEST_CASE("a request cut in two at every byte is the same request") {
  Server server;
  const std::string request = post("/later?beta=true", "{\"hello\":1}", "X-Api-Key: k\r\n");
  Client client(server);
  for (std::size_t cut = 1; cut < request.size(); ++cut) {
    REQUIRE(client.send(std::string_view(request).substr(0, cut)));
    // Let the server read the first part on its own.
    server.run([](daemon::HttpServer&) {});
    REQUIRE(client.send(std::string_view(request).substr(cut)));
    const Response got = client.read();
    REQUIRE(got.status == 200);
    REQUIRE(got.body == "POST /later beta=true {\"hello\":1}");
  }
}

TEST_CASE("a request that comes byte by byte") {
  Server server;
  Client client(server);
  for (const char c : post("/echo", "drip")) {
    REQUIRE(client.send({&c, 1}));
    server.run([](daemon::HttpServer&) {});
  }
  CHECK(client.read().body == "drip");
}

TEST_CASE("requests sent ahead are answered in order") {
  Server server;
  Client client(server);
  std::string ahead;
  for (int i = 0; i < 50; ++i) {
    const std::string n = std::to_string(i);
    ahead += i % 2 == 0 ? get("/later?n=" + n) : post("/echo", "body " + n);
  }
  REQUIRE(client.send(ahead));
  for (int i = 0; i < 50; ++i) {
    const Response got = client.read();
    REQUIRE(got.status == 200);
    const std::string n = std::to_string(i);
    REQUIRE(got.body == (i % 2 == 0 ? "GET /later n=" + n + " " : "body " + n));
  }
}

TEST_CASE("large requests sent ahead wait in the socket, not in memory") {
  Server server;
  Client client(server);
  std::thread sender([&] {
    for (int i = 0; i < 5; ++i)
      client.send(
          post("/later?n=" + std::to_string(i), std::string(400'000, static_cast<char>('a' + i))));
  });
  for (int i = 0; i < 5; ++i) {
    const Response got = client.read();
    REQUIRE(got.status == 200);
    REQUIRE(got.body.ends_with(std::string(400'000, static_cast<char>('a' + i))));
  }
  sender.join();
}

TEST_CASE("every smuggling vector is refused and nothing behind it runs") {
  Server server;
  const std::string start = "POST /echo HTTP/1.1\r\nHost: t\r\n";
  const std::string second = "GET /sync?smuggled HTTP/1.1\r\nHost: t\r\n\r\n";
  const std::pair<std::string, int> vectors[] = {
      {start + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + second, 400},
      {start + "Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + second, 400},
      {start + "Content-Length : 44\r\n\r\n" + second, 400},
      {start + "Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n" + second, 501},
      {start + "Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n" + second, 501},
      {start + "Transfer-Encoding: chunked \r\n\r\n0\r\n\r\n" + second, 501},
      {start + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + second, 501},
      {start + "Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + second, 501},
      {start + "X: a\r\n b\r\n\r\n" + second, 400},
      {start + "X: a\r\n\tContent-Length: 44\r\n\r\n" + second, 400},
      {start + "X: a\nContent-Length: 44\r\n\r\n" + second, 400},
      {start + std::string("X: a\0b\r\n\r\n", 10) + second, 400},
      {start + "Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n" + second,
       400},
      {start +
           "Transfer-Encoding: chunked\r\n\r\n\x80"
           "5\r\nhello\r\n0\r\n\r\n" +
           second,
       400},
      {start + "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n" + second, 400},
      {start + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello0\r\n\r\n" + second, 400},
      {"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + second, 400},
      {"GET / HTTP/1.1\r\n\r\n" + second, 400},
      {"GET /\r\n" + second, 400},
      {"GET / HTTP/9.9\r\nHost: t\r\n\r\n" + second, 505},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"GET http://t/ HTTP/1.1\r\nHost: t\r\n\r\n" + second, 400},
      {"OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n" + second, 400},
      {"BREW / HTTP/1.1\r\nHost: t\r\n\r\n" + second, 501},
      {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400},
      {"GET / HTTP/1.1\nHost: t\n\n" + second, 400},
  };
  for (const auto& [request, status] : vectors) check_refused(server, request, status);
  CHECK(server.handler().requests == 0);
}

TEST_CASE("more refusals: sizes, expectations, encodings") {
  Server server;
  check_refused(server, "GET /" + std::string(8000, 'a') + " HTTP/1.1\r\nHost: t\r\n\r\n", 414);
  check_refused(server, "GET /" + std::string(8000, 'a'), 414);
  check_refused(server, get("/", "X: " + std::string(70'000, 'a') + "\r\n"), 431);
  std::string many;
  for (int i = 0; i < 101; ++i) many += "A: b\r\n";
  check_refused(server, get("/", many), 431);
  check_refused(server, post("/echo", "", "Expect: 200-maybe\r\n"), 417);
  check_refused(server, post("/echo", "x", "Content-Encoding: br\r\n"), 400);
  check_refused(server, post("/echo", "no gzip", "Content-Encoding: gzip\r\n"), 400);
  // A flood of header bytes is cut long before it is over.
  Client flood(server);
  REQUIRE(flood.send("GET / HTTP/1.1\r\nHost: t\r\n"));
  const std::string line = "X: " + std::string(1000, 'y') + "\r\n";
  for (int i = 0; i < 5000 && flood.send(line); ++i) {
  }
  CHECK(flood.read().status == 431);
}

TEST_CASE("a path is matched as it is, with nothing appended") {
  Server server;
  Client client(server);
  for (int length = 1; length < 7000; length = length * 2 + 1) {
    const std::string path = "/" + std::string(static_cast<std::size_t>(length), 'p');
    REQUIRE(client.send(get(path + "?q=%20&x=//..")));
    CHECK(client.read().body == "GET " + path + " q=%20&x=//.. 0");
  }
  const std::string odd = "/-._~!$&'()*+,;=:@%41//../.";
  REQUIRE(client.send(get(odd)));
  CHECK(client.read().body == "GET " + odd + "  0");
}

TEST_CASE("form bodies stay bodies") {
  Server server;
  Client client(server);
  REQUIRE(
      client.send(post("/sync", "a=b&c=d", "Content-Type: application/x-www-form-urlencoded\r\n")));
  CHECK(client.read().body == "POST /sync  7");
  REQUIRE(client.send(post("/sync", "--x", "Content-Type: multipart/form-data; boundary=x\r\n")));
  CHECK(client.read().body == "POST /sync  3");
}

TEST_CASE("chunked bodies, whole, in pieces and with what follows") {
  Server server;
  Client client(server);
  const std::string head = "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string body = "5;x=y\r\nhello\r\n0006\r\n world\r\n0\r\nTrailer: x\r\n\r\n";
  REQUIRE(client.send(head + body + get("/sync?after")));
  CHECK(client.read().body == "hello world");
  CHECK(client.read().body == "GET /sync after 0");
  for (std::size_t cut = 0; cut < body.size(); ++cut) {
    REQUIRE(client.send(head + body.substr(0, cut)));
    server.run([](daemon::HttpServer&) {});
    REQUIRE(client.send(body.substr(cut)));
    REQUIRE(client.read().body == "hello world");
  }
  std::string large, wanted;
  for (int i = 0; i < 300; ++i) {
    wanted.append(5000, static_cast<char>('a' + i % 26));
    large += "1388\r\n" + std::string(5000, static_cast<char>('a' + i % 26)) + "\r\n";
  }
  REQUIRE(client.send(head + large + "0\r\n\r\n"));
  CHECK(client.read().body == wanted);
  CHECK_FALSE(server.handler().padding_missing);
}

TEST_CASE("100-continue is sent when it is asked for and not needless") {
  Server server;
  Client client(server);
  const std::string head =
      "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
  REQUIRE(client.send(head));
  CHECK(client.read(false, 200ms).status == 0);
  CHECK(client.interim() == 1);
  REQUIRE(client.send("hello"));
  CHECK(client.read().body == "hello");
  REQUIRE(
      client.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n"
                  "Expect: 100-continue\r\n\r\n"));
  CHECK(client.read(false, 200ms).status == 0);
  CHECK(client.interim() == 2);
  REQUIRE(client.send("2\r\nhi\r\n0\r\n\r\n"));
  CHECK(client.read().body == "hi");
  REQUIRE(client.send(head + "hello"));
  CHECK(client.read().body == "hello");
  CHECK(client.interim() == 2);
}

TEST_CASE("gzip bodies are inflated within the limit") {
  daemon::HttpLimits limits;
  limits.body_bytes = 1u << 20;
  Server server(limits);
  Client client(server);
  std::string text;
  for (int i = 0; text.size() < 900'000; ++i) text += "row " + std::to_string(i) + ",";
  REQUIRE(client.send(post("/echo", gzip(text), "Content-Encoding: gzip\r\n")));
  CHECK(client.read().body == text);
  CHECK_FALSE(server.handler().padding_missing);
  check_refused(server,
                post("/echo", gzip(std::string(2u << 20, 'a')), "Content-Encoding: gzip\r\n"), 413);
}
