// The head of a request to a backend as text. It refuses what could break the message apart and
// adds the fields that belong to the framing; it knows no connection.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/wire/headers.h"

namespace clasp::wire {

struct RequestHeadParts {
  std::string_view method;
  std::string_view target;  // origin form, absolute form or host:port, as the connection needs it
  std::string_view host;    // value of the Host field
  std::string_view proxy_authorization;  // empty: none
  std::uint64_t body_length = 0;
};

// Host, Content-Length, Connection, Transfer-Encoding and the like in `headers` are left out: they
// describe the caller's own message. Fails on control characters in a name or value.
Result<std::string> render_request_head(const RequestHeadParts& parts, const Headers& headers);

}  // namespace clasp::wire
