// Requests that wait until a backend has room for them. Bounded; first come first served within
// one client, the clients in turn, so that one busy client does not keep the others out. Knows no
// clock: whoever owns it pumps when something got free and at next_wake().
//
// A ticket that cannot go now (its backends are full or out of service, or its not_before has not
// come) does not hold up those behind it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/scheduler.h"
#include "config/settings.h"

namespace clasp::policy {

// A backend's number at the desk: the same as long as the backend is the same, never reused.
using BackendId = std::uint32_t;
// Names a waiting request, and later the permit that it got. Never reused; 0 is none.
using TicketId = std::uint64_t;

struct TicketSpec {
  std::vector<BackendId> backends;  // acceptable ones, best first; never empty
  std::string client;               // whose turn it counts against; no secret
  std::uint64_t owner = 0;          // comes back in the event, for example the worker's number
  std::uint32_t returns = 0;        // how often this request has waited before
  TimePoint arrived{};              // of the request; the deadline is max_wait after it
  TimePoint not_before{};           // a pause before the next try
};

enum class TicketEnd {
  granted,    // its permit has the ticket's id
  expired,    // the deadline has passed
  cancelled,  // by hand
  drained,    // the daemon takes no more requests
  orphaned,   // none of its backends is configured any more
};

struct TicketEvent {
  TicketId id = 0;
  std::uint64_t owner = 0;
  TicketEnd end = TicketEnd::granted;
  std::size_t index = 0;  // granted: of the backend in TicketSpec::backends
  Duration waited{0};     // this time in the queue
};

// One waiting request, for lists.
struct TicketInfo {
  TicketId id = 0;
  std::string client;
  std::vector<BackendId> backends;
  std::uint32_t returns = 0;
  Duration waited{0};
  Duration left{0};  // until its deadline
};

struct QueueStatus {
  bool enabled = false;
  bool paused = false;
  bool draining = false;
  std::size_t waiting = 0;
  std::size_t clients = 0;  // that have requests waiting
  std::size_t max_size = 0;
  Duration longest_now{0};   // of those that wait
  Duration longest_ever{0};  // of those that were granted or expired
  Duration typical{0};       // moving average of the granted
  std::uint64_t entered =
      0;  // = granted + expired + cancelled + drained + orphaned + left + waiting
  std::uint64_t granted = 0;
  std::uint64_t expired = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t drained = 0;
  std::uint64_t orphaned = 0;
  std::uint64_t left = 0;      // the client went away
  std::uint64_t rejected = 0;  // the queue was full (or draining)
};

// What the queue asks of the backends.
class QueueGate {
 public:
  virtual ~QueueGate() = default;
  // Takes a place at the first of `backends` that lets a request through and books it under
  // `id`. Returns its index.
  virtual std::optional<std::size_t> try_grant(TicketId id,
                                               const std::vector<BackendId>& backends) = 0;
  virtual bool exists(BackendId backend) const = 0;
  // When the backend may let one through by time alone.
  virtual std::optional<TimePoint> next_change(BackendId backend) const = 0;
};

class WaitQueue {
 public:
  explicit WaitQueue(const config::QueueSettings& settings = {}) : settings_(settings) {}
  // Those that wait keep their deadlines and stay, also when the new bound is smaller.
  void configure(const config::QueueSettings& settings) { settings_ = settings; }
  const config::QueueSettings& settings() const { return settings_; }

  bool is_draining() const { return draining_; }
  bool accepts() const;  // enabled, not draining, not full
  // False: refused (and counted). `id` must be new.
  bool enter(TicketId id, TicketSpec spec, TimePoint now);
  // The client went away. False: not waiting.
  bool leave(TicketId id);

  // Grants all that can go, then ends those whose deadline has come. O(waiting).
  std::vector<TicketEvent> pump(QueueGate& gate, TimePoint now);
  // When pump() may have something to do by time alone. O(waiting).
  std::optional<TimePoint> next_wake(const QueueGate& gate, TimePoint now) const;

  // A ready ticket waits for this backend: newcomers must not overtake it. O(waiting).
  bool has_ready(BackendId backend, TimePoint now) const;
  std::size_t waiting_for(BackendId backend) const;
  std::size_t size() const { return tickets_.size(); }
  bool empty() const { return tickets_.empty(); }

  // By hand. While paused nothing is granted; deadlines hold.
  void pause() { paused_ = true; }
  void resume() { paused_ = false; }
  std::optional<TicketEvent> cancel(TicketId id, TimePoint now);
  std::vector<TicketEvent> flush(TimePoint now);  // cancels all
  // From now on nobody may enter; everybody is told.
  std::vector<TicketEvent> drain(TimePoint now);

  // At most `most`, in the order in which they would be looked at.
  std::vector<TicketInfo> list(TimePoint now, std::size_t most) const;
  QueueStatus status(TimePoint now) const;
  // Moving average of the waits of granted tickets; nothing when none was granted yet.
  std::optional<Duration> typical_wait() const;

 private:
  struct Ticket {
    TicketId id;
    TicketSpec spec;
    TimePoint entered;
    TimePoint deadline;
  };
  struct Line {
    std::string client;
    std::list<Ticket> tickets;
  };
  using LineAt = std::list<Line>::iterator;
  using TicketAt = std::list<Ticket>::iterator;
  struct Place {
    LineAt line;
    TicketAt ticket;
  };
  // One line's part in a pump: tickets before `at` cannot go any more this time.
  struct Visit {
    LineAt line;
    TicketAt at;
  };

  void grant_all(QueueGate& gate, TimePoint now, std::vector<TicketEvent>& events);
  bool grant_one(QueueGate& gate, TimePoint now, Visit& visit, std::vector<TicketEvent>& events);
  void end_expired(const QueueGate& gate, TimePoint now, std::vector<TicketEvent>& events);
  TicketEvent end(Place place, TicketEnd how, TimePoint now);
  void erase(Place place);
  std::vector<TicketEvent> end_all(TicketEnd how, TimePoint now);

  config::QueueSettings settings_;
  std::list<Line> lines_;  // whose turn is next stands first; none is empty
  std::unordered_map<std::string, LineAt> by_client_;
  std::unordered_map<TicketId, Place> tickets_;
  std::unordered_map<BackendId, std::size_t> waiting_for_;
  bool paused_ = false;
  bool draining_ = false;
  QueueStatus counts_;
};

}  // namespace clasp::policy
