// Ids from random words.
#include "base/random.h"

#include "base/text.h"

namespace clasp {

std::string make_id(Random& random, std::string_view prefix) {
  // The high digits of a number are not evenly spread; the low eight of 64 bits are (to one part
  // in 80,000).
  std::string id(prefix);
  for (int i = 0; i < 3; ++i) id += base62(0, random.next(), 8);
  return id;
}

}  // namespace clasp
