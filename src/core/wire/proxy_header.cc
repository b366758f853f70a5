// See proxy_header.h. After the HAProxy project's description of the protocol.
#include "core/wire/proxy_header.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/text.h"

namespace clasp::wire {
namespace {

using State = ProxyHeader::State;

constexpr std::string_view kWord = "PROXY ";
constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kMaxLine = 107;  // with its CR LF
constexpr std::size_t kFixedPart = 16;

ProxyHeader refuse(const char* reason) {
  ProxyHeader out;
  out.state = State::refused;
  out.reason = reason;
  return out;
}

ProxyHeader complete(std::size_t size, std::optional<PeerAddress> source = std::nullopt) {
  ProxyHeader out;
  out.state = State::complete;
  out.size = size;
  out.source = source;
  return out;
}

bool begins_alike(std::string_view bytes, std::string_view start) {
  const std::size_t n = std::min(bytes.size(), start.size());
  return bytes.substr(0, n) == start.substr(0, n);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  if (text.size() > 5 || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  const auto number = parse_unsigned(text);
  if (!number || *number > 0xFFFF) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

// "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443", or "PROXY UNKNOWN" and anything behind it.
ProxyHeader parse_line(std::string_view bytes) {
  const std::size_t end = bytes.substr(0, kMaxLine).find('\n');
  if (end == bytes.npos)
    return bytes.size() >= kMaxLine ? refuse("the line is too long") : ProxyHeader{};
  if (end == 0 || bytes[end - 1] != '\r') return refuse("the line does not end with CR LF");
  const std::string_view line = bytes.substr(kWord.size(), end - 1 - kWord.size());
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return complete(end + 1);
  const auto words = split(line, ' ');
  const bool v4 = words[0] == "TCP4";
  if (words.size() != 5 || (!v4 && words[0] != "TCP6")) return refuse("the line is malformed");
  const auto is_family = [v4](std::string_view text) {
    return (text.find(':') == text.npos) == v4 && parse_address(text).has_value();
  };
  const auto port = parse_port(words[3]);
  if (!is_family(words[1]) || !is_family(words[2]) || !port || !parse_port(words[4]))
    return refuse("an address of the line is malformed");
  return complete(end + 1, PeerAddress{*parse_address(words[1]), *port});
}

std::uint16_t number_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                                    static_cast<unsigned char>(bytes[at + 1]));
}

// The fixed part, the addresses (source, destination, their ports), extensions that nobody reads.
ProxyHeader parse_binary(std::string_view bytes) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (bytes.size() > 12 && at(12) != 0x20 && at(12) != 0x21)
    return refuse("the version or the command is not known");
  if (bytes.size() < kFixedPart) return {};
  const std::size_t length = number_at(bytes, 14);
  if (length > kMaxProxyHeader - kFixedPart) return refuse("the header is too long");
  const unsigned family = at(13) >> 4, transport = at(13) & 15;
  // The proxy speaks for itself (its health checks): what it says of addresses is to be ignored.
  if (at(12) == 0x20)
    return bytes.size() < kFixedPart + length ? ProxyHeader{} : complete(kFixedPart + length);
  if (family > 3 || transport > 2) return refuse("the address family is not known");
  if (transport == 2) return refuse("it is about datagrams");
  // Where both are said; of a Unix socket (3) there is no address to speak of.
  constexpr std::size_t kSizes[] = {0, 12, 36, 216};
  const bool is_proxied = transport == 1;
  if (is_proxied && length < kSizes[family]) return refuse("the addresses are cut off");
  if (bytes.size() < kFixedPart + length) return {};
  if (!is_proxied || family == 0 || family == 3) return complete(kFixedPart + length);
  PeerAddress source;
  if (family == 1)
    source.address = map_ipv4(reinterpret_cast<const unsigned char*>(bytes.data()) + kFixedPart);
  else
    std::memcpy(source.address.data(), bytes.data() + kFixedPart, source.address.size());
  source.port = number_at(bytes, kFixedPart + (family == 1 ? 8 : 32));
  return complete(kFixedPart + length, source);
}

}  // namespace

ProxyHeader parse_proxy_header(std::string_view bytes) {
  if (begins_alike(bytes, kWord))
    return bytes.size() < kWord.size() ? ProxyHeader{} : parse_line(bytes);
  if (begins_alike(bytes, kSignature)) return parse_binary(bytes);
  return refuse("the connection does not begin with a PROXY header");
}

}  // namespace clasp::wire
