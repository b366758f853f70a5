// Parsing and writing of URLs; no resolving, no I/O.
#include "base/url.h"

#include <arpa/inet.h>

#include <array>

#include "base/text.h"

namespace clasp {
namespace {

constexpr std::size_t kMaxUrl = 4096;
constexpr std::size_t kMaxHost = 253;

bool is_host_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '.' || c == '_';
}

bool is_plain_host(std::string_view host) {
  if (host.empty() || host.size() > kMaxHost) return false;
  for (char c : host)
    if (!is_host_char(c)) return false;
  return true;
}

bool is_address(int family, std::string_view host) {
  if (host.size() >= INET6_ADDRSTRLEN || host.find('\0') != std::string_view::npos) return false;
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return inet_pton(family, std::string(host).c_str(), bytes.data()) == 1;
}

Result<std::uint16_t> parse_port(std::string_view text) {
  const auto number = parse_unsigned(text);
  if (!number || *number == 0 || *number > 65535)
    return fail("its port is not a number from 1 to 65535");
  return static_cast<std::uint16_t>(*number);
}

// "host", "host:port", "[v6]", "[v6]:port" into `url`.
Result<void> parse_authority(std::string_view text, Url& url) {
  if (text.find('@') != std::string_view::npos)
    return fail("it holds a user name or password; a key belongs in its own option");
  std::string_view rest;
  if (!text.empty() && text.front() == '[') {
    const auto close = text.find(']');
    if (close == std::string_view::npos || !is_ipv6_address(text.substr(1, close - 1)))
      return fail("its IPv6 address is not valid");
    url.host = to_lower(text.substr(1, close - 1));
    rest = text.substr(close + 1);
  } else {
    const auto colon = text.find(':');
    const std::string_view host = text.substr(0, colon);
    if (!is_plain_host(host)) return fail("its host name is missing or not valid");
    url.host = to_lower(host);
    rest = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
  }
  if (rest.empty()) return {};
  if (rest.front() != ':') return fail("its IPv6 address is not valid");
  const auto port = parse_port(rest.substr(1));
  if (!port) return tl::unexpected(port.error());
  url.port = *port;
  return {};
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  if (text.size() > kMaxUrl) return fail("it is longer than 4096 characters");
  for (char c : text)
    if (c <= ' ' || c > '~' || c == '"' || c == '<' || c == '>' || c == '\\')
      return fail("it holds a character that no URL may have");
  const auto scheme_end = text.find("://");
  const std::string_view scheme =
      scheme_end == std::string_view::npos ? std::string_view{} : text.substr(0, scheme_end);
  Url url;
  if (iequals(scheme, "https")) {
    url.tls = true;
  } else if (!iequals(scheme, "http")) {
    return fail("it does not begin with http:// or https://");
  }
  url.port = url.tls ? 443 : 80;
  if (text.find('#') != std::string_view::npos) return fail("it holds a fragment (#)");
  std::string_view rest = text.substr(scheme_end + 3);
  const auto authority_end = rest.find_first_of("/?");
  if (const auto parsed = parse_authority(rest.substr(0, authority_end), url); !parsed)
    return tl::unexpected(parsed.error());
  if (authority_end == std::string_view::npos) return url;
  rest.remove_prefix(authority_end);
  const auto question = rest.find('?');
  url.path = rest.substr(0, question);
  if (question != std::string_view::npos) url.query = rest.substr(question + 1);
  return url;
}

std::string Url::authority() const {
  std::string out = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (!default_port()) out.append(":").append(std::to_string(port));
  return out;
}

std::string Url::target() const {
  std::string out = path.empty() ? "/" : path;
  if (!query.empty()) out.append("?").append(query);
  return out;
}

std::string Url::text() const {
  std::string out = tls ? "https://" : "http://";
  out.append(authority()).append(path);
  if (!query.empty()) out.append("?").append(query);
  return out;
}

bool is_ipv4_address(std::string_view host) {
  return is_address(AF_INET, host);
}
bool is_ipv6_address(std::string_view host) {
  return is_address(AF_INET6, host);
}

bool is_loopback_host(std::string_view host) {
  if (iequals(host, "localhost") || host == "::1") return true;
  return is_ipv4_address(host) && host.substr(0, 4) == "127.";
}

}  // namespace clasp
