// Lessons for all workers: a lock around the one store. While nothing was learned, which is the
// usual state, a look-up takes no lock.
#pragma once

#include <atomic>
#include <mutex>

#include "core/exchange/lessons.h"

namespace clasp::daemon {

class SharedLessons final : public exchange::LessonPort {
 public:
  exchange::AdaptedPtr find(const std::string& backend, const std::string& model,
                            TimePoint now) override {
    if (!any_.load(std::memory_order_acquire)) return nullptr;
    const std::lock_guard lock(mutex_);
    return lessons_.find(backend, model, now);
  }
  void learn(const std::string& backend, const std::string& model, exchange::AdaptedPtr adapted,
             TimePoint now) override {
    const std::lock_guard lock(mutex_);
    lessons_.learn(backend, model, std::move(adapted), now);
    any_.store(true, std::memory_order_release);
  }

 private:
  std::atomic<bool> any_{false};
  std::mutex mutex_;
  exchange::Lessons lessons_;  // guarded by mutex_
};

}  // namespace clasp::daemon
