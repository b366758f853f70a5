#include "base/count.h"

#include <doctest/doctest.h>

using namespace clasp;

namespace {
constexpr std::int64_t kLimits[] = {10, 100, 1000};
}

TEST_CASE("histogram: a value that equals a limit is below it, what is above all has a bucket") {
  Histogram histogram(kLimits);
  for (const std::int64_t us : {0, 10, 11, 100, 101, 1000, 1001, 1'000'000}) histogram.observe(us);
  const Histogram::Reading reading = histogram.read();
  CHECK(reading.buckets[0] == 2);
  CHECK(reading.buckets[1] == 2);
  CHECK(reading.buckets[2] == 2);
  CHECK(reading.buckets[3] == 2);
  CHECK(reading.count() == 8);
  CHECK(reading.sum_us == 1'002'223);
}

TEST_CASE("histogram: a clock that went back counts as no time") {
  Histogram histogram(kLimits);
  histogram.observe(-5);
  CHECK(histogram.read().buckets[0] == 1);
  CHECK(histogram.read().sum_us == 0);
}

TEST_CASE("histogram: readings add up") {
  Histogram one(kLimits), two(kLimits);
  one.observe(5);
  two.observe(50);
  two.observe(5000);
  Histogram::Reading all;
  all.add(one.read());
  all.add(two.read());
  CHECK(all.limits.size() == 3);
  CHECK(all.count() == 3);
  CHECK(all.sum_us == 5055);
  CHECK(all.buckets[3] == 1);
}

TEST_CASE("count: behaves like the integer that it is") {
  Count count;
  ++count;
  count += 5;
  --count;
  const Count copy = count;
  count.set(9);
  CHECK(copy == 5);
  CHECK(count.read() == 9);
}
