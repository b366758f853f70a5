// The breaker's three states, what moves it between them, and that it never sticks.
#include "core/policy/breaker.h"

#include <doctest/doctest.h>

#include <deque>
#include <vector>

#include "support.h"

using namespace clasp;
using namespace clasp::policy;
using namespace clasp::policy::test;

namespace {

config::BreakerSettings enabled() {
  config::BreakerSettings settings;
  settings.enabled = true;
  return settings;
}

void fail_once(Breaker& breaker, TimePoint now) {
  const auto pass = breaker.try_pass(now);
  REQUIRE(pass);
  breaker.report(*pass, Verdict::failure, FailureClass::server, now);
}

void succeed_once(Breaker& breaker, TimePoint now) {
  const auto pass = breaker.try_pass(now);
  REQUIRE(pass);
  breaker.report(*pass, Verdict::success, FailureClass::none, now);
}

BreakerState state(const Breaker& breaker, TimePoint now) {
  return breaker.status(now).state;
}

// One that has opened at `when`.
Breaker opened(std::int64_t when, config::BreakerSettings settings = enabled()) {
  Breaker breaker(settings);
  for (std::uint32_t i = 0; i < settings.threshold; ++i) fail_once(breaker, at_ms(when));
  return breaker;
}

}  // namespace

