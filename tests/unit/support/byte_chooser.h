// Choices made by a source of bytes: the same bytes choose the same. At its end the first of each.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace clasp::test {

class ByteChooser {
 protected:
  explicit ByteChooser(std::string_view bytes) : bytes_(bytes) {}
  std::size_t pick(std::size_t count) {
    if (bytes_.empty()) return 0;
    const auto value = static_cast<unsigned char>(bytes_.front());
    bytes_.remove_prefix(1);
    return value % count;
  }
  template <std::size_t N>
  std::string pick(const char* const (&list)[N]) {
    return list[pick(N)];
  }

  std::string_view bytes_;
};

}  // namespace clasp::test
