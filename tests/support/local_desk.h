// The desk of one loop without threads: what daemon/shared_desk.h is in the program, for tests
// with a fake clock.
#pragma once

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "core/exchange/desk_port.h"

namespace clasp::test {

class LocalDesk final : public exchange::DeskPort {
 public:
  LocalDesk(Scheduler& scheduler, Random& random) : scheduler_(scheduler), random_(random) {}

  Result<policy::Permit, policy::Refusal> try_acquire(std::span<const policy::BackendId> candidates,
                                                      bool repeat) override {
    return desk.try_acquire(candidates, scheduler_.now(), repeat);
  }
  void on_content(policy::PermitId permit) override {
    desk.on_content(permit, scheduler_.now());
    pump();
  }
  void report(policy::PermitId permit, const policy::Outcome& outcome) override {
    desk.report(permit, outcome, scheduler_.now());
  }
  policy::Decision decide(policy::PermitId permit, const policy::Outcome& outcome,
                          policy::Situation situation,
                          std::span<const policy::BackendId> others) override {
    situation.another = desk.has_room(others, permit, scheduler_.now());
    return desk.decide(permit, outcome, situation, random_, scheduler_.now());
  }
  void release(policy::PermitId permit) override {
    desk.release(permit);
    pump();
  }
  Result<policy::TicketId, policy::Refusal> enqueue(policy::TicketSpec spec,
                                                    exchange::TicketListener& listener) override {
    auto ticket = desk.enqueue(std::move(spec), scheduler_.now());
    if (!ticket) return ticket;
    listeners_.emplace(*ticket, &listener);
    pump();
    return ticket;
  }
  void leave(policy::TicketId ticket) override {
    listeners_.erase(ticket);
    desk.leave(ticket);
    pump();
  }
  void drain() { deliver(desk.drain(scheduler_.now())); }

  void pump() {
    deliver(desk.pump(scheduler_.now()));
    timer_.reset();
    const auto wake = desk.next_wake(scheduler_.now());
    if (!wake || listeners_.empty()) return;
    const auto delay = std::chrono::ceil<Duration>(*wake - scheduler_.now());
    timer_ = scheduler_.after(std::max(delay, Duration{1}), [this] { pump(); });
  }

  policy::Desk desk;

 private:
  void deliver(const std::vector<policy::TicketEvent>& events) {
    for (const policy::TicketEvent& event : events) {
      const auto permit = desk.granted(event.id).value_or(policy::Permit{});
      scheduler_.post([this, event, permit] {
        const auto found = listeners_.find(event.id);
        if (found == listeners_.end()) return;
        exchange::TicketListener* listener = found->second;
        listeners_.erase(found);
        listener->on_ticket(event, permit);
      });
    }
  }

  Scheduler& scheduler_;
  Random& random_;
  std::unordered_map<policy::TicketId, exchange::TicketListener*> listeners_;
  TimerHandle timer_;
};

}  // namespace clasp::test
