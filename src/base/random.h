// Randomness as an interface: ids and jitter come from here, so tests can fix them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace clasp {

class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;
};

// `prefix` + 24 characters of [0-9A-Za-z] ("req_…", "msg_…", "toolu_…"); 142 random bits.
std::string make_id(Random& random, std::string_view prefix);

}  // namespace clasp
