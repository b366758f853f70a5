// PROXY headers: every form, every cut, every mistake.
#include "core/wire/proxy_header.h"

#include <doctest/doctest.h>

#include <string>

using namespace clasp;
using namespace clasp::wire;
using State = ProxyHeader::State;

namespace {

const std::string kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

std::string binary(int command, int family, const std::string& rest, int length = -1) {
  const auto size = static_cast<unsigned>(length < 0 ? static_cast<int>(rest.size()) : length);
  std::string out = kSignature;
  out.push_back(static_cast<char>(command));
  out.push_back(static_cast<char>(family));
  out.push_back(static_cast<char>(size >> 8));
  out.push_back(static_cast<char>(size & 255));
  return out + rest;
}

const std::string kV4("\xC0\x00\x02\x01\x0A\x00\x00\x01\xDC\x04\x01\xBB", 12);
const std::string kV6 = std::string("\x20\x01\x0D\xB8", 4) + std::string(11, '\0') + "\x01" +
                        std::string(16, '\0') + std::string("\x00\x50\x01\xBB", 4);

std::string source_of(const std::string& bytes) {
  const ProxyHeader header = parse_proxy_header(bytes);
  if (header.state == State::refused) return std::string("refused: ") + header.reason;
  if (header.state == State::incomplete) return "incomplete";
  return header.source ? render_peer(*header.source) : "none";
}

}  // namespace

TEST_CASE("PROXY: the client's address in both versions") {
  CHECK(source_of("PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\r\n") == "192.0.2.1:56324");
  CHECK(source_of("PROXY TCP6 2001:db8::1 ::1 80 443\r\n") == "[2001:db8::1]:80");
  CHECK(source_of("PROXY UNKNOWN\r\n") == "none");
  CHECK(source_of("PROXY UNKNOWN ffff::1 ::1 65535 65535\r\n") == "none");
  CHECK(source_of(binary(0x21, 0x11, kV4)) == "192.0.2.1:56324");
  CHECK(source_of(binary(0x21, 0x21, kV6)) == "[2001:db8::1]:80");
  CHECK(source_of(binary(0x21, 0x31, std::string(216, 'x'))) == "none");
  CHECK(source_of(binary(0x21, 0x00, "")) == "none");
  // A health check of the balancer itself; what it says of addresses does not count.
  CHECK(source_of(binary(0x20, 0x00, "")) == "none");
  CHECK(source_of(binary(0x20, 0x11, kV4)) == "none");
  // Extensions are stepped over.
  CHECK(source_of(binary(0x21, 0x11, kV4 + std::string("\x03\x00\x04\x01\x02\x03\x04", 7))) ==
        "192.0.2.1:56324");
  CHECK(source_of(binary(0x21, 0x11, kV4 + std::string(508, 't'))) == "192.0.2.1:56324");
}

TEST_CASE("PROXY: cut after every byte it waits, and takes nothing of what follows") {
  for (const std::string& whole :
       {std::string("PROXY TCP4 192.0.2.1 10.0.0.1 1 443\r\n"), std::string("PROXY UNKNOWN\r\n"),
        binary(0x21, 0x11, kV4), binary(0x21, 0x21, kV6 + "tlv"), binary(0x20, 0, "")}) {
    for (std::size_t n = 0; n < whole.size(); ++n)
      CHECK(parse_proxy_header(whole.substr(0, n)).state == State::incomplete);
    const ProxyHeader header = parse_proxy_header(whole + "GET / HTTP/1.1\r\n");
    CHECK(header.state == State::complete);
    CHECK(header.size == whole.size());
  }
}

TEST_CASE("PROXY: LOCAL is taken whatever it says of addresses") {
  for (const int family : {0x00, 0x11, 0x12, 0x31, 0x44, 0xFF})
    for (const char* rest : {"", "abc"}) CHECK(source_of(binary(0x20, family, rest)) == "none");
  CHECK(parse_proxy_header(binary(0x20, 0xFF, "ab", 3)).state == State::incomplete);
}

TEST_CASE("PROXY: what is none is refused, as soon as that is known") {
  for (const std::string& bad : {std::string("G"),
                                 std::string("PROXy"),
                                 std::string("\x16\x03\x01"),
                                 std::string("\r\n\r\nG"),
                                 std::string("PROXY \r\n"),
                                 std::string("PROXY TCP4\r\n"),
                                 std::string("PROXY TCP5 a\r\n"),
                                 std::string("PROXY TCP4 192.0.2.1 10.0.0.1 1 443\n"),
                                 std::string("PROXY TCP4 192.0.2.1 10.0.0.1 1 443 5\r\n"),
                                 std::string("PROXY TCP4  192.0.2.1 10.0.0.1 1 443\r\n"),
                                 std::string("PROXY TCP4 192.0.2.256 10.0.0.1 1 443\r\n"),
                                 std::string("PROXY TCP4 ::1 10.0.0.1 1 443\r\n"),
                                 std::string("PROXY TCP6 192.0.2.1 ::1 1 443\r\n"),
                                 std::string("PROXY TCP4 192.0.2.1 10.0.0.1 01 443\r\n"),
                                 std::string("PROXY TCP4 192.0.2.1 10.0.0.1 65536 443\r\n"),
                                 std::string("PROXY TCP4 192.0.2.1 10.0.0.1 1 -1\r\n"),
                                 "PROXY UNKNOWN " + std::string(93, 'x'),
                                 binary(0x11, 0x11, kV4),
                                 binary(0x22, 0x11, kV4),
                                 binary(0x21, 0x12, kV4),
                                 binary(0x21, 0x41, kV4),
                                 binary(0x21, 0x13, kV4),
                                 binary(0x21, 0x11, kV4.substr(1)),
                                 binary(0x21, 0x21, kV4),
                                 binary(0x21, 0x11, "", 521)})
    CHECK_MESSAGE(source_of(bad).starts_with("refused: "), bad);
  // The longest line there is.
  CHECK(source_of("PROXY UNKNOWN " + std::string(91, 'x') + "\r\n") == "none");
}
