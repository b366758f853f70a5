// Absolute http and https URLs taken apart, for backends and proxies. It never resolves a name,
// never decodes a path and never follows anything.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace clasp::wire {

struct Url {
  std::string scheme;      // "http" or "https"
  std::string host;        // lower case; IPv6 without brackets
  std::uint16_t port = 0;  // the scheme's default when the URL names none
  std::string target;      // path and query as written, at least "/"; without fragment
  std::string user;        // from user:password@, percent-decoded
  std::string password;

  bool is_https() const { return scheme == "https"; }
  bool is_default_port() const { return port == (is_https() ? 443 : 80); }
  // "host:port", IPv6 in brackets: for CONNECT and for messages.
  std::string host_and_port() const;
  // The Host header's value: the port only when it is not the scheme's.
  std::string authority() const;
};

inline constexpr std::size_t kMaxUrlLength = 8192;

// The error says what is wrong and never repeats the user part of the URL.
Result<Url> parse_url(std::string_view text);

// True for "127.0.0.1" and "::1", false for names.
bool is_ip_literal(std::string_view host);

}  // namespace clasp::wire
