// What limits tell operators.
#include <doctest/doctest.h>

#include "core/policy/rate_limit.h"

using namespace clasp;
using namespace clasp::policy;

TEST_CASE("accounts: everybody together, clients by name, addresses; what is left of each") {
  config::Settings settings;
  settings.rate_limit.enabled = true;
  settings.rate_limit.scope = config::RateScope::client;
  settings.rate_limit.rate.requests = 60;
  settings.rate_limit.rate.burst = 4;
  for (const char* name : {"bob", "ann"}) {
    config::ClientSettings client;
    client.name = name;
    settings.auth.clients.push_back(client);
  }
  RateLimiter limiter;
  limiter.reconfigure(settings, TimePoint{});
  CHECK(limiter.accounts(TimePoint{}, 10).empty());
  auto held = limiter.admit({&settings.auth.clients[0], "127.0.0.1:1", 0}, TimePoint{});
  auto other = limiter.admit({&settings.auth.clients[1], "127.0.0.1:1", 0}, TimePoint{});
  auto third = limiter.admit({nullptr, "192.0.2.7:5", 0}, TimePoint{});
  REQUIRE(held.has_value());
  REQUIRE(other.has_value());
  REQUIRE(third.has_value());
  RateLimiter::settle(*other, 0, TimePoint{});
  const auto accounts = limiter.accounts(TimePoint{}, 10);
  REQUIRE(accounts.size() == 3);
  CHECK(accounts[0].name == "ann");
  CHECK(accounts[0].running == 0);
  CHECK(accounts[1].name == "bob");
  CHECK(accounts[1].running == 1);
  CHECK(accounts[1].requests_left == 4);
  CHECK(accounts[2].kind == AccountView::Kind::address);
  CHECK(accounts[2].name == "192.0.2.7");
  // It fills while nobody asks.
  CHECK(limiter.accounts(TimePoint{} + Duration{1000}, 10)[1].requests_left == 5);
  CHECK(limiter.accounts(TimePoint{}, 2).size() == 2);
  RateLimiter::settle(*held, 0, TimePoint{});
  RateLimiter::settle(*third, 0, TimePoint{});
}

TEST_CASE("an address is shown as people write it") {
  CHECK(render_address_key(address_key("192.0.2.7:80")) == "192.0.2.7");
  CHECK(render_address_key(address_key("[2001:db8::1]:80")) == "2001:db8::/64");
  CHECK(render_address_key(address_key("unix")) == "unix");
}
