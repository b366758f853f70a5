// A bucket that fills evenly and is emptied by those who ask: how a rate limit is kept. Whole
// numbers only, so that nothing is lost or won by asking often. It is full at first.
#pragma once

#include <cstdint>

#include "base/scheduler.h"

namespace clasp::policy {

class TokenBucket {
 public:
  // No limit: it always has what is asked for.
  TokenBucket() = default;
  // `amount` comes in each `period`; never more than `capacity` is kept. All are above zero, at
  // most 2^30, a day and 2^30.
  TokenBucket(std::int64_t amount, Duration period, std::int64_t capacity, TimePoint now);

  bool limits() const { return amount_ > 0; }
  // Everything below is as of the last refill. A clock that goes back is waited for.
  void refill(TimePoint now);
  bool has(std::int64_t count) const { return !limits() || level_ >= count * period_; }
  // May leave a debt, which later amounts pay first; at most what comes in 60 periods.
  void take(std::int64_t count);
  void give_back(std::int64_t count);

  std::int64_t whole() const { return level_ > 0 ? level_ / period_ : 0; }
  // Until has(count); for ever where it is above the capacity, so do not ask that.
  Duration until(std::int64_t count) const;
  Duration until_full() const { return wait_for(capacity_ - level_); }
  bool full() const { return level_ >= capacity_; }
  std::int64_t capacity() const { return limits() ? capacity_ / period_ : 0; }

 private:
  Duration wait_for(std::int64_t missing) const;

  // Level and capacity count in shares of a token so small that `amount_` of them come in each
  // millisecond: a token is `period_` shares.
  std::int64_t amount_ = 0;
  std::int64_t period_ = 1;
  std::int64_t capacity_ = 0;
  std::int64_t level_ = 0;
  std::int64_t filled_ms_ = 0;  // up to when
};

}  // namespace clasp::policy
