#include "base/control_chars.h"

#include <doctest/doctest.h>

#include <string>

using namespace clasp;

TEST_CASE("control characters are found wherever they stand, and nothing else is") {
  for (std::size_t size : {1u, 7u, 8u, 9u, 17u})
    for (std::size_t at = 0; at < size; ++at)
      for (int c = 0; c < 256; ++c) {
        std::string text(size, 'x');
        text[at] = static_cast<char>(c);
        const bool control = (c < 0x20 && c != '\t') || c == 0x7F;
        CHECK_MESSAGE(has_control(text) == control, size << " " << at << " " << c);
      }
  // Neighbours that a borrow between bytes could confuse.
  CHECK_FALSE(has_control(std::string(16, ' ')));
  CHECK_FALSE(has_control("\x20\x80\xff\x7e\x20\x80\xff\x7e"));
  CHECK_FALSE(has_control("\t\t\t\t\t\t\t\t"));
  CHECK(has_control("\t\t\t\t\t\t\t\n"));
}
