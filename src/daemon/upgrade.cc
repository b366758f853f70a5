// See upgrade.h.
#include "daemon/upgrade.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "daemon/error_text.h"

namespace clasp::daemon {

void Upgrade::start(const SuccessorPlan& plan, Then then) {
  then_ = std::move(then);
  lent_ = false;
  UpgradeReport report;
  if (access(plan.program.c_str(), X_OK) != 0) {
    report.reason = plan.program + ": " + describe_errno(errno);
    return conclude(report);
  }
  auto started = Successor::start(base_, scheduler_, plan, *this);
  if (!started) {
    report.reason = started.error().message;
    return conclude(report);
  }
  successor_ = std::move(*started);
  log_info("upgrade: " + plan.program + " was started as process " +
           std::to_string(successor_->pid()));
}

void Upgrade::on_successor_prepared() {
  if (std::exchange(lent_, true)) return;
  deeds_.lend(*successor_);
  successor_->go();
}

void Upgrade::on_successor_ready() {
  if (!lent_ || !then_) return;
  deeds_.hand_over(*successor_);
  UpgradeReport report;
  report.done = true;
  report.version = successor_->version();
  report.pid = successor_->pid();
  conclude(report);
}

void Upgrade::on_successor_failed(const std::string& reason) {
  UpgradeReport report;
  report.reason = reason;
  report.version = successor_->version();
  report.last_words = successor_->last_words();
  successor_.reset();
  if (std::exchange(lent_, false)) deeds_.take_back();
  conclude(report);
}

void Upgrade::cancel(const std::string& reason) {
  if (!running()) return;
  successor_.reset();
  if (std::exchange(lent_, false)) deeds_.take_back();
  UpgradeReport report;
  report.reason = reason;
  conclude(report);
}

void Upgrade::conclude(const UpgradeReport& report) {
  if (!report.done) log_error("upgrade: " + report.reason + "; this process goes on");
  // The answer may ask for the next one.
  std::exchange(then_, nullptr)(report);
}

}  // namespace clasp::daemon
