// The response cache of one loop without threads: what daemon/shared_cache.h is in the program, for
// tests with a fake clock.
#pragma once

#include <unordered_map>

#include "core/exchange/cache_port.h"

namespace clasp::test {

class LocalCache final : public exchange::CachePort {
 public:
  explicit LocalCache(Scheduler& scheduler) : scheduler_(scheduler) {}

  void configure(const config::CacheSettings& settings) {
    policy::CacheDesk::Dropped dropped;
    desk.configure(settings, scheduler_.now(), dropped);
  }
  policy::CacheReply ask(const policy::CacheKey& key, bool coalesce,
                         exchange::SeatListener& listener) override {
    policy::CacheDesk::Dropped dropped;
    const auto reply = desk.ask(key, coalesce, 1, scheduler_.now(), dropped);
    if (reply.seat != 0 && !reply.leads) listeners_.emplace(reply.seat, &listener);
    return reply;
  }
  void land(policy::SeatId seat, const policy::CacheKey& key, policy::CachedAnswerPtr answer,
            bool keep) override {
    policy::CacheDesk::Dropped dropped;
    deliver(desk.land(seat, key, answer, keep, scheduler_.now(), dropped), answer);
  }
  void leave(policy::SeatId seat, bool failed) override {
    listeners_.erase(seat);
    deliver(desk.leave(seat, failed), nullptr);
  }

  policy::CacheDesk desk;

 private:
  void deliver(const std::vector<policy::SeatNews>& news, const policy::CachedAnswerPtr& answer) {
    for (const policy::SeatNews& one : news)
      scheduler_.post([this, one, answer] {
        const auto found = listeners_.find(one.seat);
        if (found == listeners_.end()) return;
        exchange::SeatListener* listener = found->second;
        listeners_.erase(found);
        listener->on_seat(one.what, one.what == policy::SeatNews::What::answer ? answer : nullptr);
      });
  }

  Scheduler& scheduler_;
  std::unordered_map<policy::SeatId, exchange::SeatListener*> listeners_;
};

}  // namespace clasp::test
