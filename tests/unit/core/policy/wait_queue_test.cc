// The waiting line: fairness, deadlines, bounds, and what an administrator may do to it.
#include "core/policy/wait_queue.h"

#include <doctest/doctest.h>

#include <map>
#include <set>

#include "support.h"

using namespace clasp;
using namespace clasp::policy;
using namespace clasp::policy::test;

namespace {

// Backends as numbers of free places.
class Places final : public QueueGate {
 public:
  std::map<BackendId, int> free;
  std::map<BackendId, TimePoint> opens;
  std::size_t asked = 0;

  std::optional<std::size_t> try_grant(TicketId, const std::vector<BackendId>& backends) override {
    ++asked;
    for (std::size_t i = 0; i < backends.size(); ++i) {
      const auto at = free.find(backends[i]);
      if (at == free.end() || at->second <= 0) continue;
      --at->second;
      return i;
    }
    return std::nullopt;
  }
  bool exists(BackendId backend) const override { return free.contains(backend); }
  std::optional<TimePoint> next_change(BackendId backend) const override {
    const auto at = opens.find(backend);
    return at == opens.end() ? std::nullopt : std::optional(at->second);
  }
};

config::QueueSettings enabled(std::uint32_t size = 100) {
  config::QueueSettings settings;
  settings.enabled = true;
  settings.max_size = size;
  return settings;
}

TicketSpec spec(std::vector<BackendId> backends, std::string client, std::int64_t arrived = 0) {
  TicketSpec ticket;
  ticket.backends = std::move(backends);
  ticket.client = std::move(client);
  ticket.arrived = at_ms(arrived);
  return ticket;
}

std::vector<TicketId> ids(const std::vector<TicketEvent>& events, TicketEnd end) {
  std::vector<TicketId> list;
  for (const TicketEvent& event : events)
    if (event.end == end) list.push_back(event.id);
  return list;
}

using Ids = std::vector<TicketId>;

}  // namespace

TEST_CASE("queue: first come first served") {
  WaitQueue queue(enabled());
  Places places;
  places.free[1] = 2;
  for (TicketId id = 1; id <= 4; ++id) REQUIRE(queue.enter(id, spec({1}, "a"), at_ms(0)));
  CHECK(ids(queue.pump(places, at_ms(1)), TicketEnd::granted) == Ids{1, 2});
  CHECK(queue.pump(places, at_ms(2)).empty());
  places.free[1] = 5;
  const auto events = queue.pump(places, at_ms(70));
  CHECK(ids(events, TicketEnd::granted) == Ids{3, 4});
  CHECK(events[0].waited == ms(70));
  CHECK(queue.empty());
}

TEST_CASE("queue: clients in turn, whoever has many waiting") {
  WaitQueue queue(enabled());
  Places places;
  for (TicketId id = 1; id <= 5; ++id) queue.enter(id, spec({1}, "busy"), at_ms(0));
  queue.enter(6, spec({1}, "second"), at_ms(1));
  queue.enter(7, spec({1}, "third"), at_ms(2));
  queue.enter(8, spec({1}, "third"), at_ms(2));
  Ids order;
  for (int i = 0; i < 8; ++i) {  // one place at a time
    places.free[1] = 1;
    for (TicketId id : ids(queue.pump(places, at_ms(3)), TicketEnd::granted)) order.push_back(id);
  }
  CHECK(order == Ids{1, 6, 7, 2, 8, 3, 4, 5});
}

TEST_CASE("queue: the same turns when all go at once") {
  WaitQueue queue(enabled());
  Places places;
  places.free[1] = 100;
  for (TicketId id = 1; id <= 5; ++id) queue.enter(id, spec({1}, "busy"), at_ms(0));
  queue.enter(6, spec({1}, "second"), at_ms(1));
  queue.enter(7, spec({1}, "third"), at_ms(2));
  queue.enter(8, spec({1}, "third"), at_ms(2));
  CHECK(ids(queue.pump(places, at_ms(3)), TicketEnd::granted) == Ids{1, 6, 7, 2, 8, 3, 4, 5});
  CHECK(queue.status(at_ms(3)).clients == 0);
}

