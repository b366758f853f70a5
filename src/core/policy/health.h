// How well a backend does, from its traffic and from active probes. For people and for /health;
// it never decides whether a request is sent, the breaker does.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/scheduler.h"
#include "core/policy/outcome.h"

namespace clasp::policy {

enum class HealthState {
  unknown,  // nothing was heard of it yet
  healthy,
  degraded,  // it failed within the last half minute, or its latest end was a failure
  down,      // kDownAfter failures in a row
};
std::string_view health_name(HealthState state);

inline constexpr std::uint32_t kDownAfter = 3;
inline constexpr Duration kDegradedFor{30'000};

struct HealthStatus {
  HealthState state = HealthState::unknown;
  std::uint32_t failures_in_row = 0;
  FailureClass last_error = FailureClass::none;
  TimePoint last_error_at{};  // with last_error
  TimePoint last_success_at{};
  bool succeeded = false;  // last_success_at is set
  bool probed = false;     // the fields below are set
  bool probe_ok = false;
  TimePoint probed_at{};
};

class Health {
 public:
  // A request's end. Refused keys and used up quotas count against the backend here: it serves
  // nobody with them.
  void on_outcome(const Outcome& outcome, TimePoint now);
  // An active probe's end.
  void on_probe(const Outcome& outcome, TimePoint now);
  HealthStatus status(TimePoint now) const;

 private:
  HealthStatus status_;
};

}  // namespace clasp::policy
