// LoopScheduler over a real loop: order, cancellation, self-destruction. Waits of a few
// milliseconds at most, all bounded by the loop having nothing left to do.
#include <doctest/doctest.h>

#include <string>

#include "daemon/scheduler.h"

using namespace clasp;
using daemon::EventBasePtr;
using daemon::LoopScheduler;

TEST_CASE("timers fire in order of their delay, once") {
  EventBasePtr base(event_base_new());
  LoopScheduler scheduler(base.get());
  std::string order;
  TimerHandle late = scheduler.after(Duration(8), [&] { order += 'b'; });
  TimerHandle early = scheduler.after(Duration(2), [&] { order += 'a'; });
  event_base_dispatch(base.get());
  CHECK(order == "ab");
}

TEST_CASE("a destroyed handle does not fire") {
  EventBasePtr base(event_base_new());
  LoopScheduler scheduler(base.get());
  bool fired = false;
  TimerHandle timer = scheduler.after(Duration(1), [&] { fired = true; });
  timer.reset();
  event_base_dispatch(base.get());
  CHECK_FALSE(fired);
}

TEST_CASE("a timer may destroy or replace itself from its own callback") {
  EventBasePtr base(event_base_new());
  LoopScheduler scheduler(base.get());
  int fired = 0;
  TimerHandle timer;
  timer = scheduler.after(Duration(1), [&] {
    timer = scheduler.after(Duration(1), [&] {
      ++fired;
      timer.reset();
    });
    ++fired;
  });
  event_base_dispatch(base.get());
  CHECK(fired == 2);
}

TEST_CASE("posted work runs after the callback that posted it, in order") {
  EventBasePtr base(event_base_new());
  LoopScheduler scheduler(base.get());
  std::string order;
  TimerHandle timer = scheduler.after(Duration(0), [&] {
    scheduler.post([&] {
      order += '2';
      scheduler.post([&] { order += '4'; });
    });
    scheduler.post([&] { order += '3'; });
    order += '1';
  });
  event_base_dispatch(base.get());
  CHECK(order == "1234");
}

TEST_CASE("work that posts itself for ever does not starve timers") {
  EventBasePtr base(event_base_new());
  LoopScheduler scheduler(base.get());
  bool stop = false;
  std::function<void()> again = [&] {
    if (!stop) scheduler.post(again);
  };
  scheduler.post(again);
  TimerHandle timer = scheduler.after(Duration(5), [&] { stop = true; });
  for (int turns = 0; turns < 1'000'000 && !stop; ++turns)
    event_base_loop(base.get(), EVLOOP_NONBLOCK | EVLOOP_ONCE);
  CHECK(stop);
}

TEST_CASE("posted work that never ran is destroyed with the scheduler") {
  EventBasePtr base(event_base_new());
  auto token = std::make_shared<int>(0);
  {
    LoopScheduler scheduler(base.get());
    scheduler.post([token] { ++*token; });
    CHECK(token.use_count() == 2);
  }
  CHECK(token.use_count() == 1);
  CHECK(*token == 0);
}

TEST_CASE("clocks move forward") {
  EventBasePtr base(event_base_new());
  LoopScheduler scheduler(base.get());
  const TimePoint before = scheduler.now();
  TimerHandle timer = scheduler.after(Duration(3), [] {});
  event_base_dispatch(base.get());
  CHECK(scheduler.now() - before >= Duration(2));
  CHECK(scheduler.unix_seconds() > 1'600'000'000);
}
