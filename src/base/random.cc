// Ids from random words.
#include "base/random.h"

#include "base/text.h"

namespace clasp {

std::string make_id(Random& random, std::string_view prefix) {
  // The high digits of a number are not evenly spread; the low eight of 128 bits are.
  std::string id(prefix);
  for (int i = 0; i < 3; ++i) id += base62(random.next(), random.next(), 8);
  return id;
}

}  // namespace clasp
