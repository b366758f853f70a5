// The desk: who gets a backend, what refusals say, what the ends of requests change, and what
// survives new settings.
#include "core/policy/desk.h"

#include <doctest/doctest.h>

#include "support.h"

using namespace clasp;
using namespace clasp::policy;
using namespace clasp::policy::test;

namespace {

config::BackendSettings backend(const std::string& name, std::uint32_t max_concurrency = 0) {
  config::BackendSettings settings;
  settings.name = name;
  settings.provider = "custom";
  settings.base_url = "http://" + name;
  settings.api_key = Secret("key of " + name);
  settings.max_concurrency = max_concurrency;
  return settings;
}

config::Settings settings_with(std::vector<config::BackendSettings> backends) {
  config::Settings settings;
  settings.backends = std::move(backends);
  settings.breaker.enabled = true;
  settings.queue.enabled = true;
  return settings;
}

struct Kit {
  explicit Kit(config::Settings with) : settings(std::move(with)) {
    ids = desk.reconfigure(settings, at_ms(0));
  }
  Permit acquire(std::int64_t now, std::vector<BackendId> candidates = {}) {
    const auto permit = desk.try_acquire(candidates.empty() ? ids : candidates, at_ms(now));
    REQUIRE(permit.has_value());
    return *permit;
  }
  Refusal refusal(std::int64_t now, std::vector<BackendId> candidates = {}) {
    const auto permit = desk.try_acquire(candidates.empty() ? ids : candidates, at_ms(now));
    REQUIRE_FALSE(permit.has_value());
    return permit.error();
  }
  void run(std::int64_t now, const Outcome& outcome, std::vector<BackendId> candidates = {}) {
    const Permit permit = acquire(now, candidates);
    desk.report(permit.id, outcome, at_ms(now));
    desk.release(permit.id);
  }
  TicketId enqueue(std::int64_t now, const std::string& client = "c") {
    const auto ticket = desk.enqueue(spec(now, client), at_ms(now));
    REQUIRE(ticket.has_value());
    return *ticket;
  }
  TicketSpec spec(std::int64_t now, const std::string& client = "c") const {
    TicketSpec ticket;
    ticket.backends = ids;
    ticket.client = client;
    ticket.arrived = at_ms(now);
    return ticket;
  }
  BackendStatus status(std::size_t index, std::int64_t now) {
    return desk.snapshot(at_ms(now)).backends.at(index);
  }

  Desk desk;
  config::Settings settings;
  std::vector<BackendId> ids;
  SeededRandom random{1};
};

}  // namespace

TEST_CASE("desk: the first candidate that has room") {
  Kit kit(settings_with({backend("a", 1), backend("b", 2)}));
  const Permit first = kit.acquire(0);
  CHECK(first.index == 0);
  CHECK(kit.acquire(0).index == 1);
  CHECK(kit.acquire(0).index == 1);
  CHECK(kit.refusal(0).reason == RefusalReason::saturated);
  CHECK(kit.status(1, 0).in_flight == 2);
  kit.desk.release(first.id);
  CHECK(kit.acquire(0).index == 0);
}

TEST_CASE("desk: no limit by default") {
  Kit kit(settings_with({backend("a")}));
  for (int i = 0; i < 1000; ++i) kit.acquire(0);
  CHECK(kit.status(0, 0).in_flight == 1000);
}

