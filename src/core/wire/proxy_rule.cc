// Matching of NO_PROXY entries: names with their subdomains, addresses, networks, "*".
#include "core/wire/proxy_rule.h"

#include <arpa/inet.h>

#include <array>
#include <cstring>

#include "base/text.h"

namespace clasp::wire {
namespace {

struct Address {
  std::array<unsigned char, 16> bytes{};
  std::size_t size = 0;  // 4, 16, or 0 for "not an address"
};

Address parse_address(std::string_view text) {
  const std::string copy(text);
  Address address;
  if (inet_pton(AF_INET, copy.c_str(), address.bytes.data()) == 1)
    address.size = 4;
  else if (inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1)
    address.size = 16;
  return address;
}

bool is_loopback(const Url& target) {
  if (target.host == "localhost") return true;
  const Address address = parse_address(target.host);
  if (address.size == 4) return address.bytes[0] == 127;
  static constexpr std::array<unsigned char, 16> kLoopback6{0, 0, 0, 0, 0, 0, 0, 0,
                                                            0, 0, 0, 0, 0, 0, 0, 1};
  return address.size == 16 && address.bytes == kLoopback6;
}

// "10.0.0.0/8" against an address.
bool in_network(const Address& address, std::string_view network) {
  const std::size_t slash = network.find('/');
  if (slash == network.npos || address.size == 0) return false;
  const Address base = parse_address(network.substr(0, slash));
  const auto bits = parse_unsigned(network.substr(slash + 1));
  if (base.size != address.size || !bits || *bits > address.size * 8) return false;
  const std::size_t whole = *bits / 8;
  if (std::memcmp(base.bytes.data(), address.bytes.data(), whole) != 0) return false;
  if (*bits % 8 == 0) return true;
  const int mask = (0xff00 >> (*bits % 8)) & 0xff;
  return (base.bytes[whole] & mask) == (address.bytes[whole] & mask);
}

// Takes ":port" off an entry; false when it names another port than the target's.
bool take_port(std::string_view& entry, const Url& target) {
  if (entry.starts_with('[')) {
    const std::size_t close = entry.find(']');
    if (close == entry.npos) return false;
    const std::string_view port = entry.substr(close + 1);
    entry = entry.substr(1, close - 1);
    return port.empty() || port == ":" + std::to_string(target.port);
  }
  const std::size_t colon = entry.rfind(':');
  if (colon == entry.npos || entry.find(':') != colon) return true;  // none, or bare IPv6
  const bool same = entry.substr(colon + 1) == std::to_string(target.port);
  entry = entry.substr(0, colon);
  return same;
}

bool matches(std::string_view entry, const Url& target, const Address& address) {
  if (entry == "*") return true;
  if (in_network(address, entry)) return true;
  if (!take_port(entry, target)) return false;
  if (address.size != 0) {
    const Address other = parse_address(entry);
    return other.size == address.size && other.bytes == address.bytes;
  }
  if (entry.starts_with("*.")) entry.remove_prefix(1);
  if (entry.starts_with('.')) entry.remove_prefix(1);
  if (entry.empty() || !target.host.ends_with(entry)) return false;
  const std::size_t rest = target.host.size() - entry.size();
  return rest == 0 || target.host[rest - 1] == '.';
}

std::string base64(std::string_view bytes) {
  std::string text = base64url_encode(bytes);
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

}  // namespace

ProxyRules::ProxyRules(const ProxySettings& settings)
    : http_proxy_(trim(settings.http_proxy)), https_proxy_(trim(settings.https_proxy)) {
  for (const std::string_view entry : split(settings.no_proxy, ','))
    if (const auto text = trim(entry); !text.empty()) no_proxy_.push_back(to_lower(text));
}

bool ProxyRules::is_excluded(const Url& target) const {
  if (is_loopback(target)) return true;
  const Address address = parse_address(target.host);
  for (const std::string& entry : no_proxy_)
    if (matches(entry, target, address)) return true;
  return false;
}

Result<std::optional<Url>> ProxyRules::find(const Url& target) const {
  const std::string& text = target.is_https() ? https_proxy_ : http_proxy_;
  if (text.empty() || is_excluded(target)) return std::nullopt;
  const std::string name = target.is_https() ? "HTTPS_PROXY" : "HTTP_PROXY";
  auto proxy = parse_url(text.find("://") == text.npos ? "http://" + text : text);
  if (!proxy) return fail(name + ": " + proxy.error().message);
  if (proxy->is_https()) return fail(name + ": only http:// proxies are supported");
  return std::optional<Url>(std::move(*proxy));
}

std::string render_proxy_authorization(const Url& proxy) {
  if (proxy.user.empty() && proxy.password.empty()) return "";
  return "Basic " + base64(proxy.user + ":" + proxy.password);
}

}  // namespace clasp::wire
