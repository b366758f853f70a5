// Who gets in: scopes, tokens, concurrency, the table of addresses, new settings.
#include "core/policy/rate_limit.h"

#include <doctest/doctest.h>

#include "support.h"

using namespace clasp;
using namespace clasp::policy;
using namespace clasp::policy::test;

namespace {

config::Settings limited(config::RateScope scope, config::RateSettings rate) {
  config::Settings settings;
  settings.rate_limit = {true, scope, rate};
  return settings;
}

config::ClientSettings client(const char* name, config::RateSettings rate, unsigned running = 0) {
  config::ClientSettings out;
  out.name = name;
  out.rate = rate;
  out.max_concurrency = running;
  return out;
}

RateLimiter make(const config::Settings& settings) {
  RateLimiter limiter;
  limiter.reconfigure(settings, at_ms(0));
  return limiter;
}

// How many of `tries` get in.
int admitted(RateLimiter& limiter, const Caller& caller, int tries, std::int64_t now) {
  int count = 0;
  for (int i = 0; i < tries; ++i)
    if (auto grant = limiter.admit(caller, at_ms(now))) {
      RateLimiter::settle(*grant, 0, at_ms(now));
      ++count;
    }
  return count;
}

const Caller kStranger{nullptr, "192.0.2.1:5", 10};

}  // namespace

