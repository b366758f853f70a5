// Blocks of long strings: never further than a byte by byte reader would go, and never into the
// middle of an escape.
#include "base/json_blocks.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

using namespace clasp;

namespace {

// Where reading byte by byte stops: a quote, a control character, an escape that is not short or
// not known. `ends` are marked where no escape is open.
std::size_t plain_length(const std::string& text, std::string& ends) {
  ends.assign(text.size() + 1, '.');
  std::size_t at = 0;
  while (at < text.size()) {
    ends[at] = 'e';
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x20 || byte == '"') return at;
    if (byte != '\\') {
      ++at;
      continue;
    }
    if (at + 1 == text.size()) return at;
    if (std::string_view("\"\\bfnrt").find(text[at + 1]) == std::string_view::npos) return at;
    at += 2;
  }
  ends[at] = 'e';
  return at;
}

void check(const std::string& text) {
  std::string ends;
  const std::size_t most = plain_length(text, ends);
  const std::size_t at = skip_string_blocks(text, 0);
  REQUIRE(at <= most);
  CHECK(ends[at] == 'e');
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) CHECK(at + 64 + 1 > most - most % 64);
#endif
}

}  // namespace

TEST_CASE("json blocks: one odd byte, everywhere") {
  for (int byte = 0; byte < 256; ++byte)
    for (std::size_t at = 0; at < 200; at += byte == '\\' || byte == '"' ? 1 : 13) {
      std::string text(256, 'x');
      text[at] = static_cast<char>(byte);
      check(text);
      text[at == 0 ? 0 : at - 1] = '\\';
      check(text);
    }
}

TEST_CASE("json blocks: runs of backslashes of all lengths across the borders of blocks") {
  for (std::size_t from = 40; from < 140; ++from)
    for (std::size_t length = 1; length < 140; length += 1 + length / 8)
      for (const char behind : {'n', '"', 'x', 'u', '/'}) {
        std::string text(from, 'a');
        text.append(length, '\\').push_back(behind);
        text.append(130, 'b');
        check(text);
      }
}

TEST_CASE("json blocks: any mixture") {
  std::uint32_t state = 7;
  const auto next = [&state] { return (state = state * 1664525 + 1013904223) >> 8; };
  constexpr std::string_view kBytes = "\\\\\\\\\"nrtbfu/abc defghijklmnopqrstuvwxyz\xC3\xA9\x01";
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    const std::size_t kinds = 1 + next() % kBytes.size(), size = next() % 400;
    for (std::size_t i = 0; i < size; ++i) {
      // Whole escapes mostly, so that it goes on for a while.
      const char c = kBytes[next() % kinds];
      if (c == '\\' && next() % 64 != 0)
        text.append("\\").push_back("\"\\bfnrt"[next() % 7]);
      else
        text.push_back(next() % 64 != 0 && c == '"' ? 'q' : c);
    }
    check(text);
  }
}
