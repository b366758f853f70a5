// Random histories of the desk against what must hold after every step: limits kept, nobody lost
// or served twice, first come first served within a client, memory bounded, no way to get stuck.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/policy/desk.h"
#include "support.h"

using namespace clasp;
using namespace clasp::policy;
using namespace clasp::policy::test;

namespace {

constexpr std::int64_t kLongestTimeout = 1000;
constexpr std::int64_t kMaxWait = 2000;

// Drives one desk and keeps its own books of what it was told.
class Player {
 public:
  explicit Player(std::uint64_t seed) : random_(seed) {
    settings_.breaker.enabled = true;
    settings_.breaker.threshold = 2;
    settings_.breaker.timeout_ms = kLongestTimeout;
    settings_.queue.enabled = true;
    settings_.queue.max_size = 1 + static_cast<std::uint32_t>(random_.below(12));
    settings_.queue.max_wait_ms = kMaxWait;
    for (int i = 0; i < 3; ++i) {
      config::BackendSettings backend;
      backend.name = std::string(1, static_cast<char>('a' + i));
      backend.max_concurrency = static_cast<std::uint32_t>(random_.below(4));
      settings_.backends.push_back(backend);
    }
    ids_ = desk_.reconfigure(settings_, now());
  }

  void step() {
    time_ += static_cast<std::int64_t>(random_.below(40));
    switch (random_.below(12)) {
      case 0:
      case 1:
      case 2:
        arrive();
        break;
      case 3:
      case 4:
      case 5:
        finish();
        break;
      case 6:
        drop();
        break;
      case 7:
        leave_queue();
        break;
      case 8:
        begin_content();
        break;
      case 9:
        if (random_.below(6) == 0) reconfigure();
        break;
      case 10:
        if (random_.below(6) == 0) administrate();
        break;
      default:
        break;
    }
    pump();
    check();
  }

  // Ends everything; afterwards the desk is as good as new.
  void close() {
    for (const char* name : {"a", "b", "c"}) desk_.set_admin_state(name, AdminState::enabled);
    desk_.queue().resume();
    time_ += std::max(kLongestTimeout, kMaxWait);
    while (!permits_.empty()) release(permits_.begin());
    pump();
    while (!permits_.empty()) release(permits_.begin());
    time_ += kMaxWait;
    pump();
    while (!permits_.empty()) release(permits_.begin());
    check();
    REQUIRE(waiting_.empty());
    REQUIRE(desk_.snapshot(now()).permits == 0);
    for (const BackendId id : ids_) REQUIRE(desk_.try_acquire(std::vector{id}, now()));
  }

 private:
  struct Waiting {
    std::string client;
    std::vector<BackendId> backends;
    TimePoint deadline, not_before;
  };

  TimePoint now() const { return at_ms(time_); }

  std::vector<BackendId> some_backends() {
    std::vector<BackendId> list = ids_;
    std::rotate(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(random_.below(3)),
                list.end());
    list.resize(1 + random_.below(3));
    return list;
  }

