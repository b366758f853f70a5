// See token_bucket.h. The largest products are 2^30 tokens times the milliseconds of a day, below
// 2^57; with sixty times that as a debt they still fit.
#include "core/policy/token_bucket.h"

#include <algorithm>

namespace clasp::policy {

namespace {

constexpr std::int64_t kMost = std::int64_t{1} << 30;
constexpr std::int64_t kLongestPeriod = 86'400'000;
constexpr std::int64_t kDebtPeriods = 60;

std::int64_t milliseconds(TimePoint time) {
  return std::chrono::floor<Duration>(time.time_since_epoch()).count();
}

}  // namespace

TokenBucket::TokenBucket(std::int64_t amount, Duration period, std::int64_t capacity, TimePoint now)
    : amount_(std::clamp<std::int64_t>(amount, 1, kMost)),
      period_(std::clamp<std::int64_t>(period.count(), 1, kLongestPeriod)),
      capacity_(std::clamp<std::int64_t>(capacity, 1, kMost) * period_),
      level_(capacity_),
      filled_ms_(milliseconds(now)) {}

void TokenBucket::refill(TimePoint now) {
  if (!limits()) return;
  const std::int64_t passed = milliseconds(now) - filled_ms_;
  if (passed <= 0) return;
  filled_ms_ += passed;
  if (passed >= until_full().count())
    level_ = std::max(level_, capacity_);
  else
    level_ += passed * amount_;
}

void TokenBucket::take(std::int64_t count) {
  if (!limits()) return;
  count = std::clamp<std::int64_t>(count, 0, kMost);
  level_ = std::max(level_ - count * period_, -kDebtPeriods * amount_ * period_);
}

void TokenBucket::give_back(std::int64_t count) {
  if (!limits()) return;
  level_ = std::min(level_ + std::clamp<std::int64_t>(count, 0, kMost) * period_, capacity_);
}

Duration TokenBucket::until(std::int64_t count) const {
  return wait_for(count * period_ - level_);
}

Duration TokenBucket::wait_for(std::int64_t missing) const {
  if (!limits() || missing <= 0) return Duration{0};
  return Duration{(missing + amount_ - 1) / amount_};
}

}  // namespace clasp::policy
