// The answer parser: every framing at every split, what ends a body, what is refused.
#include "core/wire/http_response.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace clasp::wire {
namespace {

using Parser = HttpResponseParser;

struct Outcome {
  bool head = false;
  bool complete = false;
  int status = 0;
  std::string body;
  std::string rest;  // not consumed
  Parser::Fault fault = Parser::Fault::none;
  std::string message;
  bool may_reuse = false;
  bool operator==(const Outcome&) const = default;
};

// Feeds `text` in pieces of at most `step` bytes, the first one of `first` bytes.
Outcome run(std::string text, std::size_t first, std::size_t step, bool eof = false,
            Parser::Asked asked = Parser::Asked::normal) {
  Parser parser(asked);
  Outcome out;
  std::size_t at = 0;
  std::size_t want = first;
  while (at < text.size() && !out.complete && parser.fault() == Parser::Fault::none) {
    const std::size_t n = std::min(want, text.size() - at);
    std::string piece = text.substr(at, n);
    const auto taken = parser.feed(piece.data(), n);
    CHECK(taken.consumed <= n);
    CHECK((!taken.head || !out.head));
    out.head = out.head || taken.head;
    out.body += taken.body;
    out.complete = taken.complete;
    at += taken.consumed;
    want = step;
    if (taken.consumed < n) break;
  }
  if (!out.complete && eof) out.complete = parser.finish();
  out.rest = text.substr(at);
  out.status = out.head ? parser.status() : 0;
  out.fault = parser.fault();
  out.message = parser.message();
  out.may_reuse = parser.may_reuse();
  return out;
}

// The same outcome whole, byte by byte and cut in two anywhere.
Outcome everywhere(const std::string& text, bool eof = false,
                   Parser::Asked asked = Parser::Asked::normal) {
  const Outcome whole = run(text, text.size(), text.size(), eof, asked);
  Outcome bytes = run(text, 1, 1, eof, asked);
  bytes.rest = whole.rest;
  CHECK(bytes == whole);
  for (std::size_t i = 1; i < text.size(); ++i) {
    Outcome cut = run(text, i, text.size(), eof, asked);
    cut.rest = whole.rest;
    CHECK(cut == whole);
  }
  return whole;
}

const std::string kOk = "HTTP/1.1 200 OK\r\n";

TEST_CASE("http response: length") {
  const Outcome out = everywhere(kOk + "Content-Length: 5\r\nX: y\r\n\r\nhello");
  CHECK(out.complete);
  CHECK(out.status == 200);
  CHECK(out.body == "hello");
  CHECK(out.may_reuse);
  CHECK(run(kOk + "Content-Length: 5\r\n\r\nhelloHTTP", 99, 99).rest == "HTTP");
  CHECK(everywhere(kOk + "Content-Length: 0\r\n\r\n").complete);
  CHECK(everywhere(kOk + "Content-Length: 5, 5\r\ncontent-length: 5\r\n\r\nhello").body == "hello");
  const Outcome cut = everywhere(kOk + "Content-Length: 5\r\n\r\nhell", true);
  CHECK(!cut.complete);
  CHECK(cut.body == "hell");
}

TEST_CASE("http response: chunks") {
  const Outcome out = everywhere(kOk +
                                 "Transfer-Encoding: chunked\r\n\r\n"
                                 "5\r\nhello\r\n1;a=\"b\"\r\n \r\n00a \r\n0123456789\r\n0\r\n\r\n");
  CHECK(out.complete);
  CHECK(out.body == "hello 0123456789");
  CHECK(out.may_reuse);
  const Outcome trailers = everywhere(
      kOk + "transfer-encoding: Chunked\r\n\r\n2\r\nab\r\n0\r\nX-Sum: 1\r\nY: z\r\n\r\n");
  CHECK(trailers.complete);
  CHECK(trailers.body == "ab");
  CHECK(everywhere(kOk + "Transfer-Encoding: chunked\n\n2\nab\n0\n\n").body == "ab");
  CHECK(!everywhere(kOk + "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n", true).complete);
  const Outcome both = everywhere(
      kOk + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
  CHECK(both.body == "x");
  CHECK(!both.may_reuse);
}

TEST_CASE("http response: bad chunks") {
  const std::string head = kOk + "Transfer-Encoding: chunked\r\n\r\n";
  for (const char* body : {"x\r\n", "\r\n", ";a\r\n", "-1\r\n", "0x5\r\n", "2\r\nabc\r\n",
                           "2\r\nab\r\r\n", "10000000000000005\r\nhello", "g\r\n", " 5\r\nhello"}) {
    const Outcome out = everywhere(head + body);
    CHECK_MESSAGE(out.fault == Parser::Fault::malformed, body);
    CHECK(!out.complete);
  }
  CHECK(run(head + "1;" + std::string(5000, 'e'), 9999, 99).fault == Parser::Fault::malformed);
  CHECK(run(head + std::string(5000, '0') + "1\r\n", 9999, 99).fault == Parser::Fault::malformed);
  CHECK(run(head + "0\r\n" + std::string(20000, 't'), 99999, 99).fault == Parser::Fault::too_large);
  // The body bytes before a fault are still told.
  CHECK(everywhere(head + "2\r\nab\r\nz").body == "ab");
}

TEST_CASE("http response: until close") {
  const Outcome out =
      everywhere("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it", true);
  CHECK(out.complete);
  CHECK(out.body == "all of it");
  CHECK(!out.may_reuse);
  CHECK(!everywhere("HTTP/1.0 200 OK\r\n\r\nall", false).complete);
  CHECK(everywhere("HTTP/1.1 200\r\n\r\n", true).complete);
  CHECK(!everywhere("HTTP/1.1 200 OK\r\n", true).complete);
}

TEST_CASE("http response: no body") {
  CHECK(everywhere("HTTP/1.1 204 No Content\r\n\r\n").complete);
  CHECK(everywhere("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n").complete);
  CHECK(everywhere(kOk + "Content-Length: 9\r\n\r\n", false, Parser::Asked::head).complete);
  const Outcome tunnel =
      everywhere("HTTP/1.1 200 Connection established\r\n\r\n", false, Parser::Asked::connect);
  CHECK(tunnel.complete);
  const Outcome refused =
      everywhere("HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno", false, Parser::Asked::connect);
  CHECK(refused.body == "no");
}

TEST_CASE("http response: interim answers") {
  const std::string early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  const Outcome out = everywhere("HTTP/1.1 100 Continue\r\n\r\n" + early + early + kOk +
                                 "Content-Length: 1\r\n\r\nx");
  CHECK(out.status == 200);
  CHECK(out.body == "x");
  Parser parser;
  std::string text = early + kOk + "A: b\r\n\r\n";
  CHECK(parser.feed(text.data(), text.size()).head);
  CHECK(!parser.headers().find("Link"));
  CHECK(parser.headers().get("a") == "b");
  std::string many;
  for (int i = 0; i < 40; ++i) many += early;
  CHECK(run(many, many.size(), 1).fault == Parser::Fault::malformed);
  CHECK(everywhere("HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n").fault ==
        Parser::Fault::malformed);
}

TEST_CASE("http response: persistence") {
  const std::string end = "Content-Length: 0\r\n\r\n";
  CHECK(!everywhere(kOk + "Connection: close\r\n" + end).may_reuse);
  CHECK(!everywhere(kOk + "Connection: TE, CLOSE\r\n" + end).may_reuse);
  CHECK(!everywhere("HTTP/1.0 200 OK\r\n" + end).may_reuse);
  CHECK(everywhere("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n" + end).may_reuse);
  Parser parser;
  std::string text = kOk + "Keep-Alive: max=5, timeout=7\r\n" + end;
  parser.feed(text.data(), text.size());
  CHECK(parser.keep_alive_seconds() == 7);
}

TEST_CASE("http response: refused heads") {
  for (const std::string head :
       {"HTTP/2 200\r\n\r\n",
        "HTTP/1.x 200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "\r\nHTTP/1.1 200 OK\r\n\r\n",
        "SSH-2.0-x\r\n",
        "\x15\x03\x01",
        "<html>",
        "http/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nnocolon\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: v\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA b: v\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: v\rb\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n"}) {
    const Outcome out = everywhere(head);
    CHECK_MESSAGE(out.fault == Parser::Fault::malformed, head);
    CHECK(!out.head);
    CHECK(!out.message.empty());
  }
  CHECK(run(kOk + std::string("A: \0b\r\n\r\n", 9), 99, 99).fault == Parser::Fault::malformed);
}

TEST_CASE("http response: folded and odd but readable fields") {
  Parser parser;
  std::string text = kOk + "A : one\r\n\t two\r\n  three\r\nB:\r\nC: \xc3\xa9\r\n\r\n";
  CHECK(parser.feed(text.data(), text.size()).head);
  CHECK(parser.headers().get("A") == "one two three");
  CHECK(parser.headers().find("B") == "");
  CHECK(parser.headers().get("C") == "\xc3\xa9");
  CHECK(parser.take_headers().get("A") == "one two three");
  CHECK(parser.headers().empty());
}

TEST_CASE("http response: limits of the head") {
  const std::string big = kOk + "A: " + std::string(70'000, 'x');
  for (const std::size_t step : {std::size_t{1}, std::size_t{1000}, big.size()})
    CHECK(run(big + "\r\n\r\n", step, step).fault == Parser::Fault::too_large);
  std::string fields = kOk;
  for (int i = 0; i < 300; ++i) fields += "A: b\r\n";
  CHECK(run(fields + "\r\n", 9999, 9999).fault == Parser::Fault::too_large);
  const std::string fits =
      kOk + "A: " + std::string(Parser::kMaxHead - kOk.size() - 7, 'x') + "\r\n\r\n";
  REQUIRE(fits.size() == Parser::kMaxHead);
  CHECK(run(fits, 1000, 1000).head);
  CHECK(run(fits, fits.size(), 1).head);
  // An endless line without any line end is cut off too.
  CHECK(run("HTTP/1.1 " + std::string(70'000, '2'), 100, 100).fault == Parser::Fault::too_large);
}

}  // namespace
}  // namespace clasp::wire
