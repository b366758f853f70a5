// Keys in turn, and the rest of those that were refused.
#include "core/policy/key_ring.h"

#include <doctest/doctest.h>

#include <array>

#include "support.h"

using namespace clasp;
using namespace clasp::policy;
using namespace clasp::policy::test;

namespace {
const config::KeySettings kSettings;
}

TEST_CASE("keys: used in turn") {
  KeyRing ring(3);
  for (std::size_t i = 0; i < 9; ++i) CHECK(ring.pick(at_ms(0)) == i % 3);
}

TEST_CASE("keys: one that was refused rests, the others share") {
  KeyRing ring(3);
  ring.report(1, http(401), kSettings, at_ms(0));
  CHECK(ring.resting(at_ms(0)) == 1);
  std::array<int, 3> used{};
  for (int i = 0; i < 10; ++i) ++used[ring.pick(at_ms(1))];
  CHECK(used[1] == 0);
  CHECK(used[0] == 5);
  CHECK(used[2] == 5);
  CHECK(ring.resting(at_ms(300'000)) == 0);
  used = {};
  for (int i = 0; i < 9; ++i) ++used[ring.pick(at_ms(300'000))];
  CHECK(used == std::array{3, 3, 3});
}

TEST_CASE("keys: when all rest, the one whose rest ends first is used") {
  KeyRing ring(3);
  ring.report(0, http(429, 9000), kSettings, at_ms(0));
  ring.report(1, http(429, 3000), kSettings, at_ms(0));
  ring.report(2, http(429, 6000), kSettings, at_ms(0));
  for (int i = 0; i < 5; ++i) CHECK(ring.pick(at_ms(1)) == 1);
  CHECK_FALSE(ring.has_other(1, at_ms(1)));
  CHECK(ring.has_other(1, at_ms(6000)));
  ring.wake();
  CHECK(ring.resting(at_ms(1)) == 0);
}

TEST_CASE("keys: one key alone is always used") {
  KeyRing ring;
  ring.report(0, http(401), kSettings, at_ms(0));
  CHECK(ring.pick(at_ms(1)) == 0);
  CHECK_FALSE(ring.has_other(0, at_ms(1)));
  CHECK(KeyRing(0).size() == 1);
}

TEST_CASE("keys: a late answer does not shorten a rest; positions of another time do no harm") {
  KeyRing ring(2);
  ring.report(0, http(401), kSettings, at_ms(0));
  ring.report(0, http(429, 1), kSettings, at_ms(10));
  ring.report(0, success(), kSettings, at_ms(11));
  ring.report(7, http(401), kSettings, at_ms(11));
  CHECK(ring.resting(at_ms(299'999)) == 1);
}

TEST_CASE("keys: how long which refusal rests") {
  CHECK(key_rest(http(401), kSettings) == ms(300'000));
  CHECK(key_rest(http(402), kSettings) == ms(600'000));
  Outcome quota = http(429, 1000);
  quota.quota = true;
  CHECK(key_rest(quota, kSettings) == ms(600'000));
  CHECK(key_rest(http(429), kSettings) == ms(5000));
  CHECK(key_rest(http(429, 2000), kSettings) == ms(2000));
  CHECK(key_rest(http(429, INT64_MAX), kSettings) == ms(300'000));
  for (int code : {400, 403, 404, 408, 500, 503, 529})
    CHECK(key_rest(http(code), kSettings) == ms(0));
  CHECK(key_rest(success(), kSettings) == ms(0));
  CHECK(key_rest(ended(OutcomeKind::client_gone), kSettings) == ms(0));
}
