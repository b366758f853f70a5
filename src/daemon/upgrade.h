// The daemon is replaced by the program that is installed now, while it serves: a successor is
// started, and this process either hands everything over to it or goes on as if nothing had been.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "daemon/successor.h"

namespace clasp::daemon {

struct UpgradeReport {
  bool done = false;
  std::string reason, last_words;  // of a failure; what the new program said last, in lines
  std::string version;             // the new one's, as far as it is known
  pid_t pid = 0;
};

class Upgrade final : private Successor::Owner {
 public:
  // What the process does when it comes to it.
  class Deeds {
   public:
    virtual ~Deeds() = default;
    // Gives up what only one process can have, and takes it again.
    virtual void lend(const Successor& successor) = 0;
    virtual void take_back() = 0;
    virtual void hand_over(Successor& successor) = 0;
  };
  // All outlive it.
  Upgrade(event_base* base, Scheduler& scheduler, Deeds& deeds)
      : base_(base), scheduler_(scheduler), deeds_(deeds) {}

  bool running() const { return then_ != nullptr; }
  // `then` is called once, later or at once.
  using Then = std::function<void(const UpgradeReport&)>;
  void start(const SuccessorPlan& plan, Then then);
  void cancel(const std::string& reason);

 private:
  void on_successor_prepared() override;
  void on_successor_ready() override;
  void on_successor_failed(const std::string& reason) override;
  void conclude(const UpgradeReport& report);

  event_base* base_;
  Scheduler& scheduler_;
  Deeds& deeds_;
  std::unique_ptr<Successor> successor_;
  bool lent_ = false;
  Then then_;
};

}  // namespace clasp::daemon
