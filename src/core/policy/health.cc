// Healthy, degraded, down.
#include "core/policy/health.h"

namespace clasp::policy {
namespace {

enum class Effect { good, bad, nothing };

Effect effect_of(const Outcome& outcome) {
  const FailureClass failure = classify(outcome);
  if (failure == FailureClass::auth || failure == FailureClass::quota) return Effect::bad;
  switch (judge(outcome)) {
    case Verdict::success:
      return Effect::good;
    case Verdict::failure:
      return Effect::bad;
    case Verdict::nothing:
      break;
  }
  return Effect::nothing;
}

}  // namespace

std::string_view health_name(HealthState state) {
  switch (state) {
    case HealthState::unknown:
      return "unknown";
    case HealthState::healthy:
      return "healthy";
    case HealthState::degraded:
      return "degraded";
    case HealthState::down:
      return "down";
  }
  return "";
}

void Health::on_outcome(const Outcome& outcome, TimePoint now) {
  switch (effect_of(outcome)) {
    case Effect::good:
      status_.failures_in_row = 0;
      status_.succeeded = true;
      status_.last_success_at = now;
      break;
    case Effect::bad:
      if (status_.failures_in_row != UINT32_MAX) ++status_.failures_in_row;
      status_.last_error = classify(outcome);
      status_.last_error_at = now;
      break;
    case Effect::nothing:
      break;
  }
}

void Health::on_probe(const Outcome& outcome, TimePoint now) {
  status_.probed = true;
  status_.probe_ok = effect_of(outcome) != Effect::bad;
  status_.probed_at = now;
  // Whoever refuses a probe properly is there. (A request's 4xx may come from a door-keeper.)
  const bool answers = status_.probe_ok && outcome.kind == OutcomeKind::status;
  on_outcome(answers ? Outcome{} : outcome, now);
}

HealthStatus Health::status(TimePoint now) const {
  HealthStatus status = status_;
  const bool failed = status.last_error != FailureClass::none;
  if (status.failures_in_row >= kDownAfter)
    status.state = HealthState::down;
  else if (status.failures_in_row > 0 || (failed && now - status.last_error_at < kDegradedFor))
    status.state = HealthState::degraded;
  else if (status.succeeded)
    status.state = HealthState::healthy;
  return status;
}

}  // namespace clasp::policy
