// The one desk of all workers: a lock around core/policy/desk.h, and a port per worker that brings
// news of the queue to the worker's own loop.
#pragma once

#include <mutex>
#include <unordered_map>

#include "core/exchange/desk_port.h"
#include "daemon/mailbox.h"

namespace clasp::daemon {

class WorkerDesk;

class SharedDesk {
 public:
  // The ids are those of settings.backends, in order. Call pump() when requests may be waiting.
  std::vector<policy::BackendId> reconfigure(const config::Settings& settings, TimePoint now);
  policy::DeskStatus snapshot(TimePoint now);
  void on_probe(policy::BackendId backend, const policy::Outcome& outcome, TimePoint now);
  // Everybody who waits is told, and nobody may wait any more.
  void drain(TimePoint now);
  void pump(TimePoint now);

  // By hand, for the control API. False: there is no backend, no ticket of that name.
  bool set_admin_state(std::string_view backend, policy::AdminState state, TimePoint now);
  bool trip_breaker(std::string_view backend, TimePoint now);
  bool reset_breaker(std::string_view backend, TimePoint now);
  // At most `most`, in the order in which they would be looked at.
  std::vector<policy::TicketInfo> tickets(TimePoint now, std::size_t most);
  bool cancel_ticket(policy::TicketId ticket, TimePoint now);
  std::size_t flush_queue(TimePoint now);  // how many were told
  void pause_queue(bool paused, TimePoint now);

 private:
  friend class WorkerDesk;
  std::uint64_t add(WorkerDesk& worker);
  void remove(std::uint64_t owner);
  // With the lock held: hands the events to the workers that wait for them.
  void deliver(const std::vector<policy::TicketEvent>& events);

  std::mutex mutex_;
  policy::Desk desk_;                                       // guarded by mutex_
  std::unordered_map<std::uint64_t, WorkerDesk*> workers_;  // guarded by mutex_
  std::uint64_t last_owner_ = 0;                            // guarded by mutex_
};

// All calls from the worker's own loop. Destroy it before its mailbox and scheduler.
class WorkerDesk final : public exchange::DeskPort {
 public:
  WorkerDesk(SharedDesk& shared, Mailbox& mailbox, Scheduler& scheduler, Random& random);
  ~WorkerDesk() override;

  Result<policy::Permit, policy::Refusal> try_acquire(std::span<const policy::BackendId> candidates,
                                                      bool repeat) override;
  void on_content(policy::PermitId permit) override;
  void report(policy::PermitId permit, const policy::Outcome& outcome) override;
  policy::Decision decide(policy::PermitId permit, const policy::Outcome& outcome,
                          policy::Situation situation,
                          std::span<const policy::BackendId> others) override;
  void release(policy::PermitId permit) override;
  Result<policy::TicketId, policy::Refusal> enqueue(policy::TicketSpec spec,
                                                    exchange::TicketListener& listener) override;
  void leave(policy::TicketId ticket) override;

 private:
  friend class SharedDesk;
  struct News {
    policy::TicketEvent event;
    policy::Permit permit;
  };

  void on_news(const std::vector<News>& news);
  void arm(std::optional<TimePoint> wake);
  void on_timer();

  SharedDesk& shared_;
  Mailbox& mailbox_;
  Scheduler& scheduler_;
  Random& random_;
  std::uint64_t owner_;
  std::unordered_map<policy::TicketId, exchange::TicketListener*> listeners_;
  TimerHandle timer_;
};

}  // namespace clasp::daemon
