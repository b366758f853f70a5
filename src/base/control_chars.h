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

// Whether one of eight bytes may be one; a tab counts here.
inline bool may_have_control(const char* bytes) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  const std::uint64_t no_delete = word ^ (kOnes * 0x7F);
  return (((word - kOnes * 0x20) & ~word & kHigh) | ((no_delete - kOnes) & ~no_delete & kHigh)) !=
         0;
}

// Eight bytes at a time: every header of every answer and every log line is looked at.
inline bool has_control(std::string_view text) {
  constexpr std::size_t kWord = 8;
  const auto any = [](std::string_view part) {
    for (const char c : part)
      if (is_control(c)) return true;
    return false;
  };
  if (text.size() < kWord) return any(text);
  for (std::size_t at = 0; at + kWord <= text.size(); at += kWord)
    if (may_have_control(text.data() + at) && any(text.substr(at, kWord))) return true;
  // The rest, with some bytes again.
  const std::string_view last = text.substr(text.size() - kWord);
  return may_have_control(last.data()) && any(last);
}

}  // namespace clasp
