// Keys in turn.
#include "core/policy/key_ring.h"

#include <algorithm>

namespace clasp::policy {
namespace {

// A backend cannot send a key to sleep for longer.
constexpr std::int64_t kLongestRateLimit = 300'000;

}  // namespace

KeyRing::KeyRing(std::size_t keys) : rest_until_(std::max<std::size_t>(keys, 1)) {}

std::size_t KeyRing::pick(TimePoint now) {
  std::size_t soonest = next_;
  for (std::size_t i = 0; i < size(); ++i) {
    const std::size_t key = (next_ + i) % size();
    if (rest_until_[key] <= now) {
      next_ = (key + 1) % size();
      return key;
    }
    if (rest_until_[key] < rest_until_[soonest]) soonest = key;
  }
  next_ = (soonest + 1) % size();
  return soonest;
}

void KeyRing::report(std::size_t key, const Outcome& outcome, const config::KeySettings& settings,
                     TimePoint now) {
  if (key >= size()) return;
  const Duration rest = key_rest(outcome, settings);
  // What an earlier request brings back late does not shorten a rest.
  if (rest > Duration(0)) rest_until_[key] = std::max(rest_until_[key], now + rest);
}

bool KeyRing::has_other(std::size_t key, TimePoint now) const {
  for (std::size_t i = 0; i < size(); ++i)
    if (i != key && rest_until_[i] <= now) return true;
  return false;
}

std::size_t KeyRing::resting(TimePoint now) const {
  return static_cast<std::size_t>(std::count_if(rest_until_.begin(), rest_until_.end(),
                                                [now](TimePoint until) { return until > now; }));
}

void KeyRing::wake() {
  std::fill(rest_until_.begin(), rest_until_.end(), TimePoint{});
}

Duration key_rest(const Outcome& outcome, const config::KeySettings& settings) {
  switch (classify(outcome)) {
    case FailureClass::auth:
      return Duration(settings.rest_unauthorized_ms);
    case FailureClass::quota:
      return Duration(settings.rest_quota_ms);
    case FailureClass::rate_limited:
      if (outcome.retry_after_ms < 0) return Duration(settings.rest_rate_limit_ms);
      return Duration(std::min(outcome.retry_after_ms, kLongestRateLimit));
    default:
      return Duration(0);
  }
}

}  // namespace clasp::policy
