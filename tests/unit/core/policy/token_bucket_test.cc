// The arithmetic of a rate limit at its edges.
#include "core/policy/token_bucket.h"

#include <doctest/doctest.h>

#include "support.h"

using namespace clasp;
using namespace clasp::policy;
using namespace clasp::policy::test;

TEST_CASE("bucket: full at first, and refilled exactly") {
  TokenBucket bucket(60, ms(60'000), 11, at_ms(0));
  CHECK(bucket.full());
  CHECK(bucket.whole() == 11);
  bucket.take(11);
  CHECK_FALSE(bucket.has(1));
  CHECK(bucket.until(1) == ms(1000));
  CHECK(bucket.until_full() == ms(11'000));
  bucket.refill(at_ms(999));
  CHECK_FALSE(bucket.has(1));
  bucket.refill(at_ms(1000));
  CHECK(bucket.has(1));
  CHECK_FALSE(bucket.has(2));
  bucket.refill(at_ms(11'000));
  CHECK(bucket.full());
  bucket.refill(at_ms(3'600'000));
  CHECK(bucket.whole() == 11);
}

TEST_CASE("bucket: asking often neither wins nor loses anything") {
  // 7 in 10 seconds does not divide evenly into milliseconds.
  TokenBucket often(7, ms(10'000), 2, at_ms(0)), once(7, ms(10'000), 1, at_ms(0));
  int got = 0;
  for (std::int64_t now = 0; now <= 100'000; ++now) {
    often.refill(at_ms(now));
    if (!often.has(1)) continue;
    often.take(1);
    ++got;
  }
  CHECK(got == 2 + 70);  // what it held, and what came in 100 s
  once.take(1);
  once.refill(at_ms(1428));
  CHECK_FALSE(once.has(1));
  once.refill(at_ms(1429));
  CHECK(once.has(1));
}

TEST_CASE("bucket: parts of a millisecond are not counted twice") {
  TokenBucket bucket(1000, ms(1000), 1, at_ms(0));
  bucket.take(1);
  for (int us = 1; us < 1000; ++us) bucket.refill(at_ms(0) + std::chrono::microseconds(us));
  CHECK_FALSE(bucket.has(1));
  bucket.refill(at_ms(1));
  CHECK(bucket.has(1));
}

TEST_CASE("bucket: a clock that goes back gives nothing and takes nothing") {
  TokenBucket bucket(1, ms(1000), 5, at_ms(10'000));
  bucket.take(5);
  bucket.refill(at_ms(0));
  CHECK(bucket.whole() == 0);
  bucket.refill(at_ms(10'000));
  CHECK(bucket.whole() == 0);
  bucket.refill(at_ms(12'000));
  CHECK(bucket.whole() == 2);
}

TEST_CASE("bucket: a debt is paid first, and has an end") {
  TokenBucket bucket(100, ms(60'000), 100, at_ms(0));
  bucket.take(250);
  CHECK(bucket.whole() == 0);
  CHECK(bucket.until(1) == ms(90'600));
  bucket.refill(at_ms(90'599));
  CHECK_FALSE(bucket.has(1));
  bucket.refill(at_ms(90'600));
  CHECK(bucket.has(1));
  for (int i = 0; i < 1000; ++i) bucket.take(INT64_MAX);
  CHECK(bucket.until(1) == ms(60 * 60'000 + 600));
  bucket.give_back(INT64_MAX);
  CHECK(bucket.full());
}

TEST_CASE("bucket: the largest numbers do not overflow") {
  TokenBucket bucket(INT64_MAX, ms(INT64_MAX), INT64_MAX, TimePoint{});
  for (int i = 0; i < 100; ++i) bucket.take(INT64_MAX);
  CHECK(bucket.whole() == 0);
  CHECK(bucket.until_full().count() > 0);
  bucket.refill(TimePoint::max());
  CHECK(bucket.full());
  CHECK(bucket.whole() == std::int64_t{1} << 30);
}

TEST_CASE("bucket: without a limit everything is there") {
  TokenBucket none;
  none.take(INT64_MAX);
  none.refill(at_ms(0));
  CHECK(none.has(INT64_MAX));
  CHECK(none.full());
  CHECK(none.capacity() == 0);
}
