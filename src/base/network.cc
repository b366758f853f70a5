// The tables of special networks (the IANA registries for IPv4 and IPv6) and their comparison.
#include "base/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "base/text.h"

namespace clasp {

namespace {

constexpr unsigned kMappedBits = 96;

struct V4 {
  unsigned char bytes[4];
  unsigned prefix;
};

// Not for the public. 0.0.0.0/8 reaches the own machine on Linux; 192.88.99.0/24 was a relay.
constexpr V4 kSpecialV4[] = {
    {{0, 0, 0, 0}, 8},       {{10, 0, 0, 0}, 8},     {{100, 64, 0, 0}, 10},
    {{127, 0, 0, 0}, 8},     {{169, 254, 0, 0}, 16}, {{172, 16, 0, 0}, 12},
    {{192, 0, 0, 0}, 24},    {{192, 0, 2, 0}, 24},   {{192, 31, 196, 0}, 24},
    {{192, 52, 193, 0}, 24}, {{192, 88, 99, 0}, 24}, {{192, 168, 0, 0}, 16},
    {{192, 175, 48, 0}, 24}, {{198, 18, 0, 0}, 15},  {{198, 51, 100, 0}, 24},
    {{203, 0, 113, 0}, 24},  {{224, 0, 0, 0}, 4},    {{240, 0, 0, 0}, 4},
};

struct V6 {
  unsigned char bytes[16];
  unsigned prefix;
};

// Inside 2000::/3, the only part that is given out; everything outside of it is refused.
constexpr V6 kSpecialV6[] = {
    {{0x20, 0x01, 0x00}, 23},              // IETF protocols: Teredo, ORCHID, benchmarking, …
    {{0x20, 0x01, 0x0d, 0xb8}, 32},        // documentation
    {{0x20, 0x02}, 16},                    // 6to4: an IPv4 address in disguise
    {{0x26, 0x20, 0x00, 0x4f, 0x80}, 48},  // AS112
    {{0x3f, 0xff, 0x00}, 20},              // documentation
};

// Compares the first `bits` bits.
bool same_bits(const unsigned char* a, const unsigned char* b, unsigned bits) {
  const unsigned whole = bits / 8, rest = bits % 8;
  if (std::memcmp(a, b, whole) != 0) return false;
  if (rest == 0) return true;
  const unsigned mask = 0xFFu << (8 - rest) & 0xFFu;
  return ((a[whole] ^ b[whole]) & mask) == 0;
}

bool is_mapped(const AddressBytes& address) {
  constexpr unsigned char kPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  return std::memcmp(address.data(), kPrefix, sizeof kPrefix) == 0;
}

bool is_public_v4(const unsigned char* four) {
  return std::none_of(std::begin(kSpecialV4), std::end(kSpecialV4), [four](const V4& special) {
    return same_bits(four, special.bytes, special.prefix);
  });
}

}  // namespace

AddressBytes map_ipv4(const unsigned char* four) {
  AddressBytes out{};
  out[10] = out[11] = 0xFF;
  std::memcpy(out.data() + 12, four, 4);
  return out;
}

bool Network::contains(const AddressBytes& one) const {
  return same_bits(address.data(), one.data(), prefix);
}

Result<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string host(text.substr(0, slash));
  Network network;
  unsigned char four[4];
  unsigned bits = 128, offset = 0;
  if (inet_pton(AF_INET, host.c_str(), four) == 1) {
    network.address = map_ipv4(four);
    bits = 32;
    offset = kMappedBits;
  } else if (inet_pton(AF_INET6, host.c_str(), network.address.data()) != 1) {
    return fail("expected a network such as 10.0.0.0/8 or fd00::/8");
  }
  std::uint64_t prefix = bits;
  if (slash != std::string_view::npos) {
    const auto number = parse_unsigned(text.substr(slash + 1));
    if (!number || *number > bits)
      return fail("expected a prefix length of 0 to " + std::to_string(bits) + " behind the slash");
    prefix = *number;
  }
  network.prefix = offset + static_cast<unsigned>(prefix);
  for (unsigned bit = network.prefix; bit < 128; ++bit)
    if ((network.address[bit / 8] >> (7 - bit % 8) & 1) != 0)
      return fail("there are bits behind the prefix: write the network's first address");
  return network;
}

bool is_public_address(const AddressBytes& address) {
  if (is_mapped(address)) return is_public_v4(address.data() + 12);
  // NAT64 (64:ff9b::/96): the translator goes where the last four bytes say.
  constexpr unsigned char kNat64[12] = {0x00, 0x64, 0xFF, 0x9B};
  if (std::memcmp(address.data(), kNat64, sizeof kNat64) == 0)
    return is_public_v4(address.data() + 12);
  if ((address[0] & 0xE0) != 0x20) return false;
  return std::none_of(std::begin(kSpecialV6), std::end(kSpecialV6), [&](const V6& special) {
    return same_bits(address.data(), special.bytes, special.prefix);
  });
}

bool is_in_any(const std::vector<Network>& networks, const AddressBytes& address) {
  return std::any_of(networks.begin(), networks.end(),
                     [&](const Network& network) { return network.contains(address); });
}

std::optional<AddressBytes> parse_address(std::string_view text) {
  if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != text.npos) return std::nullopt;
  const std::string host(text);
  AddressBytes out{};
  unsigned char four[4];
  if (inet_pton(AF_INET, host.c_str(), four) == 1) return map_ipv4(four);
  if (inet_pton(AF_INET6, host.c_str(), out.data()) == 1) return out;
  return std::nullopt;
}

std::optional<PeerAddress> parse_peer(std::string_view text) {
  std::string_view host = text, port;
  const std::size_t colon = text.find(':');
  if (!text.empty() && text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == text.npos) return std::nullopt;
    host = text.substr(1, close - 1);
    if (host.find(':') == host.npos) return std::nullopt;
    port = text.substr(close + 1);
  } else if (colon != text.npos && colon == text.rfind(':')) {
    host = text.substr(0, colon);
    port = text.substr(colon);
  }
  const auto address = parse_address(host);
  if (!address) return std::nullopt;
  if (port.empty()) return PeerAddress{*address, 0};
  const auto number = port.front() == ':' ? parse_unsigned(port.substr(1)) : std::nullopt;
  if (!number || *number > 0xFFFF) return std::nullopt;
  return PeerAddress{*address, static_cast<std::uint16_t>(*number)};
}

std::string render_peer(const PeerAddress& peer) {
  char text[INET6_ADDRSTRLEN] = "";
  const bool v4 = is_mapped(peer.address);
  inet_ntop(v4 ? AF_INET : AF_INET6, peer.address.data() + (v4 ? 12 : 0), text, sizeof text);
  std::string out = v4 ? std::string(text) : "[" + std::string(text) + "]";
  if (peer.port != 0) out.append(":").append(std::to_string(peer.port));
  return out;
}

std::string_view address_of_peer(std::string_view peer) {
  const std::size_t from = peer.starts_with('[') ? peer.find(']') : 0;
  return peer.substr(0, peer.find(':', from));
}

}  // namespace clasp
