// Again, elsewhere or not at all; the pauses; the budget that keeps repetitions few.
#include "core/policy/retry.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "support.h"

using namespace clasp;
using namespace clasp::policy;
using namespace clasp::policy::test;

namespace {

const config::RetrySettings kSettings;

Decision decide_first(const Outcome& outcome, Situation situation = {},
                      const config::RetrySettings& settings = kSettings) {
  RetryBudget budget(settings);
  SeededRandom random(1);
  return decide(settings, outcome, situation, budget, random, at_ms(0));
}

NextStep step(const Outcome& outcome, Situation situation = {}) {
  return decide_first(outcome, situation).step;
}

}  // namespace

TEST_CASE("retry §8: 408, 409, 5xx and 529 are repeated, no other status without a time") {
  for (int code = 300; code < 600; ++code) {
    CAPTURE(code);
    const bool repeated = code == 408 || code == 409 || code == 498 || code >= 500;
    CHECK(step(http(code)) == (repeated ? NextStep::again : NextStep::give_up));
    const Outcome inside{.kind = OutcomeKind::in_band, .status = code};
    CHECK(step(inside) == (repeated ? NextStep::again : NextStep::give_up));
  }
  CHECK(step({.kind = OutcomeKind::in_band}) == NextStep::again);
}

TEST_CASE("retry §8: connections that fail are repeated, what stays wrong is not") {
  for (OutcomeKind kind :
       {OutcomeKind::connect, OutcomeKind::timeout, OutcomeKind::reset, OutcomeKind::cut})
    CHECK(step(ended(kind)) == NextStep::again);
  for (OutcomeKind kind :
       {OutcomeKind::success, OutcomeKind::name, OutcomeKind::tls, OutcomeKind::protocol,
        OutcomeKind::too_large, OutcomeKind::client_gone, OutcomeKind::local})
    CHECK(step(ended(kind)) == NextStep::give_up);
  CHECK(step({.kind = OutcomeKind::tls, .passing = true}) == NextStep::again);
  CHECK(step({.kind = OutcomeKind::name, .passing = true}) == NextStep::again);
}

TEST_CASE("retry §8: Retry-After up to 5 s is waited for here, a longer one is not") {
  for (int code : {408, 409, 429, 500, 502, 503, 529}) {
    CAPTURE(code);
    for (std::int64_t asked : {0, 1, 1000, 5000}) {
      const Decision decision = decide_first(http(code, asked));
      CHECK(decision.step == NextStep::again);
      CHECK(decision.pause >= ms(asked));
      CHECK(decision.pause <= ms(asked + kSettings.base_ms));
    }
    CHECK(step(http(code, 5001)) == NextStep::give_up);
    CHECK(step(http(code, 5001), {.another = true}) == NextStep::next_candidate);
  }
  CHECK(step(http(429)) == NextStep::give_up);
  CHECK(step(http(429), {.another = true}) == NextStep::next_candidate);
}

TEST_CASE("retry: a candidate that was not tried comes before any pause") {
  const Situation more{.another = true};
  for (int code : {401, 402, 408, 409, 429, 500, 502, 503, 529})
    CHECK(step(http(code), more) == NextStep::next_candidate);
  for (OutcomeKind kind : {OutcomeKind::connect, OutcomeKind::timeout, OutcomeKind::reset,
                           OutcomeKind::name, OutcomeKind::tls, OutcomeKind::protocol})
    CHECK(step(ended(kind), more) == NextStep::next_candidate);
  // The request's own fault is the same everywhere.
  for (int code : {400, 403, 404, 413, 422}) CHECK(step(http(code), more) == NextStep::give_up);
  for (OutcomeKind kind :
       {OutcomeKind::success, OutcomeKind::too_large, OutcomeKind::client_gone, OutcomeKind::local})
    CHECK(step(ended(kind), more) == NextStep::give_up);
}

TEST_CASE("retry: moving on is not limited by max_attempts and takes nothing from the budget") {
  RetryBudget budget(kSettings);
  SeededRandom random(1);
  const std::uint32_t before = budget.available(at_ms(0));
  for (std::uint32_t attempts = 1; attempts < 16; ++attempts)
    CHECK(decide(kSettings, http(500), {.attempts = attempts, .another = true}, budget, random,
                 at_ms(0))
              .step == NextStep::next_candidate);
  CHECK(budget.available(at_ms(0)) == before);
}

TEST_CASE("retry: nothing is repeated once the client has seen content") {
  for (bool another : {false, true})
    CHECK(step(http(500), {.another = another, .another_key = true, .committed = true}) ==
          NextStep::give_up);
}

TEST_CASE("retry: three attempts, the first one included") {
  CHECK(step(http(500), {.attempts = 1}) == NextStep::again);
  CHECK(step(http(500), {.attempts = 2}) == NextStep::again);
  CHECK(step(http(500), {.attempts = 3}) == NextStep::give_up);
  config::RetrySettings settings;
  for (std::uint32_t most : {0u, 1u}) {
    settings.max_attempts = most;
    CHECK(decide_first(http(500), {}, settings).step == NextStep::give_up);
  }
}

