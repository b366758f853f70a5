// How a process is replaced by another one: what it lends, takes back and hands over. See process.h
// and upgrade.h.
#include "daemon/process.h"

#include <sys/socket.h>

#include <cerrno>

#include "daemon/error_text.h"

namespace clasp::daemon {

namespace {

// Replaced, how long requests that run may take; the new process serves meanwhile.
constexpr Duration kReplaced{3600 * 1000};

}  // namespace

std::vector<NamedSockets> Process::all_sockets() const {
  std::vector<NamedSockets> all = listeners_.all();
  for (NamedSockets& one : control_->all()) all.push_back(std::move(one));
  return all;
}

void Process::upgrade(const std::string& program, Upgrade::Then then) {
  upgrade_->start({program.empty() ? origins_.program : program, origins_.words, all_sockets()},
                  [this, then = std::move(then)](const UpgradeReport& report) {
                    then(report);
                    reload_if_asked();  // handed over, it is the new one's already
                  });
}

void Process::lend(const Successor& successor) {
  costs_.let_go([line = successor.line()](const std::string& text) {
    const std::string message = "spent " + text;
    if (::send(line->get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
      log_warn("the new process was not told what a request cost: " + describe_errno(errno));
  });
}

void Process::take_back() {
  if (auto taken = costs_.take_back(); !taken) log_error(taken.error().message);
}

void Process::hand_over(Successor& successor) {
  log_info("upgrade: version " + successor.version() + " has taken over, as process " +
           std::to_string(successor.pid()) + "; this one ends with its last request");
  manager_.hand_over(successor.pid());
  manager_.set_silent(true);
  successor.let_go();
  if (std::exchange(reload_asked_, false)) {
    log_info("upgrade: the reload that was asked for meanwhile is left to the new process");
    successor.ask_reload();
  }
  draining_ = replaced_ = true;
  status_timer_.reset();
  watchdog_->stop();
  // All sockets are the new one's as well: what is in their queues now is served by either.
  listeners_.give_away();
  control_->stop_accepting([](const std::string&) { return true; });
  // Whoever watches wants to see what the new one does.
  tails_.end(R"({"replaced_by":)" + std::to_string(successor.pid()) + "}");
  busy_workers_ = workers_.size();
  for (auto& worker : workers_)
    worker->drain({}, true, [this] { mailbox_->send([this] { on_worker_idle(); }); });
  set_drain_deadline(kReplaced);
}

}  // namespace clasp::daemon