  void arrive() {
    const std::vector<BackendId> candidates = some_backends();
    const auto permit = desk_.try_acquire(candidates, now(), random_.below(4) == 0);
    if (permit) {
      take(permit->id, candidates.at(permit->index));
      return;
    }
    REQUIRE(permit.error().retry_after >= ms(1000));
    REQUIRE(permit.error().retry_after <= ms(60'000));
    TicketSpec spec;
    spec.backends = candidates;
    spec.client = std::string(1, static_cast<char>('p' + random_.below(4)));
    spec.arrived = now();
    if (random_.below(4) == 0) spec.not_before = now() + ms(200);
    const auto ticket = desk_.enqueue(spec, now());
    if (!ticket) {
      REQUIRE(ticket.error().retry_after >= ms(1000));
      REQUIRE(ticket.error().retry_after <= ms(60'000));
      return;
    }
    REQUIRE(known_.insert(*ticket).second);
    waiting_[*ticket] = {spec.client, candidates, spec.arrived + ms(kMaxWait), spec.not_before};
  }

  void take(PermitId id, BackendId backend) {
    permits_[id] = backend;
    if (std::find(ids_.begin(), ids_.end(), backend) == ids_.end()) return;
    const auto limit = limit_of(backend);
    REQUIRE((limit == 0 || in_flight(backend) <= limit));
  }

  void finish() {
    if (permits_.empty()) return;
    const auto permit = pick(permits_);
    static const Outcome kEnds[] = {success(),
                                    success(),
                                    http(500),
                                    http(429),
                                    http(400),
                                    ended(OutcomeKind::connect),
                                    ended(OutcomeKind::client_gone)};
    const Outcome& outcome = kEnds[random_.below(std::size(kEnds))];
    desk_.report(permit->first, outcome, now());
    desk_.decide(permit->first, outcome, {.another = random_.below(2) == 0}, random_, now());
    release(permit);
  }

  void drop() {
    if (!permits_.empty()) release(pick(permits_));
  }

  void release(std::map<PermitId, BackendId>::iterator permit) {
    const PermitId id = permit->first;
    permits_.erase(permit);
    random_.below(2) == 0 ? desk_.release(id) : desk_.leave(id);
    if (random_.below(4) == 0) desk_.release(id);
  }

  void leave_queue() {
    if (waiting_.empty()) return;
    const auto one = pick(waiting_);
    desk_.leave(one->first);
    waiting_.erase(one);
  }

  void begin_content() {
    if (!permits_.empty()) desk_.on_content(pick(permits_)->first, now());
  }

  void reconfigure() {
    config::BackendSettings& backend = settings_.backends[random_.below(3)];
    if (random_.below(2) == 0) backend.base_url = std::to_string(random_.below(3));
    // Never below what is in flight: that would not be an error, but end the test's arithmetic.
    if (backend.max_concurrency != 0) ++backend.max_concurrency;
    if (random_.below(3) == 0)
      std::swap(settings_.backends[0], settings_.backends[1 + random_.below(2)]);
    ids_ = desk_.reconfigure(settings_, now());
  }

  void administrate() {
    const std::string name(1, static_cast<char>('a' + random_.below(3)));
    switch (random_.below(6)) {
      case 0:
        desk_.set_admin_state(name, AdminState::draining);
        break;
      case 1:
        desk_.set_admin_state(name, AdminState::enabled);
        break;
      case 2:
        desk_.queue().pause();
        break;
      case 3:
        desk_.queue().resume();
        break;
      case 4:
        desk_.breaker(name)->trip(now(), false);
        break;
      default:
        for (const TicketEvent& event : desk_.queue().flush(now())) REQUIRE(end_wait(event));
        break;
    }
  }

  bool end_wait(const TicketEvent& event) { return waiting_.erase(event.id) == 1; }

  void pump() {
    const auto events = desk_.pump(now());
    for (const TicketEvent& event : events) {
      const auto ticket = waiting_.find(event.id);
      REQUIRE(ticket != waiting_.end());  // neither twice nor after it had left
      const Waiting one = ticket->second;
      waiting_.erase(ticket);
      switch (event.end) {
        case TicketEnd::granted:
          REQUIRE(one.not_before <= now());
          check_order(event.id, one);
          take(event.id, one.backends.at(event.index));
          break;
        case TicketEnd::expired:
          REQUIRE(one.deadline <= now());
          break;
        case TicketEnd::orphaned:
          for (const BackendId id : one.backends)
            REQUIRE(std::find(ids_.begin(), ids_.end(), id) == ids_.end());
          break;
        default:
          FAIL("unexpected end");
      }
    }
    for (const auto& [id, one] : waiting_) REQUIRE(one.deadline > now());
    // A second one at the same time has nothing to do.
    REQUIRE(desk_.pump(now()).empty());
  }

  // Nobody of the same client who came earlier, could have gone and wants the same is left behind.
  void check_order(TicketId granted, const Waiting& one) {
    for (const auto& [id, other] : waiting_)
      if (id < granted && other.client == one.client && other.not_before <= now())
        REQUIRE(other.backends != one.backends);
  }

  void check() {
    const DeskStatus status = desk_.snapshot(now());
    REQUIRE(status.permits == permits_.size());
    REQUIRE(status.queue.waiting == waiting_.size());
    REQUIRE(status.queue.waiting <= settings_.queue.max_size);
    REQUIRE(status.queue.entered == status.queue.granted + status.queue.expired +
                                        status.queue.cancelled + status.queue.drained +
                                        status.queue.orphaned + status.queue.left +
                                        status.queue.waiting);
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      const BackendStatus& backend = status.backends.at(i);
      REQUIRE(backend.id == ids_[i]);
      REQUIRE(backend.in_flight == in_flight(backend.id));
      std::uint64_t ends = backend.successes + backend.abandoned + backend.in_flight;
      for (const std::uint64_t count : backend.failures) ends += count;
      REQUIRE(backend.attempts == ends);
      // Time alone lets a probe through, whatever became of the earlier ones.
      REQUIRE(desk_.breaker(backend.name)->would_pass(now() + ms(kLongestTimeout)));
    }
    const auto wake = desk_.next_wake(now());
    REQUIRE(wake.has_value() == !waiting_.empty());
    if (wake) REQUIRE(*wake > now());
    if (wake) REQUIRE(*wake <= now() + ms(kMaxWait));
  }

  std::uint32_t limit_of(BackendId backend) const {
    for (std::size_t i = 0; i < ids_.size(); ++i)
      if (ids_[i] == backend) return settings_.backends[i].max_concurrency;
    return 0;
  }

  std::uint32_t in_flight(BackendId backend) const {
    return static_cast<std::uint32_t>(
        std::count_if(permits_.begin(), permits_.end(),
                      [backend](const auto& permit) { return permit.second == backend; }));
  }

  template <class Map>
  typename Map::iterator pick(Map& map) {
    return std::next(map.begin(), static_cast<std::ptrdiff_t>(random_.below(map.size())));
  }

  SeededRandom random_;
  config::Settings settings_;
  Desk desk_;
  std::vector<BackendId> ids_;
  std::int64_t time_ = 0;
  std::map<PermitId, BackendId> permits_;
  std::map<TicketId, Waiting> waiting_;
  std::set<TicketId> known_;
};

}  // namespace

TEST_CASE("desk: any history keeps the limits, loses nobody and gets nobody stuck") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    Player player(seed);
    for (int i = 0; i < 400; ++i) player.step();
    player.close();
  }
}