TEST_CASE("rate limit: the documented defaults let 11 in at once, then one a second") {
  RateLimiter limiter =
      make(limited(config::RateScope::global, {.requests = 60, .window_ms = 60'000, .burst = 10}));
  CHECK(admitted(limiter, kStranger, 50, 0) == 11);
  const auto refused = limiter.admit(kStranger, at_ms(0));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == LimitKind::requests);
  CHECK(refused.error().shared);
  CHECK(refused.error().wait == ms(1000));
  CHECK(refused.error().report.requests.limit == 60);
  CHECK(refused.error().report.requests.remaining == 0);
  CHECK(refused.error().report.requests.full_in == ms(11'000));
  CHECK(admitted(limiter, kStranger, 5, 999) == 0);
  CHECK(admitted(limiter, kStranger, 5, 1000) == 1);
  CHECK(admitted(limiter, kStranger, 99, 61'000) == 11);
}

TEST_CASE("rate limit: in no span of time more than burst + 1 + its share") {
  RateLimiter limiter =
      make(limited(config::RateScope::global, {.requests = 5, .window_ms = 1'000, .burst = 3}));
  int count = 0;
  for (std::int64_t now = 0; now < 60'000; now += 10) count += admitted(limiter, kStranger, 3, now);
  CHECK(count <= 3 + 1 + 5 * 60);
  CHECK(count >= 3 + 5 * 60 - 1);
}

TEST_CASE("rate limit: global is for all together, per client each has its own") {
  const config::RateSettings rate{.requests = 60, .window_ms = 60'000, .burst = 1};
  RateLimiter global = make(limited(config::RateScope::global, rate));
  CHECK(admitted(global, kStranger, 5, 0) == 2);
  CHECK(admitted(global, {nullptr, "192.0.2.2:5", 10}, 5, 0) == 0);
  RateLimiter each = make(limited(config::RateScope::client, rate));
  CHECK(admitted(each, kStranger, 5, 0) == 2);
  CHECK(admitted(each, {nullptr, "192.0.2.1:6", 10}, 5, 0) == 0);  // another port
  CHECK(admitted(each, {nullptr, "192.0.2.2:5", 10}, 5, 0) == 2);
  const auto alice = client("alice", {});
  CHECK(admitted(each, {&alice, "192.0.2.1:5", 10}, 5, 0) == 2);
}

TEST_CASE(
    "rate limit: a client's own limits count besides the global one, and in place of the "
    "one for each client") {
  const auto alice = client("alice", {.requests = 60, .window_ms = 60'000, .burst = 4});
  const Caller caller{&alice, "192.0.2.1:5", 10};
  config::RateSettings rate{.requests = 60, .window_ms = 60'000, .burst = 2};
  RateLimiter global = make(limited(config::RateScope::global, rate));
  const auto refused = [&] {
    CHECK(admitted(global, caller, 9, 0) == 3);
    return global.admit(caller, at_ms(0));
  }();
  CHECK(refused.error().shared);
  RateLimiter each = make(limited(config::RateScope::client, rate));
  CHECK(admitted(each, caller, 9, 0) == 5);
  config::Settings off;
  RateLimiter alone = make(off);
  CHECK(may_limit(off.rate_limit, &alice));
  CHECK_FALSE(may_limit(off.rate_limit, nullptr));
  CHECK(admitted(alone, caller, 9, 0) == 5);
  CHECK(alone.admit(kStranger, at_ms(0))->empty());
}

TEST_CASE("rate limit: who is refused by one limit takes nothing from another") {
  const auto alice = client("alice", {.requests = 60, .window_ms = 60'000, .burst = 0});
  RateLimiter limiter =
      make(limited(config::RateScope::global, {.requests = 60, .window_ms = 60'000, .burst = 9}));
  CHECK(admitted(limiter, {&alice, "", 10}, 50, 0) == 1);
  CHECK(admitted(limiter, kStranger, 50, 0) == 9);
}

TEST_CASE("rate limit: tokens are charged with what was used, and a debt makes later ones wait") {
  RateLimiter limiter =
      make(limited(config::RateScope::global, {.requests = 1000, .tokens_per_minute = 6000}));
  auto first = limiter.admit({nullptr, "192.0.2.1:5", 400}, at_ms(0));
  REQUIRE(first);
  CHECK(first->report.tokens.limit == 6000);
  CHECK(first->report.tokens.remaining == 5900);  // 400 bytes set 100 tokens aside
  RateLimiter::settle(*first, 9000, at_ms(0));
  const auto second = limiter.admit(kStranger, at_ms(0));
  REQUIRE_FALSE(second);
  CHECK(second.error().kind == LimitKind::tokens);
  CHECK(second.error().wait == ms(30'010));  // 3001 tokens at 100 a second
  CHECK_FALSE(limiter.admit(kStranger, at_ms(30'009)));
  CHECK(limiter.admit(kStranger, at_ms(30'010)));
}

TEST_CASE("rate limit: what was set aside comes back, whatever the request's length said") {
  RateLimiter limiter =
      make(limited(config::RateScope::global, {.requests = 1000, .tokens_per_minute = 1000}));
  // A picture of 30 MB, and one whose length nobody told: a tenth each.
  auto picture = limiter.admit({nullptr, "192.0.2.1:5", 30'000'000}, at_ms(0));
  auto unknown = limiter.admit({nullptr, "192.0.2.1:5", 0}, at_ms(0));
  REQUIRE(unknown);
  CHECK(unknown->report.tokens.remaining == 800);
  RateLimiter::settle(*picture, 0, at_ms(0));
  RateLimiter::settle(*unknown, 10, at_ms(0));
  CHECK(limiter.admit({nullptr, "x", 4}, at_ms(0))->report.tokens.remaining == 989);
}

TEST_CASE("rate limit: max_concurrency counts those that run") {
  const auto alice = client("alice", {}, 2);
  const Caller caller{&alice, "192.0.2.1:5", 10};
  RateLimiter limiter = make({});
  auto one = limiter.admit(caller, at_ms(0)), two = limiter.admit(caller, at_ms(0));
  REQUIRE(one);
  REQUIRE(two);
  const auto third = limiter.admit(caller, at_ms(0));
  REQUIRE_FALSE(third);
  CHECK(third.error().kind == LimitKind::concurrency);
  CHECK(third.error().wait == ms(1000));
  RateLimiter::settle(*one, 5, at_ms(0));
  CHECK(limiter.admit(caller, at_ms(0)));
}

TEST_CASE("rate limit: a reload keeps the state of what is limited as before") {
  const auto alice = client("alice", {.requests = 60, .window_ms = 60'000, .burst = 2}, 1);
  config::Settings settings = limited(config::RateScope::client, {.requests = 60, .burst = 1});
  settings.auth.clients = {alice};
  RateLimiter limiter = make(settings);
  const Caller caller{&alice, "", 10};
  auto running = limiter.admit(caller, at_ms(0));
  CHECK(admitted(limiter, kStranger, 9, 0) == 2);
  settings.auth.clients.push_back(client("bob", {}));
  limiter.reconfigure(settings, at_ms(0));
  CHECK(admitted(limiter, kStranger, 9, 0) == 0);
  CHECK(limiter.admit(caller, at_ms(0)).error().kind == LimitKind::concurrency);
  // A new rate begins with a full bucket; who runs still counts.
  const auto faster = client("alice", {.requests = 90, .window_ms = 60'000, .burst = 2}, 1);
  CHECK(limiter.admit({&faster, "", 10}, at_ms(0)).error().kind == LimitKind::concurrency);
  RateLimiter::settle(*running, 0, at_ms(0));
  CHECK(admitted(limiter, {&faster, "", 10}, 9, 0) == 3);
  settings.rate_limit.rate.burst = 5;
  limiter.reconfigure(settings, at_ms(0));
  CHECK(admitted(limiter, kStranger, 9, 0) == 6);
  settings.rate_limit.enabled = false;
  limiter.reconfigure(settings, at_ms(0));
  CHECK(limiter.admit(kStranger, at_ms(0))->empty());
}

TEST_CASE("rate limit: a flood of addresses is bounded and renews nobody's limit") {
  RateLimiter limiter =
      make(limited(config::RateScope::client, {.requests = 1, .window_ms = 60'000, .burst = 1}));
  const auto flood = [&](int first, std::int64_t now) {
    int count = 0;
    for (int i = first; i < first + 15'000; ++i) {
      const std::string peer = "10." + std::to_string(i / 65536) + "." +
                               std::to_string(i / 256 % 256) + "." + std::to_string(i % 256) + ":1";
      count += admitted(limiter, {nullptr, peer, 10}, 1, now);
    }
    return count;
  };
  CHECK(admitted(limiter, kStranger, 9, 0) == 2);
  // All that the table holds got in, and two of the crowd beyond it.
  CHECK(flood(0, 0) == static_cast<int>(RateLimiter::kAddresses) - 1 + 2);
  CHECK(limiter.addresses() == RateLimiter::kAddresses);
  CHECK(admitted(limiter, kStranger, 9, 1000) == 0);
  // Once the buckets are full again they may be forgotten: nothing is lost with them.
  CHECK(flood(100'000, 120'000) > 10'000);
  CHECK(limiter.addresses() == RateLimiter::kAddresses);
}

TEST_CASE("rate limit: addresses without their ports, IPv6 by its first half") {
  CHECK(address_key("192.0.2.1:5") == address_key("192.0.2.1:60000"));
  CHECK(address_key("192.0.2.1:5") != address_key("192.0.2.2:5"));
  CHECK(address_key("[2001:db8::1]:1") == address_key("[2001:db8:0:0:ffff::2]:2"));
  CHECK(address_key("[2001:db8::1]:1") != address_key("[2001:db8:0:1::1]:1"));
  CHECK(address_key("[::ffff:192.0.2.1]:7") == address_key("192.0.2.1:5"));
  CHECK(address_key("[fe80::1%eth0]:7") == address_key("[fe80::2]:7"));
  CHECK(address_key("unix") == "unix");
  CHECK(address_key("[") == "[");
  CHECK(address_key("") == "");
}
