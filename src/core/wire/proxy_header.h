// The PROXY header, versions 1 and 2, with which a load balancer begins a connection that it hands
// on: who the client is. Bytes in, an address out; whether the balancer is believed is decided
// elsewhere.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/network.h"

namespace clasp::wire {

// No header is longer: a line of version 1 has at most 107 bytes; one of version 2 is refused above
// the size that leaves room for every address family and a few hundred bytes of extensions.
inline constexpr std::size_t kMaxProxyHeader = 536;

struct ProxyHeader {
  enum class State { incomplete, complete, refused };
  State state = State::incomplete;
  std::size_t size = 0;  // of a complete header
  std::optional<PeerAddress>
      source;               // the client; none: whoever connected (a health check, or not known)
  const char* reason = "";  // of a refusal
};

// `bytes` is all that has come so far. Incomplete means that every byte of it belongs to the
// header.
ProxyHeader parse_proxy_header(std::string_view bytes);

}  // namespace clasp::wire
