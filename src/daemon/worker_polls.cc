// See worker_polls.h.
#include "daemon/worker_polls.h"

#include <iterator>
#include <utility>

#include "daemon/mailbox.h"

namespace clasp::daemon {

namespace {
constexpr Duration kPatience{2000};
}  // namespace

WorkerPolls::WorkerPolls(Scheduler& scheduler, Mailbox& mailbox, Spread spread)
    : scheduler_(scheduler), mailbox_(mailbox), spread_(std::move(spread)) {}

void WorkerPolls::ask(WorkerQuestion question, WorkerAnswer then) {
  const std::uint64_t id = ++last_;
  Poll& poll = polls_[id];
  poll.then = std::move(then);
  poll.missing = spread_([this, id, question = std::move(question)](Endpoints& endpoints) {
    // std::function wants to be copied; what a worker says need not be.
    auto word = std::make_shared<WorkerWord>(question(endpoints));
    mailbox_.send([this, id, word] { on_word(id, std::move(*word)); });
  });
  poll.limit = scheduler_.after(kPatience, [this, id] { conclude(id); });
}

void WorkerPolls::on_word(std::uint64_t id, WorkerWord word) {
  const auto found = polls_.find(id);
  if (found == polls_.end()) return;
  Poll& poll = found->second;
  poll.all.ended += word.ended;
  poll.all.running += word.running;
  poll.all.exchanges.insert(poll.all.exchanges.end(),
                            std::make_move_iterator(word.exchanges.begin()),
                            std::make_move_iterator(word.exchanges.end()));
  if (--poll.missing == 0) conclude(id);
}

void WorkerPolls::conclude(std::uint64_t id) {
  auto poll = polls_.extract(id);
  if (poll.empty()) return;
  poll.mapped().then(std::move(poll.mapped().all), poll.mapped().missing);
}

}  // namespace clasp::daemon
