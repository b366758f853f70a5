// Timers and posted work over libevent. See the header.
#include "daemon/scheduler.h"

#include <event2/event_struct.h>

#include <algorithm>
#include <cstdlib>

#include "base/log.h"

namespace clasp::daemon {
namespace {

// A one-shot timer. The callback is moved out before it runs, so that it may destroy the handle.
class LoopTimer final : public Timer {
 public:
  LoopTimer(event_base* base, std::function<void()> callback) : callback_(std::move(callback)) {
    evtimer_assign(&event_, base, &LoopTimer::on_fire_thunk, this);
  }
  ~LoopTimer() override { event_del(&event_); }

  bool arm(Duration delay) {
    const timeval wait = to_timeval(delay);
    return event_add(&event_, &wait) == 0;
  }

 private:
  static void on_fire_thunk(evutil_socket_t, short, void* self) noexcept {
    const std::function<void()> callback = std::move(static_cast<LoopTimer*>(self)->callback_);
    callback();
  }

  std::function<void()> callback_;
  event event_{};
};

// A timer that never fires would leave a wait without an end; there is no way on.
[[noreturn]] void give_up() {
  log_error("libevent could not arm a timer (out of memory); the process ends");
  std::abort();
}

}  // namespace

timeval to_timeval(Duration delay) {
  const auto ms = std::max<Duration::rep>(delay.count(), 0);
  return timeval{static_cast<time_t>(ms / 1000), static_cast<suseconds_t>(ms % 1000 * 1000)};
}

LoopScheduler::LoopScheduler(event_base* base)
    : base_(base), posted_event_(event_new(base, -1, 0, &LoopScheduler::on_posted_thunk, this)) {
  if (!posted_event_) give_up();
}

LoopScheduler::~LoopScheduler() = default;

// libevent caches the wall clock with the monotonic offset; the cached value may jump when the
// system's clock is set. steady_clock costs a vDSO call and does not jump.
TimePoint LoopScheduler::now() const {
  return std::chrono::time_point_cast<TimePoint::duration>(std::chrono::steady_clock::now());
}

std::int64_t LoopScheduler::unix_seconds() const {
  timeval now{};
  event_base_gettimeofday_cached(base_, &now);
  return now.tv_sec;
}

TimerHandle LoopScheduler::after(Duration delay, std::function<void()> callback) {
  auto timer = std::make_unique<LoopTimer>(base_, std::move(callback));
  if (!timer->arm(delay)) give_up();
  return timer;
}

// An activated event runs in the same turn, after those already active, which is after everything
// the current callback can still reach. Work posted by posted work must not do that: libevent
// empties its active queue before it looks at sockets and timers again, so a chain of posts would
// starve them; a timer of zero length makes it wait for the next turn.
void LoopScheduler::post(std::function<void()> callback) {
  posted_.push_back(std::move(callback));
  if (posted_.size() > 1) return;
  constexpr timeval kNextTurn{0, 0};
  if (!in_posted_)
    event_active(posted_event_.get(), EV_TIMEOUT, 0);
  else if (event_add(posted_event_.get(), &kNextTurn) != 0)
    give_up();
}

void LoopScheduler::on_posted_thunk(evutil_socket_t, short, void* self) noexcept {
  static_cast<LoopScheduler*>(self)->run_posted();
}

void LoopScheduler::run_posted() {
  in_posted_ = true;
  running_.swap(posted_);
  for (std::function<void()>& callback : running_) {
    const std::function<void()> once = std::move(callback);
    once();
  }
  running_.clear();
  in_posted_ = false;
}

}  // namespace clasp::daemon
