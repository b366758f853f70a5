// Counting the tokens of a text as OpenAI's models of today do, with the vocabulary o200k_base: the
// text is cut into pieces, and in each piece neighbours are merged in the order of their ranks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace clasp::translate {

// SHA-256 of o200k_base in its published form, and its usual name.
inline constexpr std::string_view kO200kDigest =
    "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d";
inline constexpr std::string_view kO200kFile = "o200k_base.tiktoken";

// The tokens and their ranks. Immutable once made; about 4.5 MB for o200k_base.
class Vocabulary {
 public:
  // From the published form: a line for each token, its bytes in base64, a blank and its rank,
  // which is the number of the line. Nothing when it is something else. Takes some 30 ms.
  static std::optional<Vocabulary> parse(std::string_view text);

  static constexpr std::uint32_t kNone = 0xffffffff;
  // kNone: the bytes are no token.
  std::uint32_t rank(std::string_view bytes) const;
  std::size_t size() const { return offsets_.size() - 1; }
  std::size_t longest() const { return longest_; }

 private:
  bool add(std::string_view line);
  void index();

  std::string bytes_;                   // of all tokens
  std::vector<std::uint32_t> offsets_;  // where each one's begin, and the end
  std::vector<std::uint32_t> slots_;    // a hash table of ranks, see hash_of()
  std::size_t longest_ = 0;
};

// What counting may still cost: one for each byte, more for merges; about 25 ns each, whatever the
// text.
struct CountBudget {
  std::uint64_t left = 0;
};

// How many tokens the text has; nothing when the budget does not suffice. Where the text is no
// valid UTF-8 the number means little. Pieces of more than kLongestPiece bytes, which texts do not
// have, are counted in parts.
inline constexpr std::size_t kLongestPiece = 32 * 1024;
std::optional<std::size_t> count_tokens_of(const Vocabulary& vocabulary, std::string_view text,
                                           CountBudget& budget);

// The end of the piece that begins at `at`, which is inside of the text: merges never cross it.
std::size_t piece_end(std::string_view text, std::size_t at);

}  // namespace clasp::translate
