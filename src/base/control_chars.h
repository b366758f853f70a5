// Control characters in text that goes into a header or a log line.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace clasp {

// A tab is none.
inline bool is_control(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F;
}

// Eight bytes at a time: every header of every answer and every log line is looked at.
inline bool has_control(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
  while (text.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), sizeof word);
    const std::uint64_t no_delete = word ^ (kOnes * 0x7F);
    // Exact in whether there is one; where it stands, and whether it is a tab, is looked at below.
    const std::uint64_t found =
        ((word - kOnes * 0x20) & ~word & kHigh) | ((no_delete - kOnes) & ~no_delete & kHigh);
    if (found != 0)
      for (const char c : text.substr(0, sizeof word))
        if (is_control(c)) return true;
    text.remove_prefix(sizeof word);
  }
  for (const char c : text)
    if (is_control(c)) return true;
  return false;
}

}  // namespace clasp
