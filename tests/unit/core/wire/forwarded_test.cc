// Who the client is behind proxies: whose word counts, and where the walk ends.
#include "core/wire/forwarded.h"

#include <doctest/doctest.h>

using namespace clasp;
using namespace clasp::wire;

namespace {

const std::vector<Network> kTrusted{*parse_network("10.0.0.0/8"), *parse_network("::1")};

std::string client(std::string_view peer, Headers headers, bool trust_unix = false) {
  return find_client(peer, headers, kTrusted, trust_unix);
}
std::string behind(std::string_view list) {
  return client("10.0.0.1:4", {{"X-Forwarded-For", list}});
}
std::string told(std::string_view list) {
  return client("10.0.0.1:4", {{"forwarded", list}});
}

}  // namespace

TEST_CASE("X-Forwarded-For counts from trusted proxies only") {
  CHECK(behind("203.0.113.7") == "203.0.113.7");
  CHECK(client("203.0.113.9:5", {{"x-forwarded-for", "1.2.3.4"}}) == "203.0.113.9:5");
  CHECK(client("[::1]:9", {{"x-forwarded-for", "1.2.3.4"}}) == "1.2.3.4");
  CHECK(client("unix", {{"x-forwarded-for", "1.2.3.4"}}) == "unix");
  CHECK(client("unix", {{"x-forwarded-for", "1.2.3.4"}}, true) == "1.2.3.4");
  CHECK(client("unix", {}, true) == "unix");
  CHECK(client("10.0.0.1:4", {}) == "10.0.0.1:4");
}

TEST_CASE("the rightmost address that nobody vouches for is the client, whatever it claims") {
  CHECK(behind("6.6.6.6, 203.0.113.7") == "203.0.113.7");
  CHECK(behind("6.6.6.6, 203.0.113.7, 10.1.1.1,10.2.2.2") == "203.0.113.7");
  CHECK(behind("10.9.9.9, 10.1.1.1") == "10.9.9.9");
  CHECK(client("10.0.0.1:4", {{"x-forwarded-for", "6.6.6.6"},
                              {"x-forwarded-for", "203.0.113.7"},
                              {"x-forwarded-for", "10.1.1.1"}}) == "203.0.113.7");
  CHECK(behind("203.0.113.7:443") == "203.0.113.7:443");
  CHECK(behind("2001:db8::1") == "[2001:db8::1]");
  CHECK(behind("[2001:db8::1]:77") == "[2001:db8::1]:77");
  CHECK(behind("::ffff:203.0.113.7") == "203.0.113.7");
}

TEST_CASE("what is no address ends the walk; lists are walked so far and no further") {
  CHECK(behind("203.0.113.7, unknown") == "10.0.0.1:4");
  CHECK(behind("203.0.113.7, unknown, 10.1.1.1") == "10.1.1.1");
  CHECK(behind("") == "10.0.0.1:4");
  CHECK(behind("203.0.113.7, ") == "10.0.0.1:4");
  CHECK(behind("203.0.113.7:99999") == "10.0.0.1:4");
  CHECK(behind("fe80::1%eth0") == "10.0.0.1:4");
  std::string list = "203.0.113.7";
  for (int i = 0; i < 1000; ++i) list += ", 10.1.1.1";
  CHECK(behind(list) == "10.1.1.1");
}

TEST_CASE("Forwarded: parameters, quotes, ports; only where there is no X-Forwarded-For") {
  CHECK(told("for=203.0.113.7") == "203.0.113.7");
  CHECK(told("by=10.0.0.1; For=\"203.0.113.7:80\";proto=https") == "203.0.113.7:80");
  CHECK(told("for=6.6.6.6, for=\"[2001:db8::1]:4711\"") == "[2001:db8::1]:4711");
  CHECK(told("for=\"_a,for=6.6.6.6\"") == "10.0.0.1:4");
  CHECK(told("for=203.0.113.7;x=\"a\\\",b\", for=10.1.1.1") == "203.0.113.7");
  CHECK(told("for=_hidden") == "10.0.0.1:4");
  CHECK(told("proto=https") == "10.0.0.1:4");
  CHECK(client("10.0.0.1:4", {{"forwarded", "for=6.6.6.6"}, {"x-forwarded-for", "203.0.113.7"}}) ==
        "203.0.113.7");
}

TEST_CASE("the address of a peer without its port") {
  CHECK(address_of_peer("127.0.0.1:80") == "127.0.0.1");
  CHECK(address_of_peer("127.0.0.1") == "127.0.0.1");
  CHECK(address_of_peer("[::1]:80") == "[::1]");
  CHECK(address_of_peer("[::1]") == "[::1]");
  CHECK(address_of_peer("unix") == "unix");
}
