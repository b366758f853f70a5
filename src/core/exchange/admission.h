// What the door has lent to one request under limits (core/policy/rate_limit.h), and takes back
// when it is over.
#pragma once

#include <cstdint>

#include "core/wire/headers.h"

namespace clasp::exchange {

class Admission {
 public:
  // Ends it without tokens, unless settle() did.
  virtual ~Admission() = default;
  // anthropic-ratelimit-…: what was left when the request came in. Nothing where only concurrency
  // is limited.
  virtual bool has_headers() const = 0;
  virtual void add_headers(wire::Headers& headers) const = 0;
  // The request is over and has used so many tokens. At most once.
  virtual void settle(std::uint64_t tokens) = 0;
};

}  // namespace clasp::exchange
