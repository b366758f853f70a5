// Time and deferred work as an interface, so that everything that waits can be tested with a fake
// clock. One Scheduler belongs to one loop; all its callbacks run on that loop's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

namespace clasp {

using Duration = std::chrono::milliseconds;
// Monotonic; only ever obtained from Scheduler::now().
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, std::chrono::microseconds>;

// An armed timer. Destroying it cancels it; it may be destroyed from inside its own callback.
class Timer {
 public:
  virtual ~Timer() = default;
};
using TimerHandle = std::unique_ptr<Timer>;

class Scheduler {
 public:
  virtual ~Scheduler() = default;
  // Monotonic time, as cheap as the loop's cached time allows (fresh within one loop turn).
  virtual TimePoint now() const = 0;
  // Seconds since the Unix epoch, for dates that people or other programs read.
  virtual std::int64_t unix_seconds() const = 0;
  // Runs `callback` once after `delay`, unless the handle is destroyed first.
  [[nodiscard]] virtual TimerHandle after(Duration delay, std::function<void()> callback) = 0;
  // Runs `callback` after the current loop turn's callbacks. Not cancellable: capture accordingly.
  virtual void post(std::function<void()> callback) = 0;
};

}  // namespace clasp
