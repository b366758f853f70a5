// What the workers' media services share: the cache, because a conversation's requests come in on
// any worker, and the number of programs that may run at once.
#pragma once

#include <atomic>
#include <mutex>

#include "core/exchange/media_cache.h"

namespace clasp::daemon {

class SharedMedia {
 public:
  static constexpr std::size_t kCacheBytes = 64u << 20;
  static constexpr int kMostPrograms = 2;

  translate::MediumPtr find(const std::string& key, TimePoint now) {
    const std::lock_guard lock(mutex_);
    return cache_.find(key, now);
  }
  void put(const std::string& key, translate::MediumPtr medium, TimePoint now) {
    const std::lock_guard lock(mutex_);
    cache_.put(key, std::move(medium), now);
  }
  // A place for one more program; given back when it has ended.
  bool take_place() {
    if (running_.fetch_add(1) < kMostPrograms) return true;
    running_.fetch_sub(1);
    return false;
  }
  void give_place() { running_.fetch_sub(1); }
  int running() const { return running_.load(); }

 private:
  std::mutex mutex_;
  exchange::MediaCache cache_{kCacheBytes};  // guarded by mutex_
  std::atomic<int> running_{0};
};

}  // namespace clasp::daemon
