// Parsing of listen addresses: numeric ones only, because a name may mean several.
#include "config/listen.h"

#include "base/text.h"
#include "base/url.h"
#include "config/value.h"

namespace clasp::config {
namespace {

constexpr std::string_view kForms =
    "; write ADDRESS, ADDRESS:PORT, [IPV6]:PORT or unix:/PATH with a numeric address";

Result<Listener> parse_unix(std::string_view path) {
  constexpr std::size_t kMaxPath = 107;  // sun_path less its terminator
  if (path.empty() || path.front() != '/')
    return fail("the path of a unix socket must begin with /");
  if (path.size() > kMaxPath)
    return fail("the path of a unix socket may have 107 characters at most");
  Listener listener;
  listener.is_unix = true;
  listener.address = path;
  listener.port = 0;
  return listener;
}

bool set_address(Listener& listener, std::string_view host) {
  if (host.empty() || host == "*") {
    listener.address = "0.0.0.0";
  } else if (iequals(host, "localhost")) {
    listener.address = "127.0.0.1";
  } else if (is_ipv4_address(host) || is_ipv6_address(host)) {
    listener.address = host;
  } else {
    return false;
  }
  return true;
}

}  // namespace

Result<Listener> parse_listener(std::string_view text, std::uint16_t default_port) {
  if (text.substr(0, 5) == "unix:") return parse_unix(text.substr(5));
  std::string_view host = text, port;
  bool has_port = false;
  const auto colon = text.rfind(':');
  if (!text.empty() && text.front() == '[') {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return fail(quoted(text) + " has no closing ]");
    host = text.substr(1, close - 1);
    const std::string_view rest = text.substr(close + 1);
    if (!is_ipv6_address(host) || (!rest.empty() && rest.front() != ':'))
      return fail(quoted(text) + " is not a listen address" + std::string(kForms));
    has_port = !rest.empty();
    if (has_port) port = rest.substr(1);
  } else if (colon != std::string_view::npos && text.find(':') == colon) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    has_port = true;
  }
  Listener listener;
  listener.port = default_port;
  if (text.empty() || !set_address(listener, host))
    return fail(quoted(text) + " is not a listen address" + std::string(kForms));
  if (has_port) {
    const auto number = parse_unsigned(port);
    if (!number || *number > 65535) return fail(quoted(text) + " has no port between 0 and 65535");
    listener.port = static_cast<std::uint16_t>(*number);
  }
  return listener;
}

std::string render_listener(const Listener& listener) {
  if (listener.is_unix) return "unix:" + listener.address;
  const bool v6 = listener.address.find(':') != std::string::npos;
  return (v6 ? "[" + listener.address + "]" : listener.address) + ":" +
         std::to_string(listener.port);
}

}  // namespace clasp::config
