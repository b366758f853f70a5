// Request heads: what passes, what is refused with which status, and that the way the bytes are
// cut never changes either.
#include "core/wire/request_head.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

#include "base/text.h"

using namespace clasp::wire;
using namespace std::string_literals;

namespace {

struct Outcome {
  int status = 0;  // 0: accepted, -1: incomplete
  HttpRequestHead head;
  std::string text;  // what the views of `head` point into
};

Outcome read_head(std::string text, const HeadLimits& limits = {}, std::size_t step = 0) {
  Outcome out;
  out.text = std::move(text);
  HeadScanner scanner(limits);
  HeadScanner::State state = HeadScanner::State::incomplete;
  std::size_t given = 0;
  while (state == HeadScanner::State::incomplete && given < out.text.size()) {
    given = step == 0 ? out.text.size() : std::min(out.text.size(), given + step);
    state = scanner.scan(std::string_view(out.text).substr(0, given));
  }
  if (state == HeadScanner::State::incomplete) {
    out.status = -1;
  } else if (state == HeadScanner::State::refused) {
    out.status = scanner.refusal().status;
  } else {
    const std::string_view head = std::string_view(out.text).substr(
        scanner.head_begin(), scanner.head_end() - scanner.head_begin());
    if (const auto refusal = parse_request_head(head, limits, out.head))
      out.status = refusal->status;
  }
  return out;
}

int status_of_head(const std::string& text) {
  return read_head(text).status;
}

std::string with_field(const std::string& field) {
  return "POST /v1/messages HTTP/1.1\r\nHost: a\r\n" + field + "\r\n\r\n";
}

}  // namespace

TEST_CASE("a usual request is taken apart") {
  const Outcome got = read_head(
      "POST /v1/messages?beta=true HTTP/1.1\r\nHost: api.test:8080\r\nContent-Length: 12\r\n"
      "X-Api-Key:  secret \r\nContent-Type: application/json\r\n\r\n");
  REQUIRE(got.status == 0);
  CHECK(got.head.method == "POST");
  CHECK(got.head.path == "/v1/messages");
  CHECK(got.head.query == "beta=true");
  CHECK(got.head.minor_version == 1);
  CHECK(got.head.framing == BodyFraming::length);
  CHECK(got.head.content_length == 12);
  CHECK(got.head.keep_alive);
  CHECK_FALSE(got.head.expect_continue);
  REQUIRE(got.head.fields.size() == 4);
  CHECK(got.head.fields[2].first == "X-Api-Key");
  CHECK(got.head.fields[2].second == "secret");
}

TEST_CASE("framing, version and connection fields") {
  CHECK(read_head("GET / HTTP/1.1\r\nHost: a\r\n\r\n").head.framing == BodyFraming::none);
  CHECK(read_head(with_field("Content-Length: 0")).head.framing == BodyFraming::none);
  CHECK(read_head(with_field("Transfer-Encoding: chunked")).head.framing == BodyFraming::chunked);
  CHECK(read_head(with_field("Connection: close")).head.keep_alive == false);
  CHECK(read_head(with_field("Connection: CLOSE")).head.keep_alive == false);
  CHECK(read_head(with_field("Connection: TE, Close")).head.keep_alive == false);
  CHECK(read_head(with_field("Connection: keep-alive")).head.keep_alive == true);
  CHECK(read_head("GET / HTTP/1.0\r\n\r\n").head.keep_alive == false);
  CHECK(read_head("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").head.keep_alive == true);
  CHECK(read_head(with_field("Expect: 100-Continue")).head.expect_continue == true);
  CHECK(read_head("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").head.expect_continue == false);
  CHECK(read_head(with_field("Content-Encoding: gzip")).head.coding == BodyCoding::gzip);
  CHECK(read_head(with_field("Content-Encoding: identity")).head.coding == BodyCoding::identity);
  CHECK(status_of_head("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n") == 0);
}

