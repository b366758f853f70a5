// clasp::Scheduler over a libevent loop: timers, the cached clock, and work put off to the end of
// the turn. It owns no socket and knows nothing of HTTP.
#pragma once

#include <event2/event.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/scheduler.h"

namespace clasp::daemon {

struct EventDeleter {
  void operator()(event* e) const { event_free(e); }
};
using EventPtr = std::unique_ptr<event, EventDeleter>;

struct EventBaseDeleter {
  void operator()(event_base* base) const { event_base_free(base); }
};
using EventBasePtr = std::unique_ptr<event_base, EventBaseDeleter>;

timeval to_timeval(Duration delay);

// One per loop; every call must come from the loop's own thread (for other threads the daemon has
// an event of its own). Must be destroyed before its event_base, and after everything that holds
// one of its timers. What was posted and did not run any more is destroyed, not called.
class LoopScheduler final : public Scheduler {
 public:
  explicit LoopScheduler(event_base* base);
  ~LoopScheduler() override;
  LoopScheduler(const LoopScheduler&) = delete;
  LoopScheduler& operator=(const LoopScheduler&) = delete;

  TimePoint now() const override;
  std::int64_t unix_seconds() const override;
  [[nodiscard]] TimerHandle after(Duration delay, std::function<void()> callback) override;
  void post(std::function<void()> callback) override;

  event_base* base() const { return base_; }

 private:
  static void on_posted_thunk(evutil_socket_t, short, void* self) noexcept;
  void run_posted();

  event_base* base_;
  EventPtr posted_event_;
  std::vector<std::function<void()>> posted_;
  std::vector<std::function<void()>> running_;  // keeps its capacity between turns
  bool in_posted_ = false;
};

}  // namespace clasp::daemon
