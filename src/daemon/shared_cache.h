// The one response cache of all workers: a lock around core/policy/cache_desk.h, and a port per
// worker that brings news of other requests' answers to the worker's own loop. Answers are shared,
// never copied, and given back outside of the lock.
#pragma once

#include <mutex>
#include <unordered_map>

#include "core/exchange/cache_port.h"
#include "daemon/mailbox.h"

namespace clasp::daemon {

class WorkerCache;

class SharedCache {
 public:
  void configure(const config::CacheSettings& settings, TimePoint now);
  // Answers of models whose name matches (empty: all); how many there were.
  std::size_t flush(std::string_view pattern);
  policy::CacheStats stats();

 private:
  friend class WorkerCache;
  std::uint64_t add(WorkerCache& worker);
  void remove(std::uint64_t owner);
  // With the lock held.
  void deliver(const std::vector<policy::SeatNews>& news, const policy::CachedAnswerPtr& answer);

  std::mutex mutex_;
  policy::CacheDesk desk_;                                   // guarded by mutex_
  std::unordered_map<std::uint64_t, WorkerCache*> workers_;  // guarded by mutex_
  std::uint64_t last_owner_ = 0;                             // guarded by mutex_
};

// All calls from the worker's own loop. Destroy it before its mailbox and scheduler.
class WorkerCache final : public exchange::CachePort {
 public:
  WorkerCache(SharedCache& shared, Mailbox& mailbox, Scheduler& scheduler);
  ~WorkerCache() override;

  policy::CacheReply ask(const policy::CacheKey& key, bool coalesce,
                         exchange::SeatListener& listener) override;
  void land(policy::SeatId seat, const policy::CacheKey& key, policy::CachedAnswerPtr answer,
            bool keep) override;
  void leave(policy::SeatId seat, bool failed) override;

 private:
  friend class SharedCache;
  void on_news(const policy::SeatNews& news, const policy::CachedAnswerPtr& answer);

  SharedCache& shared_;
  Mailbox& mailbox_;
  Scheduler& scheduler_;
  std::uint64_t owner_;
  std::unordered_map<policy::SeatId, exchange::SeatListener*> listeners_;
};

}  // namespace clasp::daemon
