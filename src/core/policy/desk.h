// The desk where every request asks for a backend: concurrency limits, breakers, retry budgets,
// keys, health and the waiting queue of all backends in one object, shared by all workers. It
// knows no thread and no clock: the owner holds a lock around each call and passes the time.
//
// The way of a request: try_acquire(candidates) → permit, or a refusal with a reason. With a
// permit: send, on_content() when the answer's content begins, report() how it ended, then
// release(). After a failure decide() says what follows. A refused request may enqueue() and is
// granted by a pump(): the permit then has the ticket's id. Whoever changes something (release,
// report, an administrator's command) pumps afterwards and arms one timer for next_wake().
//
// release() and leave() are the same deed for both lives of an id, may come twice and in any
// order, and are harmless for what is long gone: so a request that dies between a grant and the
// news of it needs to know nothing but its id.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/scheduler.h"
#include "config/settings.h"
#include "core/policy/breaker.h"
#include "core/policy/desk_status.h"
#include "core/policy/health.h"
#include "core/policy/key_ring.h"
#include "core/policy/outcome.h"
#include "core/policy/retry.h"
#include "core/policy/wait_queue.h"

namespace clasp::policy {

using PermitId = TicketId;

struct Permit {
  PermitId id = 0;
  std::size_t index = 0;  // of the backend in the list that was asked for
  std::size_t key = 0;    // position of the key to use: 0 is api_key, then more_keys
};

enum class RefusalReason {
  saturated,   // every candidate has as many requests as it may, or others wait for it
  open,        // every breaker is open
  disabled,    // every one was taken out of service by hand, or is not configured any more
  mixed,       // none of them, for different reasons
  queue_full,  // enqueue() only
  queue_off,   // enqueue() only: not enabled
  draining,    // enqueue() only: the daemon is stopping
};
std::string_view refusal_name(RefusalReason reason);

struct Refusal {
  RefusalReason reason = RefusalReason::saturated;
  Duration retry_after{0};  // whole seconds, 1..60 s: when it is worth coming back
};

class Desk final : private QueueGate {
 public:
  Desk() = default;

  // Takes over new settings. A backend that is the same (name, provider, address, keys) keeps its
  // id and its state; others get new ids; removed ones are forgotten, their permits in flight may
  // still be reported and released. Returns the ids in the order of settings.backends.
  std::vector<BackendId> reconfigure(const config::Settings& settings, TimePoint now);

  // The first candidate that takes the request now. Newcomers do not overtake tickets. `repeat`:
  // decide() said `again`, so this earns no further repetition.
  Result<Permit, Refusal> try_acquire(std::span<const BackendId> candidates, TimePoint now,
                                      bool repeat = false);
  // Whether try_acquire() would succeed once `mine` is given back.
  bool has_room(std::span<const BackendId> candidates, PermitId mine, TimePoint now) const;
  // The answer's content has begun (once, optional): a half-open breaker may let the next one
  // through, and the time until here is averaged.
  void on_content(PermitId permit, TimePoint now);
  // How the attempt ended; once per permit, later ones are ignored.
  void report(PermitId permit, const Outcome& outcome, TimePoint now);
  // What follows; after report(), before release(). `situation.another_key` is filled in here.
  Decision decide(PermitId permit, const Outcome& outcome, Situation situation, Random& random,
                  TimePoint now);
  // Gives the place back. Without a report() it counts as abandoned.
  void release(PermitId permit);

  Result<TicketId, Refusal> enqueue(TicketSpec spec, TimePoint now);
  // The request is gone: out of the queue, or gives back what it was granted.
  void leave(TicketId ticket);
  // The permit that a ticket was granted. Nothing when it has none.
  std::optional<Permit> granted(TicketId ticket) const;
  std::vector<TicketEvent> pump(TimePoint now) { return queue_.pump(at(now), now); }
  std::optional<TimePoint> next_wake(TimePoint now) { return queue_.next_wake(at(now), now); }
  // Everybody who waits is told, nobody may enqueue any more.
  std::vector<TicketEvent> drain(TimePoint now) { return queue_.drain(now); }

  // Result of an active probe of a backend.
  void on_probe(BackendId backend, const Outcome& outcome, TimePoint now);

  DeskStatus snapshot(TimePoint now);

  // For the control API. False, nullptr: no such backend, by name.
  bool set_admin_state(std::string_view backend, AdminState state);
  Breaker* breaker(std::string_view backend);
  KeyRing* keys(std::string_view backend);
  WaitQueue& queue() { return queue_; }
  // Nothing of this backend is in flight.
  bool is_idle(std::string_view backend) const;

 private:
  struct Slot {
    BackendId id = 0;
    std::string name, provider, base_url;
    std::uint64_t keys_hash = 0;
    std::uint32_t max_concurrency = 0;
    AdminState admin = AdminState::enabled;
    std::uint32_t in_flight = 0;
    Breaker breaker;
    RetryBudget budget;
    KeyRing keys;
    Health health;
    BackendStatus counts;  // only its counters and averages
  };
  struct Held {
    BackendId backend = 0;
    std::size_t index = 0;
    std::size_t key = 0;
    Breaker::Pass pass;
    TimePoint since{};
    bool reported = false;
    bool content = false;
  };

  QueueGate& at(TimePoint now);
  Slot* find(BackendId id);
  const Slot* find(BackendId id) const;
  Slot* find(std::string_view name);
  std::optional<RefusalReason> obstacle(const Slot* slot, TimePoint now) const;
  std::size_t take(Slot& slot, PermitId id, std::size_t index, TimePoint now);
  std::optional<Duration> time_until_free(const Slot& slot, TimePoint now) const;
  Duration wait_hint(std::span<const BackendId> candidates, TimePoint now) const;
  BackendStatus status_of(Slot& slot, TimePoint now) const;

  std::optional<std::size_t> try_grant(TicketId id,
                                       const std::vector<BackendId>& backends) override;
  bool exists(BackendId backend) const override { return find(backend) != nullptr; }
  std::optional<TimePoint> next_change(BackendId backend) const override;

  std::vector<Slot> slots_;  // in the order of the settings
  std::unordered_map<BackendId, std::size_t> by_id_;
  std::unordered_map<PermitId, Held> held_;
  WaitQueue queue_;
  config::RetrySettings retry_;
  config::KeySettings key_settings_;
  BackendId last_backend_ = 0;
  TicketId last_id_ = 0;
  TimePoint now_{};  // of the pump that runs
};

}  // namespace clasp::policy
