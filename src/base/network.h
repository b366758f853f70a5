// IP networks and the question which addresses belong to the public Internet. Works on the bytes of
// addresses; resolves nothing and opens nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace clasp {

// An address as IPv6 writes it; IPv4 addresses are mapped (::ffff:a.b.c.d), so that one comparison
// serves both.
using AddressBytes = std::array<unsigned char, 16>;

AddressBytes map_ipv4(const unsigned char* four);

struct Network {
  AddressBytes address{};
  unsigned prefix = 0;  // bits of the mapped form: 96 + n for IPv4
  bool contains(const AddressBytes& one) const;
  friend bool operator==(const Network&, const Network&) = default;
};

// "10.0.0.0/8", "fd00::/8", or one address. Bits behind the prefix must be zero: a network that
// says something else than it means is a mistake.
Result<Network> parse_network(std::string_view text);

// True for addresses that anybody on the Internet could own: not loopback, private, link-local,
// shared, documentation, multicast or reserved ones. An IPv4 address inside an IPv6 one (mapped,
// NAT64) counts by what it reaches; 6to4 and Teredo, which nobody needs any more, never do.
bool is_public_address(const AddressBytes& address);

bool is_in_any(const std::vector<Network>& networks, const AddressBytes& address);

// The other end of a connection.
struct PeerAddress {
  AddressBytes address{};
  std::uint16_t port = 0;  // 0: not known
  friend bool operator==(const PeerAddress&, const PeerAddress&) = default;
};

// One address without brackets, zone or port.
std::optional<AddressBytes> parse_address(std::string_view text);
// ADDRESS, ADDRESS:PORT, [IPV6], [IPV6]:PORT, or an IPv6 address alone.
std::optional<PeerAddress> parse_peer(std::string_view text);
// "127.0.0.1:54321", "[::1]:54321"; without a port that is not known: "127.0.0.1", "[::1]".
std::string render_peer(const PeerAddress& peer);
// What render_peer() wrote, without the port; "unix" and the like stay as they are.
std::string_view address_of_peer(std::string_view peer);

}  // namespace clasp
