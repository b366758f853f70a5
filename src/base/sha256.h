// SHA-256, for keys that are kept and compared as digests only.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace clasp {

using Sha256 = std::array<unsigned char, 32>;

Sha256 sha256(std::string_view bytes);
// 64 lower-case hex digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace clasp
