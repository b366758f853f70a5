// The store of reasoning state for all workers: a lock around the one store. While nothing was
// remembered, which is the usual state with most backends, a look-up takes no lock.
#pragma once

#include <atomic>
#include <mutex>

#include "core/exchange/states.h"

namespace clasp::daemon {

class SharedStates final : public exchange::StatePort {
 public:
  explicit SharedStates(exchange::StateLimits limits) : limits_(limits), states_(limits) {}
  bool enabled() const override { return limits_.enabled(); }
  translate::KeptStatePtr find(std::string_view tenant, std::string_view tool_id,
                               TimePoint now) override {
    if (!any_.load(std::memory_order_acquire)) return nullptr;
    const std::lock_guard lock(mutex_);
    return states_.find(tenant, tool_id, now);
  }
  void keep(std::string_view tenant, const translate::Reply::CallStates& states,
            TimePoint now) override {
    const std::lock_guard lock(mutex_);
    states_.keep(tenant, states, now);
    any_.store(true, std::memory_order_release);
  }

 private:
  const exchange::StateLimits limits_;
  std::atomic<bool> any_{false};
  std::mutex mutex_;
  exchange::States states_;  // guarded by mutex_
};

}  // namespace clasp::daemon
