// What follows a failed attempt: the same backend again after a pause, the next candidate, or the
// end. Decides only; nothing here waits. Only for requests whose client has seen no content.
//
// The rules: a candidate that was not tried yet is better than a pause, so a request moves on at
// once while there is one. Without one the same candidate is tried again, when the cause may pass
// and as long as the request has had less than max_attempts; the pause is random between 0 and
// base·2ⁿ (full jitter), and never shorter than the backend asked for. A backend that asks for
// more than max_retry_after is not waited for here. One request therefore makes at most
// max(max_attempts, number of candidates) attempts. Candidates that take nothing now (open,
// saturated) do not count as untried ones.
#pragma once

#include <cstdint>

#include "base/random.h"
#include "base/scheduler.h"
#include "config/settings.h"
#include "core/policy/outcome.h"

namespace clasp::policy {

// Keeps repetitions a fraction of the requests, so that they cannot multiply an outage. Each
// request earns a part of a repetition, time earns a few beside; what is saved up is bounded. One
// per backend, shared by all its requests (the owner serialises).
class RetryBudget {
 public:
  explicit RetryBudget(const config::RetrySettings& settings = {});
  // Keeps what is saved, within the new bounds.
  void configure(const config::RetrySettings& settings);

  // A request was sent to the backend (not a repetition).
  void on_request();
  // Takes one repetition. False: there is none.
  bool try_take(TimePoint now);
  // Whole repetitions that could be taken now.
  std::uint32_t available(TimePoint now);

 private:
  void refill(TimePoint now);

  std::int64_t per_request_ = 0;  // millionths of a repetition
  std::int64_t per_second_ = 0;   // whole repetitions
  std::int64_t most_ = 0;         // millionths
  std::int64_t saved_ = 0;        // millionths
  TimePoint refilled_{};
};

// Where a request stands when one of its attempts has failed.
struct Situation {
  std::uint32_t attempts = 1;  // so far, this one included, at all candidates
  bool another = false;        // there is a candidate that was not tried yet and has room
  bool another_key = false;    // the same backend has a key that is not resting
  bool committed = false;      // the client has seen content: nothing can be repeated
};

enum class NextStep { again, next_candidate, give_up };

struct Decision {
  NextStep step = NextStep::give_up;
  Duration pause{0};  // with `again`
};

// Takes from the budget when the answer is `again`.
Decision decide(const config::RetrySettings& settings, const Outcome& outcome,
                const Situation& situation, RetryBudget& budget, Random& random, TimePoint now);

// Whether the same request to the same backend may succeed a little later.
bool may_pass(const Outcome& outcome);
// Whether another backend may do better: its fault or its account's, not the request's.
bool elsewhere_helps(const Outcome& outcome);

// Whether a request that ended like this may come back into the queue. `returns` counts how often
// it already did.
bool may_queue_again(const config::QueueSettings& settings, const Outcome& outcome,
                     std::uint32_t returns);

// Uniform in [0, min(cap, base·2^(attempts-1))].
Duration jittered_pause(const config::RetrySettings& settings, std::uint32_t attempts,
                        Random& random);

}  // namespace clasp::policy
