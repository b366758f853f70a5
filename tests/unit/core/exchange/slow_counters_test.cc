// Which backends are not asked for a count of tokens for a while (translation spec §7.1).
#include "core/exchange/slow_counters.h"

#include <doctest/doctest.h>

using namespace clasp;
using clasp::exchange::SlowCounters;

TEST_CASE("§7.1: a counter that hangs costs one client its time, not all of them") {
  SlowCounters slow;
  TimePoint now{};
  const std::string url = "http://a/v1/chat/completions";
  CHECK(slow.may_ask(url, now));
  CHECK(slow.may_ask(url, now));
  slow.on_end(url, false, Duration(3000), now);
  CHECK_FALSE(slow.may_ask(url, now));
  CHECK(slow.may_ask("http://b/v1/chat/completions", now));
  now += Duration(59'999);
  CHECK_FALSE(slow.may_ask(url, now));
  now += Duration(1);
  // One tries again, the others wait for what it finds.
  CHECK(slow.may_ask(url, now));
  CHECK_FALSE(slow.may_ask(url, now));
  SUBCASE("it hangs still") {
    slow.on_end(url, false, Duration(3000), now);
    CHECK_FALSE(slow.may_ask(url, now + Duration(59'999)));
  }
  SUBCASE("it counts again") {
    slow.on_end(url, true, Duration(20), now);
    CHECK(slow.may_ask(url, now));
  }
  SUBCASE("it says quickly that it cannot") {
    slow.on_end(url, false, Duration(20), now);
    CHECK(slow.may_ask(url, now));
  }
  SUBCASE("the one that tried never came back") {
    CHECK(slow.may_ask(url, now + Duration(60'000)));
  }
}

TEST_CASE("§7.1: a slow count is a count, and what is remembered is bounded") {
  SlowCounters slow;
  const TimePoint now{};
  slow.on_end("a", true, Duration(2900), now);
  CHECK(slow.may_ask("a", now));
  for (int i = 0; i < 5000; ++i) slow.on_end(std::to_string(i), false, Duration(3000), now);
  int silent = 0;
  for (int i = 0; i < 5000; ++i) silent += slow.may_ask(std::to_string(i), now) ? 0 : 1;
  CHECK(silent <= 1000);
  CHECK_FALSE(slow.may_ask("4999", now));
}
