// The URL parser. Accepts what RFC 3986 calls an absolute URI of http or https and refuses
// whatever could end a request line or a header early.
#include "core/wire/url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>

#include "base/text.h"

namespace clasp::wire {
namespace {

bool is_printable(unsigned char c) {
  return c > 0x20 && c != 0x7f;
}

bool is_name_char(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool is_ipv6(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

Result<void> take_user(Url& url, std::string_view user_info) {
  const std::size_t colon = user_info.find(':');
  auto user = percent_decode(user_info.substr(0, colon));
  auto password = percent_decode(colon == user_info.npos ? "" : user_info.substr(colon + 1));
  if (!user || !password) return fail("URL: bad percent sign in the user part");
  url.user = std::move(*user);
  url.password = std::move(*password);
  return {};
}

Result<void> take_host(Url& url, std::string_view host) {
  url.host = to_lower(host);
  if (url.host.empty()) return fail("URL: the host is missing");
  if (url.host.size() > 253) return fail("URL: the host is too long");
  if (!std::all_of(url.host.begin(), url.host.end(), is_name_char))
    return fail("URL: bad character in the host");
  return {};
}

// Takes the host off the front of "host[:port]" and leaves ":port" or nothing.
Result<std::string_view> split_host(Url& url, std::string_view rest) {
  if (!rest.starts_with('[')) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    if (auto taken = take_host(url, rest.substr(0, colon)); !taken)
      return tl::unexpected(taken.error());
    return rest.substr(colon);
  }
  const std::size_t close = rest.find(']');
  if (close == rest.npos) return fail("URL: ']' is missing");
  url.host = to_lower(rest.substr(1, close - 1));
  if (!is_ipv6(url.host)) return fail("URL: bad IPv6 address");
  return rest.substr(close + 1);
}

Result<void> take_port(Url& url, std::string_view rest) {
  url.port = url.is_https() ? 443 : 80;
  if (rest.empty() || rest == ":") return {};
  if (rest[0] != ':') return fail("URL: text after the host");
  const auto port = parse_unsigned(rest.substr(1));
  if (!port || *port == 0 || *port > 65535) return fail("URL: bad port");
  url.port = static_cast<std::uint16_t>(*port);
  return {};
}

}  // namespace

std::string Url::host_and_port() const {
  const bool v6 = host.find(':') != host.npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string Url::authority() const {
  std::string both = host_and_port();
  if (is_default_port()) both.resize(both.rfind(':'));
  return both;
}

Result<Url> parse_url(std::string_view text) {
  if (text.size() > kMaxUrlLength) return fail("URL: too long");
  if (!std::all_of(text.begin(), text.end(), is_printable))
    return fail("URL: space or control character");
  const std::size_t colon = text.find("://");
  if (colon == text.npos) return fail("URL: it must start with http:// or https://");
  Url url;
  url.scheme = to_lower(text.substr(0, colon));
  if (url.scheme != "http" && url.scheme != "https")
    return fail("URL: only http and https are supported");

  std::string_view rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));
  const std::size_t path = std::min(rest.find_first_of("/?"), rest.size());
  std::string_view authority = rest.substr(0, path);
  url.target = rest.substr(path);
  if (!url.target.starts_with('/')) url.target.insert(0, 1, '/');

  if (const std::size_t at = authority.rfind('@'); at != authority.npos) {
    if (auto taken = take_user(url, authority.substr(0, at)); !taken)
      return tl::unexpected(taken.error());
    authority.remove_prefix(at + 1);
  }
  auto port = split_host(url, authority);
  if (!port) return tl::unexpected(port.error());
  if (auto taken = take_port(url, *port); !taken) return tl::unexpected(taken.error());
  return url;
}

bool is_ip_literal(std::string_view host) {
  const std::string text(host);
  in_addr v4;
  return inet_pton(AF_INET, text.c_str(), &v4) == 1 || is_ipv6(text);
}

}  // namespace clasp::wire