TEST_CASE("queue: one that cannot go does not hold up those behind it") {
  WaitQueue queue(enabled());
  Places places;
  places.free = {{1, 0}, {2, 1}, {3, 5}};
  queue.enter(1, spec({1}, "a"), at_ms(0));
  queue.enter(2, spec({1, 2}, "a"), at_ms(0));
  TicketSpec later = spec({3}, "a");
  later.not_before = at_ms(50);
  queue.enter(3, later, at_ms(0));
  queue.enter(4, spec({3}, "a"), at_ms(0));
  const auto events = queue.pump(places, at_ms(1));
  CHECK(ids(events, TicketEnd::granted) == Ids{2, 4});
  CHECK(events[0].index == 1);
  CHECK(events[1].index == 0);
  CHECK(ids(queue.pump(places, at_ms(49)), TicketEnd::granted).empty());
  CHECK(ids(queue.pump(places, at_ms(50)), TicketEnd::granted) == Ids{3});
}

TEST_CASE("queue: the deadline counts from the arrival, and a place at the last moment is taken") {
  WaitQueue queue(enabled());
  Places places;
  places.free[1] = 0;
  queue.enter(1, spec({1}, "a", -10'000), at_ms(0));  // has waited before
  queue.enter(2, spec({1}, "a", 0), at_ms(0));
  CHECK(queue.pump(places, at_ms(19'999)).empty());
  CHECK(ids(queue.pump(places, at_ms(20'000)), TicketEnd::expired) == Ids{1});
  places.free[1] = 1;
  CHECK(ids(queue.pump(places, at_ms(30'000)), TicketEnd::granted) == Ids{2});
  CHECK(queue.status(at_ms(30'000)).longest_ever == ms(30'000));
}

TEST_CASE("queue: when to pump next") {
  WaitQueue queue(enabled());
  Places places;
  places.free = {{1, 0}, {2, 0}};
  CHECK_FALSE(queue.next_wake(places, at_ms(0)));
  queue.enter(1, spec({1}, "a"), at_ms(0));
  CHECK(queue.next_wake(places, at_ms(0)) == at_ms(30'000));
  places.opens[2] = at_ms(10'000);
  CHECK(queue.next_wake(places, at_ms(0)) == at_ms(30'000));
  TicketSpec later = spec({2}, "b");
  later.not_before = at_ms(12'000);
  queue.enter(2, later, at_ms(0));
  CHECK(queue.next_wake(places, at_ms(0)) == at_ms(12'000));
  places.opens[2] = at_ms(15'000);
  CHECK(queue.next_wake(places, at_ms(12'000)) == at_ms(15'000));
  queue.pause();
  CHECK(queue.next_wake(places, at_ms(12'000)) == at_ms(30'000));
}

TEST_CASE("queue: bounded, off, draining: refused and counted") {
  WaitQueue queue(enabled(2));
  Places places;
  places.free[1] = 0;
  CHECK(queue.enter(1, spec({1}, "a"), at_ms(0)));
  CHECK(queue.enter(2, spec({1}, "b"), at_ms(0)));
  CHECK_FALSE(queue.enter(3, spec({1}, "c"), at_ms(0)));
  CHECK(queue.leave(1));
  CHECK_FALSE(queue.leave(1));
  CHECK(queue.enter(3, spec({1}, "c"), at_ms(0)));
  queue.configure(config::QueueSettings{});
  CHECK(queue.leave(2));
  CHECK_FALSE(queue.enter(4, spec({1}, "d"), at_ms(0)));
  CHECK(queue.size() == 1);  // who waits may go on waiting
  queue.configure(enabled(2));
  CHECK_FALSE(queue.enter(5, spec({}, "d"), at_ms(0)));
  CHECK(ids(queue.drain(at_ms(1)), TicketEnd::drained) == Ids{3});
  CHECK_FALSE(queue.enter(6, spec({1}, "d"), at_ms(1)));
  const QueueStatus status = queue.status(at_ms(1));
  CHECK(status.rejected == 4);
  CHECK(status.left == 2);
  CHECK(status.drained == 1);
  CHECK(status.entered == 3);
}

TEST_CASE("queue: pause, resume, cancel, flush, list") {
  WaitQueue queue(enabled());
  Places places;
  places.free[1] = 10;
  for (TicketId id = 1; id <= 5; ++id)
    queue.enter(id, spec({1}, id % 2 ? "a" : "b"), at_ms(static_cast<std::int64_t>(id)));
  queue.pause();
  CHECK(queue.pump(places, at_ms(10)).empty());
  CHECK(ids(queue.pump(places, at_ms(30'000)), TicketEnd::granted).empty());
  CHECK(queue.empty());  // deadlines hold while it is paused
  for (TicketId id = 11; id <= 15; ++id)
    queue.enter(id, spec({1}, id % 2 ? "a" : "b", 40'000), at_ms(40'000));
  const auto list = queue.list(at_ms(41'000), 3);
  REQUIRE(list.size() == 3);
  CHECK(list[0].id == 11);
  CHECK(list[0].client == "a");
  CHECK(list[0].waited == ms(1000));
  CHECK(list[0].left == ms(29'000));
  CHECK(queue.cancel(13, at_ms(41'000))->end == TicketEnd::cancelled);
  CHECK_FALSE(queue.cancel(13, at_ms(41'000)));
  queue.resume();
  places.free[1] = 1;
  CHECK(ids(queue.pump(places, at_ms(42'000)), TicketEnd::granted) == Ids{11});
  CHECK(queue.flush(at_ms(42'000)).size() == 3);
  CHECK(queue.empty());
}

TEST_CASE("queue: a ticket none of whose backends is left is told so") {
  WaitQueue queue(enabled());
  Places places;
  places.free = {{1, 0}};
  TicketSpec gone = spec({7, 8}, "a");
  gone.owner = 42;
  queue.enter(1, gone, at_ms(0));
  queue.enter(2, spec({7, 1}, "a"), at_ms(0));
  const auto events = queue.pump(places, at_ms(1));
  CHECK(ids(events, TicketEnd::orphaned) == Ids{1});
  CHECK(events[0].owner == 42);
  CHECK(queue.size() == 1);
}

TEST_CASE("queue: who waits for which backend") {
  WaitQueue queue(enabled());
  queue.enter(1, spec({1, 2, 1}, "a"), at_ms(0));
  TicketSpec later = spec({2}, "a");
  later.not_before = at_ms(10);
  queue.enter(2, later, at_ms(0));
  CHECK(queue.waiting_for(1) == 1);
  CHECK(queue.waiting_for(2) == 2);
  CHECK(queue.waiting_for(3) == 0);
  CHECK(queue.has_ready(2, at_ms(0)));
  queue.leave(1);
  CHECK(queue.waiting_for(1) == 0);
  CHECK_FALSE(queue.has_ready(2, at_ms(9)));
  CHECK(queue.has_ready(2, at_ms(10)));
}

TEST_CASE("queue: names and lists from outside are cut") {
  WaitQueue queue(enabled());
  queue.enter(1, spec(std::vector<BackendId>(1000, 1), std::string(100'000, 'x')), at_ms(0));
  const auto list = queue.list(at_ms(0), 1);
  CHECK(list[0].client.size() == 128);
  CHECK(list[0].backends.size() == 16);
}

TEST_CASE("queue: one pump asks once per ticket, however many clients there are") {
  for (std::size_t clients : {1u, 100u, 5000u}) {
    WaitQueue queue(enabled(5000));
    Places places;
    places.free[1] = 2500;
    for (TicketId id = 1; id <= 5000; ++id)
      queue.enter(id, spec({1}, std::to_string(id % clients)), at_ms(0));
    CHECK(queue.pump(places, at_ms(1)).size() == 2500);
    CHECK(places.asked == 5000);
  }
}

TEST_CASE("queue: typical wait follows those that were granted") {
  WaitQueue queue(enabled());
  Places places;
  CHECK_FALSE(queue.typical_wait());
  queue.enter(1, spec({1}, "a"), at_ms(0));
  places.free[1] = 1;
  queue.pump(places, at_ms(8000));
  CHECK(queue.typical_wait() == ms(8000));
  queue.enter(2, spec({1}, "a"), at_ms(8000));
  places.free[1] = 1;
  queue.pump(places, at_ms(8000));
  CHECK(queue.typical_wait() == ms(7000));
}