TEST_CASE("every framing trick is refused") {
  const std::pair<const char*, int> vectors[] = {
      {"Content-Length: 5\r\nTransfer-Encoding: chunked", 400},
      {"Transfer-Encoding: chunked\r\nContent-Length: 5", 400},
      {"Content-Length: 5\r\nContent-Length: 6", 400},
      {"Content-Length: 5\r\nContent-Length: 5", 400},
      {"Content-Length: 5, 5", 400},
      {"Content-Length: +5", 400},
      {"Content-Length: -5", 400},
      {"Content-Length: 0x5", 400},
      {"Content-Length: 5x", 400},
      {"Content-Length:", 400},
      {"Content-Length: ", 400},
      {"Content-Length:\t5", 400},
      {"Content-Length: 99999999999999999999", 400},
      {"Content-Length : 5", 400},
      {"Content-Length\t: 5", 400},
      {" Content-Length: 5", 400},
      {"Transfer-Encoding: CHUNKED", 501},
      {"Transfer-Encoding:\tchunked", 501},
      {"Transfer-Encoding: chunked ", 501},
      {"Transfer-Encoding: gzip, chunked", 501},
      {"Transfer-Encoding: chunked, chunked", 501},
      {"Transfer-Encoding: identity", 501},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400},
      {"Transfer-Encoding : chunked", 400},
      {"X-A: b\r\n folded", 400},
      {"X-A: b\r\n\tfolded", 400},
      {"X-A b", 400},
      {": b", 400},
      {"X(A): b", 400},
      {"Host: b", 400},
      {"Expect: 200-ok", 417},
      {"Content-Encoding: br", 400},
      {"Content-Encoding: gzip, gzip", 400},
      {"Content-Encoding: gzip\r\nContent-Encoding: gzip", 400},
      {"X-A: b\nX-B: c", 400},
      {"X-A: b\rX-B: c", 400},
      {"X-A: b\x7f", 400},
      {"X-A: \x01", 400},
  };
  for (const auto& [field, status] : vectors) {
    CAPTURE(field);
    CHECK(status_of_head(with_field(field)) == status);
  }
  CHECK(status_of_head(with_field(std::string("X-A: b\0c", 8))) == 400);
  CHECK(status_of_head(with_field(std::string("X\0A: b", 6))) == 400);
  CHECK(status_of_head("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == 400);
}

TEST_CASE("request lines that are not ours") {
  const std::pair<const char*, int> vectors[] = {
      {"GET / HTTP/1.1\r\n\r\n", 400},  // no Host
      {"GET /\r\n", 400},               // HTTP/0.9, before anything else comes
      {"GET / HTTP/9.9\r\n", 505},
      {"GET / HTTP/2.0\r\n", 505},
      {"PRI * HTTP/2.0\r\n", 505},
      {"GET / HTTP/1.2\r\n", 505},
      {"GET / http/1.1\r\n", 400},
      {"GET / HTTP/1.1 \r\n", 400},
      {"GET  / HTTP/1.1\r\n", 400},
      {"GET / x HTTP/1.1\r\n", 400},
      {"GET http://a/ HTTP/1.1\r\n", 400},
      {"OPTIONS * HTTP/1.1\r\n", 400},
      {"GET v1 HTTP/1.1\r\n", 400},
      {"GET /a#b HTTP/1.1\r\n", 400},
      {"GET /a\"b HTTP/1.1\r\n", 400},
      {"GET /\xc3\xa4 HTTP/1.1\r\n", 400},
      {"GET /\x01 HTTP/1.1\r\n", 400},
      {"BREW / HTTP/1.1\r\n", 501},
      {"TRACE / HTTP/1.1\r\n", 501},
      {"CONNECT a:1 HTTP/1.1\r\n", 501},
      {"get / HTTP/1.1\r\n", 501},
      {"G@T / HTTP/1.1\r\n", 400},
      {" GET / HTTP/1.1\r\n", 400},
      {"\x16\x03\x01", 400},  // a TLS hello, at its first byte
      {"GET / HTTP/1.1\nHost: a\n\n", 400},
      {"\nGET / HTTP/1.1\r\n", 400},
  };
  for (const auto& [line, status] : vectors) {
    CAPTURE(line);
    CHECK(status_of_head(line) == status);
  }
}

TEST_CASE("limits: size, number of fields, length of the target") {
  const HeadLimits limits{.bytes = 1000, .fields = 5, .target = 100};
  std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 4; ++i) many += "X: y\r\n";
  CHECK(read_head(many + "\r\n", limits).status == 0);
  CHECK(read_head(many + "X: y\r\n\r\n", limits).status == 431);
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  const std::string fits(1000 - start.size() - 4, 'x');
  CHECK(read_head(start + fits + "\r\n\r\n", limits).status == 0);
  CHECK(read_head(start + fits + "x\r\n\r\n", limits).status == 431);
  // Refused while the line is still coming.
  CHECK(read_head(start + std::string(2000, 'x'), limits).status == 431);
  CHECK(read_head("GET /" + std::string(99, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", limits).status ==
        0);
  CHECK(read_head("GET /" + std::string(100, 'a') + " HTTP/1.1\r\n", limits).status == 414);
  CHECK(read_head("GET /" + std::string(200, 'a'), limits).status == 414);
  CHECK(read_head(std::string(2000, '\r'), limits).status == 414);
  std::string blank;
  for (int i = 0; i < 600; ++i) blank += "\r\n";
  CHECK(read_head(blank, limits).status == 400);
}

TEST_CASE("the cut of the bytes changes nothing") {
  const char* const texts[] = {
      "POST /v1/messages?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nA: b\r\n\r\nhello",
      "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\n",
      "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\n X: y\r\n\r\n",
      "GET / HTTP/3.1\r\nHost: a\r\n X: y\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
  };
  for (const char* text : texts) {
    const Outcome whole = read_head(text);
    for (std::size_t step = 1; step < 12; ++step) {
      CAPTURE(text);
      CAPTURE(step);
      const Outcome cut = read_head(text, {}, step);
      CHECK(cut.status == whole.status);
      CHECK(cut.head.path == whole.head.path);
      CHECK(cut.head.fields == whole.head.fields);
    }
  }
}

TEST_CASE(
    "a first line that is too long and bad besides is refused the same way however it is cut") {
  const HeadLimits limits{.bytes = 2048, .fields = 20, .target = 512};
  for (const std::string& line :
       {"G@T" + std::string(600, 'W') + "\r\n", std::string(700, 'W') + "\n",
        "\x01" + std::string(700, 'W') + "\r\n"}) {
    const int whole = read_head(line, limits).status;
    CHECK(whole == read_head(line, limits, 3).status);
    CHECK(whole == (line[0] == 1 ? 400 : 414));
  }
}

TEST_CASE("random damage never yields a head that says two things") {
  const std::string base =
      "POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n"
      "Transfer-Encoding: chunked\r\n\r\n";
  const std::string alphabet = "\r\n\0 \t:,;ab05CchuH/1.\x7f\x80\xff"s;
  std::mt19937 random(7);
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = base;
    const unsigned edits = 1 + random() % 6;
    for (unsigned i = 0; i < edits; ++i) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = alphabet[random() % alphabet.size()];
          break;
        case 1:
          text.erase(at, 1 + random() % 20);
          break;
        default:
          text.insert(at, 1, alphabet[random() % alphabet.size()]);
          break;
      }
      if (text.empty()) break;
    }
    const Outcome whole = read_head(text);
    const Outcome cut = read_head(text, {}, 1 + random() % 9);
    REQUIRE(whole.status == cut.status);
    if (whole.status != 0) continue;
    ++accepted;
    int lengths = 0, codings = 0;
    for (const auto& [name, value] : whole.head.fields) {
      lengths += clasp::iequals(name, "content-length");
      codings += clasp::iequals(name, "transfer-encoding");
      REQUIRE(value.find_first_of(std::string_view("\r\n\0", 3)) == value.npos);
    }
    REQUIRE(lengths + codings <= 1);
    REQUIRE((whole.head.framing == BodyFraming::chunked) == (codings == 1));
  }
  MESSAGE("accepted " << accepted << " of 20000");
}
