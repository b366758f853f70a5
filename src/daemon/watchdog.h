// Whether every worker's loop still turns: each is asked through its mailbox and answers through
// the main thread's. Only when all have answered does the service manager hear that all is well, so
// that a daemon with one dead worker is restarted as well.
#pragma once

#include <functional>
#include <vector>

#include "base/scheduler.h"
#include "daemon/mailbox.h"

namespace clasp::daemon {

class Watchdog {
 public:
  // Hands work to worker `index`.
  using Send = std::function<void(std::size_t index, std::function<void()> work)>;
  // Of the main thread, like all calls; outlives this. Workers do not run any more when it is
  // destroyed.
  Watchdog(Scheduler& scheduler, Mailbox& mailbox, std::size_t workers, Send send);

  // From now on `feed` is called once in each `interval` in which all workers answered.
  void start(Duration interval, std::function<void()> feed);
  // `then` is called once, when all workers have answered.
  void when_all_turn(std::function<void()> then);
  void stop();

 private:
  void ask();
  void on_word(std::uint64_t round, std::size_t index);
  void on_time();
  void tell_silent();

  Scheduler& scheduler_;
  Mailbox& mailbox_;
  Send send_;
  std::vector<bool> answered_;
  std::size_t missing_ = 0;
  std::uint64_t round_ = 0;
  bool late_ = false;  // the time was over before all had answered
  Duration interval_{};
  std::function<void()> feed_, then_;
  TimerHandle timer_;
};

}  // namespace clasp::daemon