TEST_CASE("desk: a place comes back once, however often it is given back") {
  Kit kit(settings_with({backend("a", 2)}));
  const Permit one = kit.acquire(0);
  kit.acquire(0);
  kit.desk.release(one.id);
  kit.desk.release(one.id);
  kit.desk.leave(one.id);
  kit.desk.report(one.id, http(500), at_ms(0));
  kit.desk.on_content(one.id, at_ms(0));
  kit.desk.release(12'345);
  CHECK(kit.status(0, 0).in_flight == 1);
  CHECK(kit.desk.snapshot(at_ms(0)).permits == 1);
}

TEST_CASE("desk: why nobody takes the request") {
  Kit kit(settings_with({backend("a", 1), backend("b")}));
  CHECK(kit.refusal(0, {999}).reason == RefusalReason::disabled);
  CHECK(kit.desk.try_acquire({}, at_ms(0)).error().reason == RefusalReason::disabled);
  CHECK(kit.desk.set_admin_state("b", AdminState::draining));
  CHECK(kit.refusal(0, {kit.ids[1]}).reason == RefusalReason::disabled);
  kit.acquire(0);
  CHECK(kit.refusal(0).reason == RefusalReason::mixed);
  CHECK(kit.desk.set_admin_state("b", AdminState::enabled));
  for (int i = 0; i < 5; ++i) kit.run(0, http(500), {kit.ids[1]});
  CHECK(kit.refusal(0, {kit.ids[1]}).reason == RefusalReason::open);
  CHECK(kit.refusal(0).reason == RefusalReason::mixed);
  CHECK_FALSE(kit.desk.set_admin_state("nobody", AdminState::enabled));
  CHECK(kit.status(1, 0).refused == 4);
}

TEST_CASE("desk: a backend that drains lets those in flight end") {
  Kit kit(settings_with({backend("a")}));
  const Permit permit = kit.acquire(0);
  kit.desk.set_admin_state("a", AdminState::draining);
  CHECK_FALSE(kit.desk.is_idle("a"));
  kit.desk.report(permit.id, success(), at_ms(5));
  kit.desk.release(permit.id);
  CHECK(kit.desk.is_idle("a"));
  CHECK(kit.status(0, 5).successes == 1);
}

TEST_CASE("desk: an open breaker says when to come back, in whole seconds up to a minute") {
  Kit kit(settings_with({backend("a")}));
  for (int i = 0; i < 5; ++i) kit.run(0, http(500));
  CHECK(kit.refusal(0).retry_after == ms(30'000));
  CHECK(kit.refusal(100).retry_after == ms(30'000));
  CHECK(kit.refusal(28'500).retry_after == ms(2000));
  CHECK(kit.refusal(29'999).retry_after == ms(1000));
  kit.desk.breaker("a")->trip(at_ms(29'999), true);
  CHECK(kit.refusal(29'999).retry_after == ms(60'000));
}

TEST_CASE("desk: a saturated backend's hint follows how long its requests take") {
  Kit kit(settings_with({backend("a", 2)}));
  Permit permit = kit.acquire(0);
  kit.desk.report(permit.id, success(), at_ms(20'000));
  kit.desk.release(permit.id);
  kit.acquire(20'000);
  kit.acquire(20'000);
  CHECK(kit.refusal(20'000).retry_after == ms(10'000));
  kit.enqueue(20'000);
  CHECK(kit.refusal(20'000).retry_after == ms(20'000));
}

TEST_CASE("desk: what each end counts as") {
  Kit kit(settings_with({backend("a")}));
  kit.run(0, success());
  kit.run(0, http(429));
  kit.run(0, http(400));
  kit.run(0, http(503));
  kit.run(0, ended(OutcomeKind::cut));
  kit.run(0, ended(OutcomeKind::client_gone));
  kit.desk.release(kit.acquire(0).id);
  const BackendStatus status = kit.status(0, 0);
  const auto count = [&](FailureClass failure) {
    return status.failures[static_cast<std::size_t>(failure)];
  };
  CHECK(status.attempts == 7);
  CHECK(status.successes == 1);
  CHECK(count(FailureClass::rate_limited) == 1);
  CHECK(count(FailureClass::request) == 1);
  CHECK(count(FailureClass::overloaded) == 1);
  CHECK(count(FailureClass::reset) == 1);
  CHECK(count(FailureClass::none) == 0);
  CHECK(status.abandoned == 2);
  CHECK(status.health.state == HealthState::degraded);
  CHECK(status.breaker.failures == 2);
  CHECK(status.in_flight == 0);
}

TEST_CASE("desk: only the first report of a permit counts") {
  Kit kit(settings_with({backend("a")}));
  const Permit permit = kit.acquire(0);
  kit.desk.report(permit.id, success(), at_ms(0));
  for (int i = 0; i < 10; ++i) kit.desk.report(permit.id, http(500), at_ms(0));
  CHECK(kit.status(0, 0).successes == 1);
  CHECK(kit.status(0, 0).breaker.failures == 0);
}

TEST_CASE("desk: times are averaged: whole answers and first content") {
  Kit kit(settings_with({backend("a")}));
  for (int i = 0; i < 50; ++i) {
    const Permit permit = kit.acquire(i * 1000);
    kit.desk.on_content(permit.id, at_ms(i * 1000 + 100));
    kit.desk.on_content(permit.id, at_ms(i * 1000 + 500));
    kit.desk.report(permit.id, success(), at_ms(i * 1000 + 800));
    kit.desk.release(permit.id);
  }
  CHECK(kit.status(0, 0).latency == ms(800));
  CHECK(kit.status(0, 0).first_content == ms(100));
}

TEST_CASE("desk: half open one probe goes, an abandoned one makes room, success lets all through") {
  Kit kit(settings_with({backend("a")}));
  for (int i = 0; i < 5; ++i) kit.run(0, ended(OutcomeKind::connect));
  const Permit probe = kit.acquire(30'000);
  CHECK(kit.refusal(30'000).reason == RefusalReason::open);
  kit.desk.release(probe.id);  // its client left
  const Permit second = kit.acquire(30'000);
  kit.desk.on_content(second.id, at_ms(30'001));
  const Permit third = kit.acquire(30'001);
  for (const Permit& permit : {second, third}) {
    kit.desk.report(permit.id, success(), at_ms(30'002));
    kit.desk.release(permit.id);
  }
  CHECK(kit.status(0, 30'002).breaker.state == BreakerState::closed);
}

TEST_CASE("desk: decisions are counted and limited by the backend's budget") {
  Kit kit(settings_with({backend("a"), backend("b")}));
  Permit permit = kit.acquire(0);
  kit.desk.report(permit.id, http(500), at_ms(0));
  CHECK(kit.desk.decide(permit.id, http(500), {.another = true}, kit.random, at_ms(0)).step ==
        NextStep::next_candidate);
  int repeats = 0;
  for (int i = 0; i < 100; ++i)
    if (kit.desk.decide(permit.id, http(500), {}, kit.random, at_ms(0)).step == NextStep::again)
      ++repeats;
  CHECK(repeats == 10);
  CHECK(kit.status(0, 0).retries == 10);
  CHECK(kit.status(0, 0).fallbacks == 1);
  CHECK(kit.status(0, 0).retry_budget == 0);
  CHECK(kit.status(1, 0).retry_budget == 10);
  // Repetitions earn nothing.
  for (int i = 0; i < 100; ++i) kit.desk.release(kit.desk.try_acquire(kit.ids, at_ms(0), true)->id);
  CHECK(kit.status(0, 0).retry_budget == 0);
  for (int i = 0; i < 5; ++i) kit.desk.release(kit.acquire(0).id);
  CHECK(kit.status(0, 0).retry_budget == 1);
}

TEST_CASE("desk: whether there is room, for one who gives a place back first") {
  Kit kit(settings_with({backend("a", 1), backend("b", 1)}));
  const std::vector<BackendId> a{kit.ids[0]}, b{kit.ids[1]};
  const Permit mine = kit.acquire(0, a);
  CHECK(kit.desk.has_room(a, mine.id, at_ms(0)));  // the same backend, asked for another model
  CHECK_FALSE(kit.desk.has_room(a, 0, at_ms(0)));
  CHECK(kit.desk.has_room(b, mine.id, at_ms(0)));
  kit.acquire(0, b);
  CHECK_FALSE(kit.desk.has_room(b, mine.id, at_ms(0)));
  CHECK_FALSE(kit.desk.has_room({}, mine.id, at_ms(0)));
  kit.enqueue(0);
  CHECK_FALSE(kit.desk.has_room(a, mine.id, at_ms(0)));  // others wait for it
}

TEST_CASE("desk: several keys in turn; a refused one rests and another one is tried at once") {
  auto two = backend("a");
  two.more_keys = {Secret("second"), Secret("third")};
  Kit kit(settings_with({two}));
  CHECK(kit.acquire(0).key == 0);
  const Permit permit = kit.acquire(0);
  CHECK(permit.key == 1);
  kit.desk.report(permit.id, http(401), at_ms(0));
  const Decision decision = kit.desk.decide(permit.id, http(401), {}, kit.random, at_ms(0));
  CHECK(decision.step == NextStep::again);
  CHECK(decision.pause == ms(0));
  CHECK(kit.acquire(0).key == 2);
  CHECK(kit.acquire(0).key == 0);
  CHECK(kit.acquire(0).key == 2);
  CHECK(kit.status(0, 0).keys == 3);
  CHECK(kit.status(0, 0).keys_resting == 1);
  kit.desk.keys("a")->wake();
  CHECK(kit.status(0, 0).keys_resting == 0);
}

TEST_CASE("desk: a ticket becomes a permit with the same id") {
  Kit kit(settings_with({backend("a", 1)}));
  const Permit first = kit.acquire(0);
  const TicketId ticket = kit.enqueue(0);
  CHECK_FALSE(kit.desk.granted(ticket));
  CHECK(kit.desk.pump(at_ms(1)).empty());
  kit.desk.release(first.id);
  const auto events = kit.desk.pump(at_ms(2));
  REQUIRE(events.size() == 1);
  CHECK(events[0].id == ticket);
  CHECK(events[0].end == TicketEnd::granted);
  REQUIRE(kit.desk.granted(ticket));
  CHECK(kit.desk.granted(ticket)->id == ticket);
  CHECK(kit.status(0, 2).in_flight == 1);
  kit.desk.leave(ticket);  // the client left before it heard of it
  CHECK(kit.status(0, 2).in_flight == 0);
  CHECK_FALSE(kit.desk.granted(ticket));
}

TEST_CASE("desk: newcomers do not overtake those who wait") {
  Kit kit(settings_with({backend("a", 1), backend("b", 1)}));
  const Permit first = kit.acquire(0);
  TicketSpec spec = kit.spec(0);
  spec.backends = {kit.ids[0]};
  const TicketId ticket = *kit.desk.enqueue(spec, at_ms(0));
  kit.desk.release(first.id);
  // Nobody has pumped yet, and the place is promised.
  CHECK(kit.refusal(1, {kit.ids[0]}).reason == RefusalReason::saturated);
  CHECK(kit.acquire(1).index == 1);
  CHECK(kit.desk.pump(at_ms(1)).at(0).id == ticket);
  // One that only pauses does not keep the place from others.
  kit.desk.release(ticket);
  spec.not_before = at_ms(1000);
  CHECK(kit.desk.enqueue(spec, at_ms(2)));
  CHECK(kit.acquire(2).index == 0);
}

TEST_CASE("desk: waiting for a breaker: the timer is set for its end, one probe goes then") {
  Kit kit(settings_with({backend("a")}));
  for (int i = 0; i < 5; ++i) kit.run(0, http(502));
  const TicketId one = kit.enqueue(1000);
  const TicketId two = kit.enqueue(1000, "other");
  CHECK(kit.desk.next_wake(at_ms(1000)) == at_ms(30'000));
  CHECK(kit.desk.pump(at_ms(29'999)).empty());
  const auto events = kit.desk.pump(at_ms(30'000));
  REQUIRE(events.size() == 1);
  CHECK(events[0].id == one);
  CHECK(kit.desk.next_wake(at_ms(30'000)) == at_ms(31'000));  // the deadline of the other one
  kit.desk.report(one, success(), at_ms(30'500));
  CHECK(kit.desk.pump(at_ms(30'500)).at(0).id == two);
  CHECK_FALSE(kit.desk.next_wake(at_ms(30'500)));
}

TEST_CASE("desk: nobody wakes up for a breaker of a backend that is out of service by hand") {
  Kit kit(settings_with({backend("a")}));
  for (int i = 0; i < 5; ++i) kit.run(0, http(502));
  kit.enqueue(15'000);
  CHECK(kit.desk.next_wake(at_ms(15'000)) == at_ms(30'000));
  kit.desk.set_admin_state("a", AdminState::draining);
  CHECK(kit.desk.next_wake(at_ms(15'000)) == at_ms(45'000));  // its deadline
}

TEST_CASE("desk: who may not wait is told why and when to come back") {
  config::Settings settings = settings_with({backend("a", 1)});
  settings.queue.max_size = 1;
  Kit kit(settings);
  kit.acquire(0);
  kit.enqueue(0);
  auto refused = kit.desk.enqueue(kit.spec(0), at_ms(0));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().reason == RefusalReason::queue_full);
  CHECK(refused.error().retry_after >= ms(1000));
  CHECK(refused.error().retry_after <= ms(60'000));
  kit.desk.set_admin_state("a", AdminState::disabled);
  CHECK(kit.desk.enqueue(kit.spec(0), at_ms(0)).error().reason == RefusalReason::disabled);
  kit.desk.set_admin_state("a", AdminState::enabled);
  kit.settings.queue.enabled = false;
  kit.desk.reconfigure(kit.settings, at_ms(0));
  CHECK(kit.desk.enqueue(kit.spec(0), at_ms(0)).error().reason == RefusalReason::queue_off);
  CHECK(kit.desk.drain(at_ms(0)).size() == 1);
  CHECK(kit.desk.enqueue(kit.spec(0), at_ms(0)).error().reason == RefusalReason::draining);
}

TEST_CASE("desk: a full queue's hint follows how long others have waited") {
  config::Settings settings = settings_with({backend("a", 1)});
  settings.queue.max_size = 1;
  Kit kit(settings);
  const Permit first = kit.acquire(0);
  const TicketId ticket = kit.enqueue(0);
  kit.desk.release(first.id);
  REQUIRE(kit.desk.pump(at_ms(12'000)).size() == 1);
  kit.enqueue(12'000);
  CHECK(kit.desk.enqueue(kit.spec(12'000), at_ms(12'000)).error().retry_after == ms(12'000));
  kit.desk.release(ticket);
}

TEST_CASE("desk: new settings keep the state of what is the same") {
  Kit kit(settings_with({backend("a"), backend("b"), backend("c")}));
  for (int i = 0; i < 5; ++i) kit.run(0, http(500), {kit.ids[0]});
  for (int i = 0; i < 5; ++i) kit.run(0, http(500), {kit.ids[1]});
  const Permit held = kit.acquire(0, {kit.ids[2]});
  config::Settings next = kit.settings;
  next.backends[1].api_key = Secret("another key");
  std::swap(next.backends[0], next.backends[2]);
  next.backends[0].max_concurrency = 1;
  const auto ids = kit.desk.reconfigure(next, at_ms(1));
  CHECK(ids[0] == kit.ids[2]);
  CHECK(ids[2] == kit.ids[0]);
  CHECK(ids[1] != kit.ids[1]);
  CHECK(kit.refusal(1, {ids[2]}).reason == RefusalReason::open);
  CHECK(kit.acquire(1, {ids[1]}).index == 0);
  CHECK(kit.refusal(1, {ids[0]}).reason == RefusalReason::saturated);
  kit.desk.release(held.id);
  CHECK(kit.acquire(1, {ids[0]}).index == 0);
  CHECK(kit.desk.reconfigure(next, at_ms(2)) == ids);
}

TEST_CASE(
    "desk: a removed backend takes requests of those who do not know yet, until the next change") {
  Kit kit(settings_with({backend("a"), backend("b")}));
  const config::Settings next = settings_with({backend("b")});
  kit.desk.reconfigure(next, at_ms(1));
  const Permit permit = kit.acquire(1, {kit.ids[0]});
  CHECK(permit.index == 0);
  CHECK(kit.desk.snapshot(at_ms(1)).backends.size() == 1);
  CHECK(kit.desk.breaker("a") == nullptr);
  TicketSpec spec = kit.spec(0);
  spec.backends = {kit.ids[0]};
  CHECK(kit.desk.enqueue(spec, at_ms(1)).error().reason == RefusalReason::disabled);
  kit.desk.reconfigure(next, at_ms(2));
  CHECK(kit.refusal(2, {kit.ids[0]}).reason == RefusalReason::disabled);
  CHECK(kit.desk.decide(permit.id, http(500), {}, kit.random, at_ms(2)).step == NextStep::give_up);
  kit.desk.release(permit.id);
  CHECK(kit.desk.snapshot(at_ms(2)).permits == 0);
}

TEST_CASE("desk: each part of a backend's identity counts") {
  const config::BackendSettings original = backend("a");
  for (int part = 0; part < 5; ++part) {
    CAPTURE(part);
    Kit kit(settings_with({original}));
    config::Settings next = kit.settings;
    config::BackendSettings& changed = next.backends[0];
    if (part == 0) changed.name = "z";
    if (part == 1) changed.provider = "openai";
    if (part == 2) changed.base_url += "/v1";
    if (part == 3) changed.api_key = Secret("new");
    if (part == 4) changed.more_keys = {Secret("new")};
    CHECK(kit.desk.reconfigure(next, at_ms(0)) != kit.ids);
    CHECK(kit.desk.reconfigure(kit.settings, at_ms(0)) != kit.ids);  // never reused
  }
}

TEST_CASE("desk: permits and tickets of removed backends are harmless") {
  Kit kit(settings_with({backend("a", 1), backend("b", 1)}));
  const Permit permit = kit.acquire(0, {kit.ids[0]});
  TicketSpec spec = kit.spec(0);
  spec.backends = {kit.ids[0]};
  const TicketId ticket = *kit.desk.enqueue(spec, at_ms(0));
  config::Settings next = settings_with({backend("b", 1)});
  kit.desk.reconfigure(next, at_ms(1));
  kit.desk.on_content(permit.id, at_ms(1));
  kit.desk.report(permit.id, http(500), at_ms(1));
  CHECK(kit.desk.decide(permit.id, http(500), {.another = true}, kit.random, at_ms(1)).step ==
        NextStep::next_candidate);
  CHECK(kit.desk.snapshot(at_ms(1)).permits == 1);
  kit.desk.release(permit.id);
  const DeskStatus status = kit.desk.snapshot(at_ms(1));
  CHECK(status.permits == 0);
  REQUIRE(status.backends.size() == 1);
  CHECK(status.backends[0].name == "b");
  CHECK(status.backends[0].breaker.failures == 0);
  const auto events = kit.desk.pump(at_ms(1));
  REQUIRE(events.size() == 1);
  CHECK(events[0].id == ticket);
  CHECK(events[0].end == TicketEnd::orphaned);
}

TEST_CASE("desk: probes reach the health of their backend") {
  Kit kit(settings_with({backend("a")}));
  for (int i = 0; i < 3; ++i) kit.desk.on_probe(kit.ids[0], ended(OutcomeKind::connect), at_ms(i));
  kit.desk.on_probe(999, success(), at_ms(3));
  CHECK(kit.status(0, 3).health.state == HealthState::down);
  // They decide nothing.
  CHECK(kit.acquire(3).index == 0);
}

TEST_CASE("desk: names") {
  CHECK(refusal_name(RefusalReason::queue_full) == "queue_full");
  CHECK(refusal_name(RefusalReason::mixed) == "mixed");
  CHECK(admin_state_name(AdminState::draining) == "draining");
}

TEST_CASE("desk: keys of clients are not in turn, and no refusal of one rests a key of ours") {
  config::BackendSettings settings = backend("a");
  settings.more_keys.emplace_back("second");
  settings.pass_client_key = true;
  Kit kit(settings_with({settings}));
  CHECK(kit.desk.keys("a")->size() == 1);
  const Outcome refused{.kind = OutcomeKind::status, .status = 401, .clients_key = true};
  for (int i = 0; i < 20; ++i) {
    const Permit permit = kit.acquire(i);
    kit.desk.report(permit.id, refused, at_ms(i));
    SeededRandom random{1};
    CHECK(kit.desk.decide(permit.id, refused, {.attempts = 1, .another = true}, random, at_ms(i))
              .step == NextStep::give_up);
    kit.desk.release(permit.id);
  }
  CHECK(kit.desk.keys("a")->resting(at_ms(20)) == 0);
  kit.run(21, {.kind = OutcomeKind::status, .status = 429, .clients_key = true});
  CHECK(kit.desk.keys("a")->resting(at_ms(21)) == 0);
  CHECK(kit.desk.snapshot(at_ms(22)).backends.front().health.state != HealthState::down);
}
