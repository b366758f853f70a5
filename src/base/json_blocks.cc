// See json_blocks.h.
#include "base/json_blocks.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <cstdint>
#endif

namespace clasp {

#if defined(__x86_64__)

namespace {

// One bit for each of 64 bytes.
struct Masks {
  std::uint64_t quotes, slashes, controls;
};

__attribute__((target("avx2"))) inline std::uint64_t join(__m256i low, __m256i high) {
  const auto first = static_cast<std::uint32_t>(_mm256_movemask_epi8(low));
  const auto second = static_cast<std::uint32_t>(_mm256_movemask_epi8(high));
  return first | static_cast<std::uint64_t>(second) << 32;
}

__attribute__((target("avx2"))) inline Masks look(__m256i a, __m256i b) {
  const __m256i quote = _mm256_set1_epi8('"'), slash = _mm256_set1_epi8('\\');
  const __m256i last = _mm256_set1_epi8(0x1f);
  return {join(_mm256_cmpeq_epi8(a, quote), _mm256_cmpeq_epi8(b, quote)),
          join(_mm256_cmpeq_epi8(a, slash), _mm256_cmpeq_epi8(b, slash)),
          join(_mm256_cmpeq_epi8(_mm256_min_epu8(a, last), a),
               _mm256_cmpeq_epi8(_mm256_min_epu8(b, last), b))};
}

// Not one of " \ b f n r t, told by both halves of the byte: 22 5c 62 66 6e 72 74.
__attribute__((target("avx2"))) inline __m256i is_no_escape(__m256i bytes) {
  const __m256i low = _mm256_setr_epi8(0, 0, 13, 0, 8, 0, 4, 0, 0, 0, 0, 0, 2, 0, 4, 0,  //
                                       0, 0, 13, 0, 8, 0, 4, 0, 0, 0, 0, 0, 2, 0, 4, 0);
  const __m256i high = _mm256_setr_epi8(0, 0, 1, 0, 0, 2, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0,  //
                                        0, 0, 1, 0, 0, 2, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0);
  const __m256i half = _mm256_set1_epi8(0x0f);
  const __m256i by_low = _mm256_shuffle_epi8(low, _mm256_and_si256(bytes, half));
  const __m256i by_high =
      _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half));
  return _mm256_cmpeq_epi8(_mm256_and_si256(by_low, by_high), _mm256_setzero_si256());
}

// The bytes behind a backslash that is none of these itself. `carry`: the first byte is one; then
// whether the one behind the last is.
inline std::uint64_t find_escaped(std::uint64_t slashes, std::uint64_t& carry) {
  constexpr std::uint64_t kEven = 0x5555555555555555;
  slashes &= ~carry;
  const std::uint64_t behind = slashes << 1 | carry;
  // Runs of backslashes that begin at an odd place; adding them moves each run's end by one.
  const std::uint64_t odd_starts = slashes & ~kEven & ~behind;
  std::uint64_t ends = 0;
  carry = __builtin_add_overflow(odd_starts, slashes, &ends) ? 1 : 0;
  return (kEven ^ (ends << 1)) & behind;
}

__attribute__((target("avx2"))) std::size_t skip_wide(std::string_view text, std::size_t at) {
  std::uint64_t carry = 0;
  for (; at + 64 <= text.size(); at += 64) {
    const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text.data() + at));
    const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text.data() + at + 32));
    const Masks found = look(a, b);
    const std::uint64_t before = carry;
    std::uint64_t bad = found.controls;
    std::uint64_t escaped = 0;
    if ((found.slashes | carry) != 0) {
      escaped = find_escaped(found.slashes, carry);
      bad |= escaped & join(is_no_escape(a), is_no_escape(b));
    }
    if ((bad | (found.quotes & ~escaped)) != 0) return at - before;
  }
  return at - carry;
}

bool has_avx2() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") != 0;
}

const bool kWide = has_avx2();

}  // namespace

std::size_t skip_string_blocks(std::string_view text, std::size_t at) {
  return kWide ? skip_wide(text, at) : at;
}

#else

std::size_t skip_string_blocks(std::string_view, std::size_t at) {
  return at;
}

#endif

}  // namespace clasp
