// The vocabulary, and merging inside of a piece. See bpe.h.
#include "core/translate/bpe.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <queue>

#include "base/text.h"
#include "core/wire/media_bytes.h"

namespace clasp::translate {

namespace {

constexpr std::size_t kMostText = 16u << 20;
constexpr std::size_t kMostBytes = 1024;  // of a token

// Eight bytes at a time: a vocabulary has tokens of more than a hundred.
std::uint64_t hash_of(std::string_view bytes) {
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;
  std::uint64_t hash = bytes.size() * kOdd;
  const auto mix = [&hash](std::uint64_t word) {
    hash = (hash ^ word) * kOdd;
    hash ^= hash >> 32;
  };
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data(), 8);
    mix(word);
  }
  std::uint64_t rest = 0;
  std::memcpy(&rest, bytes.data(), bytes.size());
  mix(rest);
  return hash;
}

// A slot of the table has the rank + 1, and above that some bits of the hash, so that what is no
// token is nearly always known without a look at the tokens' bytes. 0 is free.
constexpr unsigned kRankBits = 20;
constexpr std::uint32_t kRankMask = (1u << kRankBits) - 1;
constexpr std::size_t kMostTokens = kRankMask;

std::uint32_t mark_of(std::uint64_t hash) {
  return static_cast<std::uint32_t>(hash >> 32) & ~kRankMask;
}

}  // namespace

bool Vocabulary::add(std::string_view line) {
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos) return false;
  const auto rank = parse_unsigned(line.substr(blank + 1));
  const auto bytes = wire::base64_decode(line.substr(0, blank));
  if (!rank || *rank != size() || !bytes || bytes->empty() || bytes->size() > kMostBytes)
    return false;
  bytes_.append(*bytes);
  offsets_.push_back(static_cast<std::uint32_t>(bytes_.size()));
  longest_ = std::max(longest_, bytes->size());
  return true;
}

void Vocabulary::index() {
  bytes_.shrink_to_fit();
  offsets_.shrink_to_fit();
  std::size_t slots = 1;
  while (slots < 2 * size()) slots *= 2;
  slots_.assign(slots, 0);
  for (std::uint32_t i = 0; i < size(); ++i) {
    const std::string_view token(bytes_.data() + offsets_[i], offsets_[i + 1] - offsets_[i]);
    const std::uint64_t hash = hash_of(token);
    std::size_t at = hash & (slots - 1);
    while (slots_[at] != 0) at = (at + 1) & (slots - 1);
    slots_[at] = mark_of(hash) | (i + 1);
  }
}

std::optional<Vocabulary> Vocabulary::parse(std::string_view text) {
  if (text.size() > kMostText) return std::nullopt;
  Vocabulary made;
  made.offsets_.push_back(0);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (made.size() == kMostTokens || !made.add(text.substr(0, end))) return std::nullopt;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (made.size() == 0) return std::nullopt;
  made.index();
  return made;
}

std::uint32_t Vocabulary::rank(std::string_view bytes) const {
  const std::size_t mask = slots_.size() - 1;
  const std::uint64_t hash = hash_of(bytes);
  // There is always a free slot: they are twice as many as tokens.
  for (std::size_t at = hash & mask; slots_[at] != 0; at = (at + 1) & mask) {
    if (((slots_[at] ^ mark_of(hash)) & ~kRankMask) != 0) continue;
    const std::uint32_t number = (slots_[at] & kRankMask) - 1;
    const std::size_t begin = offsets_[number];
    if (offsets_[number + 1] - begin == bytes.size() &&
        std::memcmp(bytes_.data() + begin, bytes.data(), bytes.size()) == 0)
      return number;
  }
  return kNone;
}

namespace {

// One piece, and what it cost.
class Merger {
 public:
  Merger(const Vocabulary& vocabulary, std::string_view piece)
      : vocabulary_(vocabulary), piece_(piece) {}

  std::size_t count() {
    if (rank_of(0, piece_.size()) != Vocabulary::kNone) return 1;
    return piece_.size() <= kFew ? merge_few() : merge_many();
  }
  std::uint64_t cost() const {
    return piece_.size() + lookups_ * (piece_.size() <= kFew ? 1 : kQueueCost);
  }

 private:
  static constexpr std::size_t kFew = 64;
  // With a queue each look-up takes that much longer.
  static constexpr std::uint64_t kQueueCost = 4;

