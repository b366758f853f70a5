// Again, elsewhere, or not at all.
#include "core/policy/retry.h"

#include <algorithm>

namespace clasp::policy {
namespace {

constexpr std::int64_t kMillion = 1'000'000;
// What a budget may have saved up: a burst for a daemon with few requests, no more.
constexpr std::int64_t kMostSaved = 10;
constexpr std::int64_t kMostPerSecond = 1'000'000;

bool asks_too_long(const config::RetrySettings& settings, const Outcome& outcome) {
  return outcome.retry_after_ms > settings.max_retry_after_ms;
}

// The same request, the same backend, the same key.
bool repetition_fits(const config::RetrySettings& settings, const Outcome& outcome) {
  if (!may_pass(outcome) || asks_too_long(settings, outcome)) return false;
  // A rate limit without a time is the client's to wait for.
  return classify(outcome) != FailureClass::rate_limited || outcome.retry_after_ms >= 0;
}

bool key_refused(const Outcome& outcome) {
  const FailureClass failure = classify(outcome);
  return failure == FailureClass::auth || failure == FailureClass::quota ||
         failure == FailureClass::rate_limited;
}

Duration pause_before(const config::RetrySettings& settings, const Outcome& outcome,
                      std::uint32_t attempts, Random& random) {
  if (outcome.retry_after_ms < 0) return jittered_pause(settings, attempts, random);
  // At least what was asked for, and not all who were told the same at the same instant.
  return Duration(outcome.retry_after_ms) + jittered_pause(settings, 1, random);
}

}  // namespace

RetryBudget::RetryBudget(const config::RetrySettings& settings) {
  configure(settings);
  saved_ = most_;
}

void RetryBudget::configure(const config::RetrySettings& settings) {
  per_request_ = std::int64_t{std::min(settings.budget_percent, 100u)} * (kMillion / 100);
  per_second_ = std::min<std::int64_t>(settings.budget_per_second, kMostPerSecond);
  // Without any income nothing may be spent either.
  const bool none = per_request_ == 0 && per_second_ == 0;
  most_ = none ? 0 : std::max(kMostSaved, per_second_) * kMillion;
  saved_ = std::min(saved_, most_);
}

void RetryBudget::on_request() {
  saved_ = std::min(saved_ + per_request_, most_);
}

void RetryBudget::refill(TimePoint now) {
  if (now <= refilled_) return;
  // Whoever waited a minute has everything; the product stays small.
  const std::int64_t elapsed_us = std::min<std::int64_t>((now - refilled_).count(), 60 * kMillion);
  refilled_ = now;
  saved_ = std::min(saved_ + elapsed_us * per_second_, most_);
}

bool RetryBudget::try_take(TimePoint now) {
  refill(now);
  if (saved_ < kMillion) return false;
  saved_ -= kMillion;
  return true;
}

std::uint32_t RetryBudget::available(TimePoint now) {
  refill(now);
  return static_cast<std::uint32_t>(saved_ / kMillion);
}

bool may_pass(const Outcome& outcome) {
  switch (classify(outcome)) {
    case FailureClass::connect:
    case FailureClass::timeout:
    case FailureClass::reset:
    case FailureClass::conflict:
    case FailureClass::rate_limited:
    case FailureClass::overloaded:
    case FailureClass::server:
      return true;
    default:
      return false;
  }
}

bool elsewhere_helps(const Outcome& outcome) {
  switch (classify(outcome)) {
    case FailureClass::unreachable:
    case FailureClass::auth:
    case FailureClass::quota:
      return true;
    case FailureClass::garbled:
      return outcome.kind == OutcomeKind::protocol;
    default:
      return may_pass(outcome);
  }
}

bool may_queue_again(const config::QueueSettings& settings, const Outcome& outcome,
                     std::uint32_t returns) {
  return settings.enabled && may_pass(outcome) && returns < settings.max_retries;
}

Duration jittered_pause(const config::RetrySettings& settings, std::uint32_t attempts,
                        Random& random) {
  const std::int64_t cap = std::clamp<std::int64_t>(settings.cap_ms, 0, 3'600'000);
  std::int64_t longest = std::clamp<std::int64_t>(settings.base_ms, 0, cap);
  for (std::uint32_t i = 1; i < attempts && longest > 0 && longest < cap; ++i)
    longest = std::min(longest * 2, cap);
  return Duration(random.next() % static_cast<std::uint64_t>(longest + 1));
}

Decision decide(const config::RetrySettings& settings, const Outcome& outcome,
                const Situation& situation, RetryBudget& budget, Random& random, TimePoint now) {
  if (situation.committed) return {};
  const bool attempts_left = situation.attempts < settings.max_attempts;
  // Another key is another account: no reason to wait, but the backend is the same.
  if (key_refused(outcome) && situation.another_key && attempts_left && budget.try_take(now))
    return {NextStep::again, Duration(0)};
  if (situation.another && elsewhere_helps(outcome)) return {NextStep::next_candidate};
  if (!attempts_left || !repetition_fits(settings, outcome) || !budget.try_take(now)) return {};
  return {NextStep::again, pause_before(settings, outcome, situation.attempts, random)};
}

}  // namespace clasp::policy