TEST_CASE("retry: a refused key gives way to another one at once, before another backend") {
  for (int code : {401, 402, 429}) {
    for (bool another : {false, true}) {
      const Decision decision =
          decide_first(http(code, 3'600'000), {.another = another, .another_key = true});
      CHECK(decision.step == NextStep::again);
      CHECK(decision.pause == ms(0));
    }
    CHECK(step(http(code, 3'600'000), {.attempts = 3, .another_key = true}) == NextStep::give_up);
  }
  // An overloaded backend is not helped by another key.
  CHECK(step(http(503), {.another = true, .another_key = true}) == NextStep::next_candidate);
}

TEST_CASE("retry: full jitter: every pause from nothing to base times 2^n, capped") {
  SeededRandom random(7);
  for (std::uint32_t attempts = 1; attempts <= 40; ++attempts) {
    const std::int64_t limit =
        attempts > 10 ? 5000 : std::min<std::int64_t>(250ll << (attempts - 1), 5000);
    std::int64_t least = limit, most = 0;
    for (int i = 0; i < 2000; ++i) {
      const auto pause = jittered_pause(kSettings, attempts, random).count();
      least = std::min(least, pause);
      most = std::max(most, pause);
    }
    CHECK(least >= 0);
    CHECK(least < limit / 20);
    CHECK(most <= limit);
    CHECK(most > limit - limit / 20);
  }
}

TEST_CASE("retry: settings without sense do no harm") {
  config::RetrySettings settings;
  SeededRandom random(7);
  settings.base_ms = -1;
  CHECK(jittered_pause(settings, 3, random) == ms(0));
  settings.base_ms = INT64_MAX;
  settings.cap_ms = INT64_MAX;
  CHECK(jittered_pause(settings, UINT32_MAX, random) <= ms(3'600'000));
  settings.base_ms = 0;
  CHECK(jittered_pause(settings, UINT32_MAX, random) == ms(0));
  settings.budget_percent = UINT32_MAX;
  settings.budget_per_second = UINT32_MAX;
  RetryBudget budget(settings);
  budget.on_request();
  CHECK(budget.try_take(TimePoint::max()));
}

TEST_CASE("retry budget: an outage gets a fifth more, not three times as much") {
  config::RetrySettings settings;
  settings.budget_per_second = 0;
  RetryBudget budget(settings);
  std::uint32_t repetitions = 0;
  for (int i = 0; i < 10'000; ++i) {
    budget.on_request();
    for (int attempt = 0; attempt < 2; ++attempt)
      if (budget.try_take(at_ms(i))) ++repetitions;
  }
  CHECK(repetitions >= 2000);
  CHECK(repetitions <= 2000 + 10);
}

TEST_CASE("retry budget: few requests live on the floor of one per second") {
  RetryBudget budget(kSettings);
  while (budget.try_take(at_ms(0))) {
  }
  CHECK_FALSE(budget.try_take(at_ms(999)));
  CHECK(budget.try_take(at_ms(1000)));
  CHECK_FALSE(budget.try_take(at_ms(1000)));
  // What was saved has an end.
  CHECK(budget.available(at_ms(1'000'000)) == 10);
}

TEST_CASE("retry budget: small steps of time are not lost") {
  RetryBudget budget(kSettings);
  while (budget.try_take(at_ms(0))) {
  }
  TimePoint now = at_ms(0);
  int taken = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    now += std::chrono::microseconds(7);
    if (budget.try_take(now)) ++taken;
  }
  CHECK(taken == 7);
}

TEST_CASE("retry budget: at any time no more than ratio, floor and the first burst allow") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SeededRandom random(seed);
    config::RetrySettings settings;
    settings.budget_percent = static_cast<std::uint32_t>(random.below(101));
    settings.budget_per_second = static_cast<std::uint32_t>(random.below(4));
    RetryBudget budget(settings);
    std::int64_t requests = 0, taken = 0, now = 0;
    for (int i = 0; i < 2000; ++i) {
      now += static_cast<std::int64_t>(random.below(100));
      if (random.below(3) == 0) {
        budget.on_request();
        ++requests;
      } else if (budget.try_take(at_ms(now))) {
        ++taken;
      }
      REQUIRE(taken * 1000 <=
              10'000 + requests * settings.budget_percent * 10 + now * settings.budget_per_second);
    }
  }
}

TEST_CASE("retry budget: none at all when both sources are 0; an empty one ends repetitions") {
  config::RetrySettings settings;
  settings.budget_percent = 0;
  settings.budget_per_second = 0;
  CHECK(decide_first(http(500), {}, settings).step == NextStep::give_up);
  CHECK(decide_first(http(500), {.another = true}, settings).step == NextStep::next_candidate);
  RetryBudget budget(kSettings);
  budget.configure(settings);
  CHECK_FALSE(budget.try_take(at_ms(1'000'000)));
}

TEST_CASE("queue again: what may pass, while the queue is on, at most max_retries times") {
  config::QueueSettings queue;
  CHECK_FALSE(may_queue_again(queue, http(503), 0));
  queue.enabled = true;
  for (std::uint32_t returns = 0; returns < 3; ++returns)
    CHECK(may_queue_again(queue, http(503), returns));
  CHECK_FALSE(may_queue_again(queue, http(503), 3));
  CHECK(may_queue_again(queue, http(429, 30'000), 0));
  CHECK_FALSE(may_queue_again(queue, http(400), 0));
  CHECK_FALSE(may_queue_again(queue, http(401), 0));
  CHECK_FALSE(may_queue_again(queue, ended(OutcomeKind::client_gone), 0));
  queue.max_retries = 0;
  CHECK_FALSE(may_queue_again(queue, http(503), 0));
}
