// A clock that moves only when told, for tests of everything that waits.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "base/random.h"
#include "base/scheduler.h"

namespace clasp::test {

class FakeScheduler final : public Scheduler {
 public:
  TimePoint now() const override { return now_; }
  std::int64_t unix_seconds() const override {
    return 1'800'000'000 + now_.time_since_epoch().count() / 1'000'000;
  }

  TimerHandle after(Duration delay, std::function<void()> callback) override {
    const std::uint64_t id = ++last_id_;
    timers_.emplace(std::pair(now_ + delay, id), std::move(callback));
    return std::make_unique<Handle>(*this, std::pair(now_ + delay, id));
  }
  void post(std::function<void()> callback) override { posted_.push_back(std::move(callback)); }

  // Runs what was posted, then every timer that falls due on the way, in order.
  void advance(Duration step) {
    const TimePoint until = now_ + step;
    run_posted();
    while (!timers_.empty() && timers_.begin()->first.first <= until) {
      now_ = timers_.begin()->first.first;
      const auto callback = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
      callback();
      run_posted();
    }
    now_ = until;
  }
  void run_posted() {
    while (!posted_.empty()) {
      std::vector<std::function<void()>> batch;
      batch.swap(posted_);
      for (auto& callback : batch) callback();
    }
  }
  std::size_t armed() const { return timers_.size(); }

 private:
  using Key = std::pair<TimePoint, std::uint64_t>;
  class Handle final : public Timer {
   public:
    Handle(FakeScheduler& owner, Key key) : owner_(owner), key_(key) {}
    ~Handle() override { owner_.timers_.erase(key_); }

   private:
    FakeScheduler& owner_;
    Key key_;
  };

  TimePoint now_{std::chrono::seconds(1000)};
  std::uint64_t last_id_ = 0;
  std::map<Key, std::function<void()>> timers_;
  std::vector<std::function<void()>> posted_;
};

// 1, 2, 3, …: ids that are the same in every run.
class CountingRandom final : public Random {
 public:
  std::uint64_t next() override { return ++last_; }

 private:
  std::uint64_t last_ = 0;
};

}  // namespace clasp::test
