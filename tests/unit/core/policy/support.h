// What the tests of the policy room share: a clock of numbers, random words, outcomes by name.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "base/scheduler.h"
#include "core/policy/outcome.h"

namespace clasp::policy::test {

inline TimePoint at_ms(std::int64_t ms) {
  return TimePoint(std::chrono::milliseconds(1'000'000 + ms));
}
inline Duration ms(std::int64_t count) {
  return Duration(count);
}

inline Outcome success() {
  return {};
}
inline Outcome ended(OutcomeKind kind) {
  return {.kind = kind};
}
inline Outcome http(int status, std::int64_t retry_after_ms = -1) {
  return {.kind = OutcomeKind::status, .status = status, .retry_after_ms = retry_after_ms};
}

// The words given, then again from the first one.
class ScriptedRandom final : public Random {
 public:
  explicit ScriptedRandom(std::vector<std::uint64_t> words) : words_(std::move(words)) {}
  std::uint64_t next() override { return words_[at_++ % words_.size()]; }

 private:
  std::vector<std::uint64_t> words_;
  std::size_t at_ = 0;
};

// SplitMix64: the same sequence for the same seed everywhere.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() override {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

 private:
  std::uint64_t state_;
};

}  // namespace clasp::policy::test
