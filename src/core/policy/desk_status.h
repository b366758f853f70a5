// What the desk tells about itself: plain values for /health, metrics and the control API.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/policy/breaker.h"
#include "core/policy/health.h"
#include "core/policy/wait_queue.h"

namespace clasp::policy {

// Whether an administrator lets requests go to a backend. In both refusing states what runs may
// end; whether it is cut off when disabled is for the caller to do.
enum class AdminState { enabled, draining, disabled };
std::string_view admin_state_name(AdminState state);

struct BackendStatus {
  BackendId id = 0;
  std::string name;
  AdminState admin = AdminState::enabled;
  std::uint32_t in_flight = 0;
  std::uint32_t max_concurrency = 0;  // 0: no limit
  std::size_t waiting = 0;            // tickets that would take this backend
  std::uint64_t attempts = 0;         // permits given
  std::uint64_t successes = 0;
  std::array<std::uint64_t, kFailureClasses> failures{};  // by FailureClass; [none] stays 0
  std::uint64_t abandoned = 0;     // ended without a word about the backend (client left, …)
  std::uint64_t retries = 0;       // decided: again here
  std::uint64_t fallbacks = 0;     // decided: away from here to the next candidate
  std::uint64_t refused = 0;       // asked for while it could not take one
  Duration latency{0};             // moving average of successes, whole answers; 0: none yet
  Duration first_content{0};       // moving average until the answer's content began; 0: none yet
  std::uint32_t retry_budget = 0;  // repetitions that could be made now
  std::size_t keys = 1;
  std::size_t keys_resting = 0;
  BreakerStatus breaker;
  HealthStatus health;
};

struct DeskStatus {
  std::vector<BackendStatus> backends;  // in the order of the settings
  QueueStatus queue;
  std::uint64_t permits = 0;  // given and not given back, removed backends included
};

}  // namespace clasp::policy
