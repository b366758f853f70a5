// Ids from random words.
#include "base/random.h"

#include "base/text.h"

namespace clasp {

std::string make_id(Random& random, std::string_view prefix) {
  const std::uint64_t high = random.next();
  return std::string(prefix) + base62(high, random.next(), 24);
}

}  // namespace clasp
