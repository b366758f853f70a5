// Where the next byte of a JSON text is that needs a second look, 16 bytes at a time where the
// processor can. Inline: these are the innermost loops of reading, writing and counting text.
#pragma once

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <bit>
#include <cstddef>
#include <string_view>

namespace clasp {

#if defined(__SSE2__)
namespace detail {

// One bit for each of 16 bytes that is a quote, a backslash or a control character.
inline unsigned special_json_bytes(const char* bytes) {
  const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
  const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
  const __m128i quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
  const __m128i slash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
  return static_cast<unsigned>(
      _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), control)));
}

// One bit for each of 16 bytes that is a backslash or not ASCII.
inline unsigned slash_or_high_bytes(const char* bytes) {
  const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
  const __m128i slash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(slash, block)));
}

}  // namespace detail
#endif

// First position from `at` whose byte is a quote, a backslash or a control character.
inline std::size_t skip_plain_json(std::string_view text, std::size_t at) {
#if defined(__SSE2__)
  for (; at + 16 <= text.size(); at += 16)
    if (const unsigned found = detail::special_json_bytes(text.data() + at); found != 0)
      return at + static_cast<std::size_t>(std::countr_zero(found));
#endif
  for (; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c == '"' || c == '\\' || c < 0x20) break;
  }
  return at;
}

// First position from `at` whose byte is a backslash or not ASCII.
inline std::size_t skip_unescaped_ascii(std::string_view text, std::size_t at) {
#if defined(__SSE2__)
  for (; at + 16 <= text.size(); at += 16)
    if (const unsigned found = detail::slash_or_high_bytes(text.data() + at); found != 0)
      return at + static_cast<std::size_t>(std::countr_zero(found));
#endif
  for (; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c == '\\' || c >= 0x80) break;
  }
  return at;
}

}  // namespace clasp