TEST_CASE("breaker: five failures in a row open it, four do not") {
  Breaker breaker(enabled());
  for (int i = 0; i < 4; ++i) fail_once(breaker, at_ms(i));
  CHECK(state(breaker, at_ms(4)) == BreakerState::closed);
  succeed_once(breaker, at_ms(4));
  for (int i = 0; i < 4; ++i) fail_once(breaker, at_ms(5));
  CHECK(state(breaker, at_ms(5)) == BreakerState::closed);
  fail_once(breaker, at_ms(6));
  CHECK(state(breaker, at_ms(6)) == BreakerState::open);
  CHECK_FALSE(breaker.try_pass(at_ms(6)));
  CHECK(breaker.retry_after(at_ms(6)) == ms(30'000));
  CHECK(breaker.retry_after(at_ms(20'006)) == ms(10'000));
  CHECK(breaker.next_change(at_ms(6)) == at_ms(30'006));
}

TEST_CASE("breaker: what says nothing about the backend neither counts nor ends a row") {
  Breaker breaker(enabled());
  for (int i = 0; i < 4; ++i) fail_once(breaker, at_ms(i));
  for (int i = 0; i < 100; ++i) {
    const auto pass = breaker.try_pass(at_ms(5));
    breaker.report(*pass, Verdict::nothing, FailureClass::rate_limited, at_ms(5));
  }
  breaker.abandon(*breaker.try_pass(at_ms(5)));
  CHECK(state(breaker, at_ms(5)) == BreakerState::closed);
  fail_once(breaker, at_ms(6));
  CHECK(state(breaker, at_ms(6)) == BreakerState::open);
}

TEST_CASE("breaker: after the timeout one probe at once, two successes close it") {
  Breaker breaker = opened(0);
  CHECK_FALSE(breaker.would_pass(at_ms(29'999)));
  CHECK(state(breaker, at_ms(30'000)) == BreakerState::half_open);
  const auto probe = breaker.try_pass(at_ms(30'000));
  REQUIRE(probe);
  CHECK_FALSE(breaker.try_pass(at_ms(30'001)));
  CHECK(breaker.status(at_ms(30'001)).probes == 1);
  breaker.report(*probe, Verdict::success, FailureClass::none, at_ms(30'100));
  CHECK(state(breaker, at_ms(30'100)) == BreakerState::half_open);
  succeed_once(breaker, at_ms(30'200));
  CHECK(state(breaker, at_ms(30'200)) == BreakerState::closed);
  CHECK(breaker.status(at_ms(30'200)).since == at_ms(30'200));
  CHECK(breaker.retry_after(at_ms(30'200)) == ms(0));
}

TEST_CASE("breaker: a failed probe opens it again for the whole timeout") {
  Breaker breaker = opened(0);
  succeed_once(breaker, at_ms(30'000));
  fail_once(breaker, at_ms(31'000));
  CHECK(state(breaker, at_ms(31'000)) == BreakerState::open);
  CHECK_FALSE(breaker.would_pass(at_ms(60'999)));
  // The one success from before does not count any more.
  succeed_once(breaker, at_ms(61'000));
  CHECK(state(breaker, at_ms(61'000)) == BreakerState::half_open);
  CHECK(breaker.status(at_ms(61'000)).times_opened == 2);
}

TEST_CASE("breaker: an abandoned probe gives its place back") {
  Breaker breaker = opened(0);
  for (int i = 0; i < 10; ++i) {
    const auto probe = breaker.try_pass(at_ms(30'000));
    REQUIRE(probe);
    breaker.abandon(*probe);
  }
  const auto refused = breaker.try_pass(at_ms(30'000));
  breaker.report(*refused, Verdict::nothing, FailureClass::request, at_ms(30'000));
  CHECK(breaker.would_pass(at_ms(30'000)));
}

TEST_CASE("breaker: a probe that is forgotten holds its place no longer than the timeout") {
  Breaker breaker = opened(0);
  const auto lost = breaker.try_pass(at_ms(30'000));
  REQUIRE(lost);
  CHECK(breaker.next_change(at_ms(30'001)) == at_ms(60'000));
  CHECK(breaker.retry_after(at_ms(59'000)) == ms(1000));
  CHECK_FALSE(breaker.would_pass(at_ms(59'999)));
  const auto second = breaker.try_pass(at_ms(60'000));
  REQUIRE(second);
  // Its place is not given back twice by the late news of the first one.
  breaker.abandon(*lost);
  CHECK_FALSE(breaker.would_pass(at_ms(60'001)));
  // A late end still counts.
  breaker.report(*lost, Verdict::success, FailureClass::none, at_ms(60'002));
  breaker.report(*second, Verdict::success, FailureClass::none, at_ms(60'003));
  CHECK(state(breaker, at_ms(60'003)) == BreakerState::closed);
}

TEST_CASE("breaker: a probe whose answer flows lets the next one through, its end counts") {
  Breaker breaker = opened(0);
  const auto first = breaker.try_pass(at_ms(30'000));
  breaker.on_content(*first);
  const auto second = breaker.try_pass(at_ms(30'010));
  REQUIRE(second);
  breaker.report(*first, Verdict::failure, FailureClass::reset, at_ms(30'020));
  CHECK(state(breaker, at_ms(30'020)) == BreakerState::open);
  breaker.report(*second, Verdict::success, FailureClass::none, at_ms(30'030));
  CHECK(state(breaker, at_ms(30'030)) == BreakerState::open);
}

TEST_CASE("breaker: as many probes as configured") {
  config::BreakerSettings settings = enabled();
  settings.probes = 3;
  Breaker breaker = opened(0, settings);
  std::vector<Breaker::Pass> probes;
  for (int i = 0; i < 3; ++i) probes.push_back(*breaker.try_pass(at_ms(30'000)));
  CHECK_FALSE(breaker.try_pass(at_ms(30'000)));
  breaker.abandon(probes[1]);
  CHECK(breaker.try_pass(at_ms(30'000)));
  CHECK_FALSE(breaker.try_pass(at_ms(30'000)));
  settings.probes = 0;  // never stuck
  CHECK(opened(0, settings).would_pass(at_ms(30'000)));
}

TEST_CASE("breaker: ends of requests from before it opened change nothing") {
  Breaker breaker(enabled());
  std::vector<Breaker::Pass> slow;
  for (int i = 0; i < 10; ++i) slow.push_back(*breaker.try_pass(at_ms(0)));
  for (int i = 0; i < 5; ++i) fail_once(breaker, at_ms(1));
  REQUIRE(state(breaker, at_ms(1)) == BreakerState::open);
  breaker.report(slow[0], Verdict::success, FailureClass::none, at_ms(2));
  breaker.report(slow[1], Verdict::failure, FailureClass::timeout, at_ms(3));
  CHECK(breaker.next_change(at_ms(3)) == at_ms(30'001));
  succeed_once(breaker, at_ms(30'001));
  breaker.report(slow[2], Verdict::success, FailureClass::none, at_ms(30'002));
  CHECK(state(breaker, at_ms(30'002)) == BreakerState::half_open);
  breaker.report(slow[3], Verdict::failure, FailureClass::timeout, at_ms(30'003));
  CHECK(state(breaker, at_ms(30'003)) == BreakerState::half_open);
  const BreakerStatus status = breaker.status(at_ms(30'003));
  CHECK(status.failures == 7);
  CHECK(status.last_cause == "timeout");
  CHECK(status.last_failure == at_ms(30'003));
}

TEST_CASE("breaker: with growth each opening lasts longer, up to the bound; closing forgets it") {
  config::BreakerSettings settings = enabled();
  settings.growth_percent = 100;
  settings.max_timeout_ms = 100'000;
  Breaker breaker = opened(0, settings);
  std::int64_t now = 0;
  for (std::int64_t length : {30'000, 60'000, 100'000, 100'000}) {
    CHECK(breaker.retry_after(at_ms(now)) == ms(length));
    now += length;
    fail_once(breaker, at_ms(now));
  }
  now += 100'000;
  succeed_once(breaker, at_ms(now));
  succeed_once(breaker, at_ms(now));
  for (int i = 0; i < 5; ++i) fail_once(breaker, at_ms(now));
  CHECK(breaker.retry_after(at_ms(now)) == ms(30'000));
}

TEST_CASE("breaker: off by default, it lets everything through and still counts") {
  Breaker breaker;
  for (int i = 0; i < 100; ++i) fail_once(breaker, at_ms(i));
  const BreakerStatus status = breaker.status(at_ms(100));
  CHECK(status.state == BreakerState::closed);
  CHECK(status.mode == BreakerMode::off);
  CHECK(status.failures == 100);
  CHECK(status.times_opened == 0);
}

TEST_CASE("breaker: turned off by new settings it closes, turned on it knows the row") {
  Breaker breaker = opened(0);
  breaker.configure({}, at_ms(10));
  CHECK(breaker.would_pass(at_ms(10)));
  for (int i = 0; i < 7; ++i) fail_once(breaker, at_ms(11));
  breaker.configure(enabled(), at_ms(12));
  CHECK(breaker.would_pass(at_ms(12)));
  fail_once(breaker, at_ms(12));
  CHECK(state(breaker, at_ms(12)) == BreakerState::open);
}

TEST_CASE("breaker: a new timeout holds for one that is open") {
  Breaker breaker = opened(0);
  config::BreakerSettings settings = enabled();
  settings.timeout_ms = 5000;
  breaker.configure(settings, at_ms(1000));
  CHECK(breaker.retry_after(at_ms(1000)) == ms(4000));
}

TEST_CASE("breaker: tripped by hand, also where the settings leave it off") {
  for (const config::BreakerSettings& settings : {enabled(), config::BreakerSettings{}}) {
    Breaker breaker(settings);
    breaker.trip(at_ms(0), false);
    CHECK_FALSE(breaker.would_pass(at_ms(29'999)));
    succeed_once(breaker, at_ms(30'000));
    CHECK(state(breaker, at_ms(30'000)) == BreakerState::half_open);
    succeed_once(breaker, at_ms(30'001));
    CHECK(state(breaker, at_ms(30'001)) == BreakerState::closed);

    breaker.trip(at_ms(40'000), true);
    CHECK_FALSE(breaker.would_pass(at_ms(4'000'000)));
    CHECK(breaker.retry_after(at_ms(4'000'000)) == Breaker::kForever);
    CHECK_FALSE(breaker.next_change(at_ms(4'000'000)));
    CHECK(breaker.status(at_ms(4'000'000)).mode == BreakerMode::held_open);
    breaker.reset(at_ms(4'000'000));
    CHECK(breaker.would_pass(at_ms(4'000'000)));
  }
}

TEST_CASE("breaker: disabled by hand nothing opens it until reset") {
  Breaker breaker = opened(0);
  breaker.disable(at_ms(1));
  for (int i = 0; i < 10; ++i) fail_once(breaker, at_ms(2));
  CHECK(breaker.status(at_ms(2)).mode == BreakerMode::off);
  breaker.reset(at_ms(3));
  for (int i = 0; i < 5; ++i) fail_once(breaker, at_ms(4));
  CHECK(state(breaker, at_ms(4)) == BreakerState::open);
}

TEST_CASE("breaker: any history: probes bounded, never stuck") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    SeededRandom random(seed);
    config::BreakerSettings settings = enabled();
    settings.threshold = 1 + static_cast<std::uint32_t>(random.below(4));
    settings.recovery = 1 + static_cast<std::uint32_t>(random.below(3));
    settings.probes = 1 + static_cast<std::uint32_t>(random.below(3));
    settings.timeout_ms = 1 + static_cast<std::int64_t>(random.below(2000));
    settings.growth_percent = static_cast<std::uint32_t>(random.below(3)) * 50;
    settings.max_timeout_ms = 5000;
    Breaker breaker(settings);
    std::deque<Breaker::Pass> passes;
    std::int64_t now = 0;
    for (int i = 0; i < 3000; ++i) {
      now += static_cast<std::int64_t>(random.below(300));
      const TimePoint then = at_ms(now);
      const bool would = breaker.would_pass(then);
      // What the breaker promises to waiting ones holds.
      if (const auto change = breaker.next_change(then)) {
        REQUIRE(*change > then);
        REQUIRE(*change <= then + ms(5000));
        REQUIRE(breaker.would_pass(*change));
        REQUIRE(then + breaker.retry_after(then) >= *change);
      } else {
        REQUIRE(would);
      }
      const auto pass = breaker.try_pass(then);
      REQUIRE(pass.has_value() == would);
      if (pass) passes.push_back(*pass);
      REQUIRE(breaker.status(then).probes <= settings.probes);
      // Some are never heard of again.
      while (passes.size() > 8 || (!passes.empty() && random.below(2) == 0)) {
        const Breaker::Pass one = passes.front();
        passes.pop_front();
        switch (random.below(5)) {
          case 0:
            breaker.report(one, Verdict::success, FailureClass::none, then);
            break;
          case 1:
            breaker.report(one, Verdict::failure, FailureClass::server, then);
            break;
          case 2:
            breaker.report(one, Verdict::nothing, FailureClass::request, then);
            break;
          case 3:
            breaker.abandon(one);
            break;
          default:
            break;
        }
      }
    }
    // Whatever happened: once the longest timeout is over, a probe may go.
    REQUIRE(breaker.would_pass(at_ms(now + 5000)));
  }
}
