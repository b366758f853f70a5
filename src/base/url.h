// Absolute http and https URLs as a backend's address needs them: strict, no relative references,
// no credentials inside. Knows nothing of requests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace clasp {

struct Url {
  bool tls = false;
  std::string host;        // lower case; an IPv6 address without its brackets
  std::uint16_t port = 0;  // 80 or 443 when the text names none
  std::string path;        // as written, begins with '/'; empty when the text has none
  std::string query;       // without '?'

  bool default_port() const { return port == (tls ? 443 : 80); }
  // For the Host header: brackets around IPv6, the port unless it is the scheme's own.
  std::string authority() const;
  // What follows the request method: path ("/" when empty) and query.
  std::string target() const;
  std::string text() const;
};

// Refuses other schemes, user:password@, fragments, blanks and non-ASCII; the message names what
// is wrong but does not repeat the text, which may hold a key.
Result<Url> parse_url(std::string_view text);

// True for localhost and loopback addresses as written; resolves nothing.
bool is_loopback_host(std::string_view host);
// A numeric address as inet_pton takes it; `host` without brackets.
bool is_ipv4_address(std::string_view host);
bool is_ipv6_address(std::string_view host);

}  // namespace clasp
