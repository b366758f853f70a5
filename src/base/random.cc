// Ids from random words.
#include "base/random.h"

#include <cstdint>

namespace clasp {

namespace {
constexpr char kDigits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
}  // namespace

std::string make_id(Random& random, std::string_view prefix) {
  // The high digits of a number are not evenly spread; the low eight of 64 bits are (to one part
  // in 80,000).
  std::string id;
  id.reserve(prefix.size() + 24);
  id.append(prefix);
  for (int i = 0; i < 3; ++i) {
    std::uint64_t word = random.next();
    char digits[8];
    for (char& digit : digits) {
      digit = kDigits[word % 62];
      word /= 62;
    }
    id.append(digits, sizeof digits);
  }
  return id;
}

}  // namespace clasp
