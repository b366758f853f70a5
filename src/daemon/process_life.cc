// What a running process does: it tells the service manager, obeys signals, loads again, drains.
// See process.h.
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "config/listen.h"
#include "daemon/error_text.h"
#include "daemon/process.h"

namespace clasp::daemon {

namespace {

// What a power failure may lose of what was spent.
constexpr Duration kSaveCosts{5'000};
constexpr Duration kCertificateCheck{24 * 3600 * 1000};
// How often the status is looked at.
constexpr Duration kStatus{3'000};
// While stopping, how often the service manager hears that it still takes a while.
constexpr Duration kExtend{5'000};

// Replaced, how long requests that run may take; the new process serves meanwhile.
constexpr Duration kReplaced{3600 * 1000};
constexpr Duration kLastAnswer{300};
// The successor may have read either state of the files.
constexpr char kReloadLater[] = "reload: an upgrade is under way; reload when it is over";

}  // namespace

// At the start and after a reload.
void Process::tell_about_listeners(const config::Settings& settings) {
  for (const std::string& text : listeners_.warnings()) log_warn(text);
  for (const config::Listener& listener : listeners_.newly_exposed()) {
    if (settings.auth.enabled ||
        listener.tls.client_certificates == config::ClientCertificates::required)
      continue;
    log_warn("listening on " + config::render_listener(listener) +
             " without authentication: everyone who can reach it can use your backend");
  }
  watch_certificates();
}

void Process::watch_certificates() {
  for (const std::string& text : listeners_.date_warnings()) log_warn(text);
  certificate_check_ = scheduler_->after(kCertificateCheck, [this] { watch_certificates(); });
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

std::string Process::listening_text(const exchange::Catalog& catalog) const {
  return "listening on " + listeners_.render() + ", backend " +
         catalog.backends.front().settings.name;
}

// ---- the service manager ------------------------------------------------------------------------

// The first request of a client would be answered now.
void Process::on_all_turning() {
  if (!origins_.predecessor) return become_service();
  origins_.predecessor->tell_ready(
      base_.get(),
      [this] {
        origins_.predecessor->take_standard_error();
        origins_.open_log();
        log_info(std::string("clasp ") + CLASP_VERSION + " has taken over, as process " +
                 std::to_string(getpid()) + "; the cache and the metrics begin anew");
        manager_.set_silent(false);
        become_service();
      },
      [this](std::string_view line) { costs_.add(line); });
}

void Process::become_service() {
  if (draining_) return;
  ready_ = true;
  keep_sockets();
  manager_.ready(status_text());
  refresh_status();
  if (const auto interval = manager_.watchdog()) {
    manager_.feed_watchdog();
    watchdog_->start(*interval / 2, [this] { manager_.feed_watchdog(); });
  }
}

// What the daemon opened itself outlives a restart in the service manager's hands.
void Process::keep_sockets() {
  std::vector<NamedSockets> all = listeners_.own();
  for (NamedSockets& one : control_->own()) all.push_back(std::move(one));
  manager_.keep(all);
}

std::string Process::status_text() const {
  const std::string running = std::to_string(metrics_.in_flight()) + " in flight";
  if (draining_) return "Draining: " + running;
  std::string out = resting_ ? "Out of service (claspctl undrain ends that): " : "Serving ";
  out += listeners_.render() + " -> ";
  constexpr std::size_t kMostNames = 8;
  const auto& backends = catalog_->backends;
  for (std::size_t i = 0; i < backends.size() && i < kMostNames; ++i)
    out.append(i == 0 ? "" : ", ").append(backends[i].settings.name);
  if (backends.size() > kMostNames)
    out.append(" and ").append(std::to_string(backends.size() - kMostNames)).append(" more");
  return out + "; " + running;
}

void Process::refresh_status() {
  manager_.status(status_text());
  status_timer_ = scheduler_->after(kStatus, [this] { refresh_status(); });
}

// ---- signals and reloads ------------------------------------------------------------------------

void Process::on_signal_thunk(evutil_socket_t number, short, void* self) noexcept {
  static_cast<Process*>(self)->on_signal(static_cast<int>(number));
}

void Process::on_signal(int number) {
  if (number == SIGHUP) return on_hangup();
  if (replaced_) {
    // It had all the time in the world; whoever asks means it.
    replaced_ = false;
    log_info("told to stop: running requests have the usual time for that");
    return set_drain_deadline(drain_time_);
  }
  if (draining_) {
    log_warn("second signal: stopping at once");
    stop_workers();
    return;
  }
  drain(number == SIGTERM ? "SIGTERM" : "SIGINT");
}

// Exchanges that run keep the configuration they began with.
void Process::on_hangup() {
  if (draining_) return;
  if (upgrading()) return log_warn(kReloadLater);
  // It says both "load again" and "your terminal is gone".
  if (on_terminal_ && isatty(STDERR_FILENO) == 0) return drain("the terminal was closed");
  load_again();
}

ReloadReport Process::reload() {
  if (upgrading()) {
    ReloadReport report;
    report.errors.emplace_back(kReloadLater);
    return report;
  }
  load_again();
  return reloader_.report();
}

// Opens what is new as a reload would, and closes it again.
ReloadReport Process::check(std::vector<config::GivenValue>& given) {
  const auto prepare = [this](const config::Settings& settings) -> Result<void> {
    auto prepared = listeners_.prepare(settings);
    if (!prepared) return tl::unexpected(prepared.error());
    return {};
  };
  return reloader_.check(prepare, given);
}

void Process::load_again() {
  if (ready_) manager_.reloading();
  std::optional<ListenerSet::Prepared> listeners;
  const auto prepare = [&](const config::Settings& settings) -> Result<void> {
    auto prepared = listeners_.prepare(settings);
    if (!prepared) return tl::unexpected(prepared.error());
    listeners = std::move(*prepared);
    return {};
  };
  if (const exchange::CatalogPtr catalog = reloader_.reload(scheduler_->now(), prepare)) {
    catalog_ = catalog;
    metrics_.set_catalog(catalog);
    exporter_->configure(catalog->settings->tracing);
    auto changes = listeners_.commit(std::move(*listeners));
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      workers_[i]->set_catalog(catalog);
      workers_[i]->set_listeners(std::move(changes[i]));
    }
    cache_.configure(catalog->settings->cache, scheduler_->now());
    tell_about_listeners(*catalog->settings);
    drain_time_ = Duration{catalog->settings->timeouts.drain_ms};
    if (ready_) keep_sockets();
    metrics_.on_reload(true, scheduler_->unix_seconds());
  } else {
    metrics_.on_reload(false, scheduler_->unix_seconds());
  }
  if (ready_) manager_.ready(status_text());
}

// Not on the workers' way: they only count.
void Process::save_costs() {
  costs_.save();
  costs_timer_ = scheduler_->after(kSaveCosts, [this] { save_costs(); });
}

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

// ---- being replaced -----------------------------------------------------------------------------

std::vector<NamedSockets> Process::all_sockets() const {
  std::vector<NamedSockets> all = listeners_.all();
  for (NamedSockets& one : control_->all()) all.push_back(std::move(one));
  return all;
}

void Process::upgrade(const std::string& program, Upgrade::Then then) {
  upgrade_->start({program.empty() ? origins_.program : program, origins_.words, all_sockets()},
                  std::move(then));
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
  draining_ = replaced_ = true;
  status_timer_.reset();
  watchdog_->stop();
  // All sockets are the new one's as well: what is in their queues now is served by either.
  listeners_.let_go([](const std::string&) { return false; });
  control_->stop_accepting([](const std::string&) { return true; });
  busy_workers_ = workers_.size();
  for (auto& worker : workers_)
    worker->drain({}, true, [this] { mailbox_->send([this] { on_worker_idle(); }); });
  set_drain_deadline(kReplaced);
}

// ---- stopping -----------------------------------------------------------------------------------

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
  if (--busy_workers_ > 0) return;
  if (!replaced_) return stop_workers();
  // Whoever asked for it shall hear of it.
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

}  // namespace clasp::daemon
