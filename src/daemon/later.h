// Work put off on one loop, owned in one place so that none is left when its owner goes.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>

#include "base/scheduler.h"

namespace clasp::daemon {

class Later {
 public:
  explicit Later(Scheduler& scheduler) : scheduler_(scheduler) {}
  void run(Duration delay, std::function<void()> work) {
    const std::uint64_t id = ++last_;
    timers_[id] = scheduler_.after(delay, [this, id, work = std::move(work)] {
      // What runs may put off more; its timer lives until then.
      const auto own = timers_.extract(id);
      work();
    });
  }

 private:
  Scheduler& scheduler_;
  std::unordered_map<std::uint64_t, TimerHandle> timers_;
  std::uint64_t last_ = 0;
};

}  // namespace clasp::daemon
