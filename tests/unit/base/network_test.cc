#include "base/network.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>

#include <string>

using namespace clasp;

namespace {

AddressBytes address(const std::string& text) {
  unsigned char four[4];
  if (inet_pton(AF_INET, text.c_str(), four) == 1) return map_ipv4(four);
  AddressBytes out{};
  REQUIRE_MESSAGE(inet_pton(AF_INET6, text.c_str(), out.data()) == 1, text);
  return out;
}

}  // namespace

TEST_CASE("addresses: what nobody on the Internet owns, with the borders of each network") {
  for (const char* text :
       {"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255",
        "127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.169.254", "169.254.255.255",
        "172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.255", "192.0.2.1", "192.31.196.1",
        "192.52.193.1", "192.88.99.1", "192.168.0.0", "192.168.255.255", "192.175.48.1",
        "198.18.0.0", "198.19.255.255", "198.51.100.1", "203.0.113.255", "224.0.0.1",
        "239.255.255.255", "240.0.0.1", "255.255.255.255",
        // IPv6: unspecified, loopback, compatible, mapped, translated
        "::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.1.2.3",
        "::ffff:169.254.169.254", "::ffff:0:8.8.8.8", "64:ff9b::127.0.0.1", "64:ff9b::a00:1",
        "64:ff9b::169.254.169.254", "64:ff9b:1::1", "100::1", "100:0:0:1::1",
        // Teredo, ORCHID, benchmarking, documentation, 6to4 (of a private and of any address)
        "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:2::1", "2001:10::1", "2001:20::1",
        "2001:1ff:ffff::1", "2001:db8::1", "2001:db8:ffff:ffff::1", "2002:7f00:1::1",
        "2002:a00:1::1", "2002:808:808::1", "2620:4f:8000::1", "3fff::1", "3fff:fff:ffff::1",
        // ULA, link-local, site-local, multicast, what is not given out
        "fc00::1", "fd00:ec2::254", "fdff:ffff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1",
        "ff0e::1", "4000::1", "5f00::1", "1fff:ffff::1", "8000::1", "e000::1"})
    CHECK_MESSAGE(!is_public_address(address(text)), text);
}

TEST_CASE("addresses: what is public, just beside the borders") {
  for (const char* text : {"1.0.0.0",
                           "1.1.1.1",
                           "8.8.8.8",
                           "9.255.255.255",
                           "11.0.0.0",
                           "100.63.255.255",
                           "100.128.0.0",
                           "126.255.255.255",
                           "128.0.0.0",
                           "169.253.255.255",
                           "169.255.0.0",
                           "172.15.255.255",
                           "172.32.0.0",
                           "192.0.1.0",
                           "192.0.3.0",
                           "192.167.255.255",
                           "192.169.0.0",
                           "198.17.255.255",
                           "198.20.0.0",
                           "198.51.99.255",
                           "198.51.101.0",
                           "203.0.112.255",
                           "203.0.114.0",
                           "223.255.255.255",
                           "::ffff:8.8.8.8",
                           "64:ff9b::8.8.8.8",
                           "2000::1",
                           "2001:200::1",
                           "2001:4860:4860::8888",
                           "2001:db7::1",
                           "2001:db9::1",
                           "2003::1",
                           "2606:4700::1111",
                           "2620:4f:7fff::1",
                           "2620:4f:8001::1",
                           "2a00:1450:4001::1",
                           "3ffe:ffff::1",
                           "3fff:1000::1"})
    CHECK_MESSAGE(is_public_address(address(text)), text);
}

TEST_CASE("networks as an administrator writes them") {
  const auto ten = parse_network("10.0.0.0/8");
  REQUIRE(ten);
  CHECK(ten->contains(address("10.1.2.3")));
  CHECK(ten->contains(address("::ffff:10.1.2.3")));
  CHECK(!ten->contains(address("11.0.0.0")));
  const auto odd = parse_network("172.16.0.0/12");
  CHECK(odd->contains(address("172.31.255.255")));
  CHECK(!odd->contains(address("172.32.0.0")));
  const auto one = parse_network("127.0.0.1");
  CHECK(one->contains(address("127.0.0.1")));
  CHECK(!one->contains(address("127.0.0.2")));
  const auto ula = parse_network("fd00::/8");
  CHECK(ula->contains(address("fd12::1")));
  CHECK(!ula->contains(address("fc12::1")));
  CHECK(!ula->contains(address("10.0.0.1")));
  const auto all = parse_network("0.0.0.0/0");
  CHECK(all->contains(address("192.168.1.1")));
  CHECK(!all->contains(address("::1")));
  CHECK(is_in_any({*ten, *ula}, address("fd00::1")));
  CHECK(!is_in_any({}, address("10.0.0.1")));
  for (const char* bad : {"", "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "10.0.0.1/8",
                          "fd00::1/8", "fd00::/129", "10.0.0", "10.0.0.0/8/8", "10.0.0.0/-1"})
    CHECK_MESSAGE(!parse_network(bad), bad);
}
