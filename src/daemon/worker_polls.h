// Questions of the control API to all workers: each is asked through its mailbox, and answers
// through the main thread's. Who does not answer in time is counted, not waited for.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/scheduler.h"
#include "core/exchange/exchange_info.h"

namespace clasp::daemon {

class Endpoints;
class Mailbox;

// What one worker says, or all of them together.
struct WorkerWord {
  std::vector<exchange::ExchangeInfo> exchanges;
  std::size_t ended = 0, running = 0;
};
using WorkerQuestion = std::function<WorkerWord(Endpoints&)>;
using WorkerAnswer = std::function<void(WorkerWord all, std::size_t silent)>;

class WorkerPolls {
 public:
  // Hands work to each worker, and says to how many.
  using Spread = std::function<std::size_t(const std::function<void(Endpoints&)>&)>;
  // All calls from the main thread, whose mailbox and scheduler these are; both outlive it. Workers
  // do not run any more when it is destroyed.
  WorkerPolls(Scheduler& scheduler, Mailbox& mailbox, Spread spread);

  // `then` is called once, later.
  void ask(WorkerQuestion question, WorkerAnswer then);

 private:
  struct Poll {
    WorkerAnswer then;
    WorkerWord all;
    std::size_t missing = 0;
    TimerHandle limit;
  };
  void on_word(std::uint64_t id, WorkerWord word);
  void conclude(std::uint64_t id);

  Scheduler& scheduler_;
  Mailbox& mailbox_;
  Spread spread_;
  std::unordered_map<std::uint64_t, Poll> polls_;
  std::uint64_t last_ = 0;
};

}  // namespace clasp::daemon
