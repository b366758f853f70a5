// The limits of all workers: a lock around core/policy/rate_limit.h. Admissions must not outlive
// it, nor the scheduler of the worker that they were made for.
#pragma once

#include <memory>
#include <mutex>

#include "core/exchange/admission.h"
#include "core/exchange/ports.h"
#include "core/policy/rate_limit.h"
#include "core/wire/api_error.h"

namespace clasp::daemon {

// Requests that limits have refused since the start.
struct RefusedCounts {
  std::uint64_t requests = 0, tokens = 0, concurrency = 0, budget = 0;
};

class SharedLimits {
 public:
  void reconfigure(const config::Settings& settings, TimePoint now);
  // Null where nothing limits this request.
  tl::expected<std::shared_ptr<exchange::Admission>, policy::LimitRefusal> admit(
      const exchange::RequestHead& head, const Scheduler& scheduler);
  void count_budget();
  RefusedCounts refused() const;
  std::vector<policy::AccountView> accounts(TimePoint now, std::size_t most) const;

 private:
  class Held;
  mutable std::mutex mutex_;
  policy::RateLimiter limiter_;  // guarded by mutex_
  RefusedCounts refused_;        // guarded by mutex_
};

// anthropic-ratelimit-requests-… and -tokens-….
void add_limit_headers(wire::Headers& headers, const policy::LimitReport& report,
                       std::int64_t unix_now);
// The answer's error: 429, when to come again, and that coming again helps.
wire::ApiError limit_error(const policy::LimitRefusal& refusal);

}  // namespace clasp::daemon
