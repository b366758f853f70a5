// How a process comes out of service and ends: with time for what runs, by hand or for good. See
// process.h.
#include "daemon/process.h"

namespace clasp::daemon {

namespace {

// While stopping, how often the service manager hears that it still takes a while.
constexpr Duration kExtend{5'000};
// Of a process that was replaced: whoever asked for that shall hear of it.
constexpr Duration kLastAnswer{300};

}  // namespace

void Process::drain(const std::string& signal) {
  draining_ = true;
  upgrade_->cancel("this process was told to stop");
  log_info(signal +
           ": no new connections; waiting for running requests, a second signal stops at once");
  manager_.stopping(status_text());
  extend_stop();
  if (ready_) refresh_status();
  busy_workers_ = workers_.size();
  // Who waits for a backend is told first: nobody is left waiting at the deadline.
  desk_.drain(scheduler_->now());
  const auto left =
      listeners_.let_go([this](const std::string& name) { return manager_.keeps(name); });
  for (auto& worker : workers_)
    worker->drain(left, false, [this] { mailbox_->send([this] { on_worker_idle(); }); });
  set_drain_deadline(drain_time_);
}

void Process::set_drain_deadline(Duration time) {
  drain_deadline_ = scheduler_->after(time, [this] {
    log_warn("the drain deadline has passed: running requests are ended");
    stop_workers();
  });
}

// The end may take as long as timeouts.drain says, whatever the unit says of stops.
void Process::extend_stop() {
  manager_.extend_timeout(3 * kExtend);
  extension_ = scheduler_->after(kExtend, [this] { extend_stop(); });
}

// The control API's drain: a load balancer must still be able to ask, and it can be taken back, so
// listeners stay open.
void Process::set_resting(bool resting) {
  if (resting_ == resting) return;
  resting_ = resting;
  rest_deadline_.reset();
  if (resting) upgrade_->cancel("the daemon was drained meanwhile");
  for (auto& worker : workers_)
    worker->ask([resting](Endpoints& endpoints) { endpoints.set_resting(resting); });
  manager_.status(status_text());
  if (!resting) return log_info("back in service");
  log_info("out of service: no new messages; running ones are finished");
  rest_end_ = scheduler_->now() + drain_time_;
  rest_deadline_ = scheduler_->after(drain_time_, [this] {
    rest_deadline_.reset();
    log_warn("the drain deadline has passed: running requests are ended");
    for (auto& worker : workers_)
      worker->ask([](Endpoints& endpoints) { endpoints.end_exchanges(); });
  });
}

std::optional<Duration> Process::rest_left() const {
  if (!rest_deadline_) return std::nullopt;
  return std::max(Duration{0}, std::chrono::duration_cast<Duration>(rest_end_ - scheduler_->now()));
}

void Process::on_worker_idle() {
  if (--busy_workers_ == 0) end_when_alone();
}

// What the process before this one still spends is told to this one, and nobody else.
void Process::end_when_alone() {
  if (origins_.predecessor && origins_.predecessor->runs())
    return origins_.predecessor->when_gone([this] { end_when_alone(); });
  if (!replaced_) return stop_workers();
  drain_deadline_ = scheduler_->after(kLastAnswer, [this] { stop_workers(); });
}

void Process::stop_workers() {
  if (std::exchange(stopped_, true)) return;
  tails_.end();
  control_->stop_accepting([this](const std::string& name) { return manager_.keeps(name); });
  drain_deadline_.reset();
  extension_.reset();
  status_timer_.reset();
  watchdog_->stop();
  for (auto& worker : workers_) worker->stop();
  event_base_loopbreak(base_.get());
}

// No request runs any more; what is known of the last ones goes out.
void Process::flush_spans() {
  bool flushed = false;
  exporter_->flush([this, &flushed] {
    flushed = true;
    event_base_loopbreak(base_.get());
  });
  if (!flushed) event_base_loop(base_.get(), EVLOOP_NO_EXIT_ON_EMPTY);
}

}  // namespace clasp::daemon