  // From `left` to the end of what follows it; `end` tells a pair that has changed since.
  struct Pair {
    std::uint32_t rank, left, end;
    bool operator>(const Pair& other) const {
      return rank != other.rank ? rank > other.rank : left > other.left;
    }
  };
  struct Part {
    std::uint32_t end;            // 0: it is part of another one
    std::uint32_t before, after;  // neighbours; a part's number is where it begins
  };
  using Queue = std::priority_queue<Pair, std::vector<Pair>, std::greater<>>;

  std::uint32_t rank_of(std::size_t from, std::size_t to) {
    if (to - from > vocabulary_.longest()) return Vocabulary::kNone;
    ++lookups_;
    return vocabulary_.rank(piece_.substr(from, to - from));
  }
  std::size_t merge_few();
  std::size_t merge_many();
  Queue first_pairs();
  void push_pair(Queue& queue, std::uint32_t left);

  const Vocabulary& vocabulary_;
  std::string_view piece_;
  std::vector<Part> parts_;
  std::uint64_t lookups_ = 0;
};

// Looking through all of them is the fastest.
std::size_t Merger::merge_few() {
  std::uint32_t begins[kFew + 1], ranks[kFew];
  std::size_t parts = piece_.size();
  for (std::size_t i = 0; i <= parts; ++i) begins[i] = static_cast<std::uint32_t>(i);
  for (std::size_t i = 0; i + 1 < parts; ++i) ranks[i] = rank_of(i, i + 2);
  while (parts > 1) {
    const auto least = std::min_element(ranks, ranks + parts - 1);
    if (*least == Vocabulary::kNone) break;
    const auto at = static_cast<std::size_t>(least - ranks);
    std::copy(begins + at + 2, begins + parts + 1, begins + at + 1);
    std::copy(ranks + at + 1, ranks + parts - 1, ranks + at);
    --parts;
    if (at + 1 < parts) ranks[at] = rank_of(begins[at], begins[at + 2]);
    if (at > 0) ranks[at - 1] = rank_of(begins[at - 1], begins[at + 1]);
  }
  return parts;
}

void Merger::push_pair(Queue& queue, std::uint32_t left) {
  const std::uint32_t next = parts_[left].after;
  if (next == parts_.size()) return;
  const std::uint32_t end = parts_[next].end;
  if (const std::uint32_t rank = rank_of(left, end); rank != Vocabulary::kNone)
    queue.push({rank, left, end});
}

Merger::Queue Merger::first_pairs() {
  std::vector<Pair> pairs;
  for (std::uint32_t i = 0; i + 1 < piece_.size(); ++i)
    if (const std::uint32_t rank = rank_of(i, i + 2); rank != Vocabulary::kNone)
      pairs.push_back({rank, i, i + 2});
  return Queue(std::greater<>(), std::move(pairs));
}

// n log n, however the piece was made: each merge adds two pairs at most.
std::size_t Merger::merge_many() {
  const auto size = static_cast<std::uint32_t>(piece_.size());
  parts_.resize(size);
  for (std::uint32_t i = 0; i < size; ++i) parts_[i] = {i + 1, i - 1, i + 1};
  std::size_t count = size;
  for (Queue queue = first_pairs(); !queue.empty();) {
    const Pair pair = queue.top();
    queue.pop();
    Part& left = parts_[pair.left];
    // One of the two was merged with another since.
    if (left.end == 0 || left.after == size || parts_[left.after].end != pair.end) continue;
    Part& right = parts_[left.after];
    left.end = right.end;
    left.after = right.after;
    right.end = 0;
    if (left.after != size) parts_[left.after].before = pair.left;
    --count;
    push_pair(queue, pair.left);
    if (pair.left != 0) push_pair(queue, left.before);
  }
  return count;
}

// Nothing when the budget does not suffice. `piece` is not longer than kLongestPiece.
std::optional<std::size_t> count_piece(const Vocabulary& vocabulary, std::string_view piece,
                                       CountBudget& budget) {
  if (budget.left < piece.size()) return std::nullopt;
  if (piece.size() == 1) {
    --budget.left;
    return 1;
  }
  Merger merger(vocabulary, piece);
  const std::size_t tokens = merger.count();
  budget.left -= std::min(budget.left, merger.cost());
  return tokens;
}

}  // namespace

std::optional<std::size_t> count_tokens_of(const Vocabulary& vocabulary, std::string_view text,
                                           CountBudget& budget) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = piece_end(text, at);
    for (; at < end; at += kLongestPiece) {
      const auto tokens =
          count_piece(vocabulary, text.substr(at, std::min(end - at, kLongestPiece)), budget);
      if (!tokens) return std::nullopt;
      count += *tokens;
    }
    at = end;
  }
  return count;
}

}  // namespace clasp::translate
