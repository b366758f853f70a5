// Long JSON strings 64 bytes at a time, on processors that can. Code has an escape every few bytes,
// and whoever looks at each one alone takes longer for them than for all the rest.
#pragma once

#include <cstddef>
#include <string_view>

namespace clasp {

// `at`: inside of a JSON string, not behind the backslash of an escape. A position that is not
// before it and of which the same holds; what lies between is part of the string, and all escapes
// there are two bytes long and none of them `\/`. It may be `at` itself: for short strings, before
// anything else, and where the processor cannot.
std::size_t skip_string_blocks(std::string_view text, std::size_t at);

}  // namespace clasp
