// What a running process does: it tells the service manager, obeys signals, loads again. See
// process.h; how it is replaced is in process_upgrade.cc, how it stops in process_stop.cc.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "config/listen.h"
#include "daemon/process.h"

namespace clasp::daemon {

namespace {

// What a power failure may lose of what was spent.
constexpr Duration kSaveCosts{5'000};
constexpr Duration kCertificateCheck{24 * 3600 * 1000};
// How often the status is looked at.
constexpr Duration kStatus{3'000};

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

std::string Process::listening_text(const exchange::Catalog& catalog) const {
  return "listening on " + listeners_.render() + ", backend " +
         catalog.backends.front().settings.name;
}

// ---- the service manager ------------------------------------------------------------------------

// The first request of a client would be answered now.
void Process::on_all_turning() {
  if (!origins_.predecessor) return become_service();
  Predecessor::Ears ears;
  ears.on_yours = [this] {
    origins_.predecessor->take_standard_error();
    origins_.open_log();
    log_info(std::string("clasp ") + CLASP_VERSION + " has taken over, as process " +
             std::to_string(getpid()) + "; the cache and the metrics begin anew");
    manager_.set_silent(false);
    become_service();
  };
  ears.on_spent = [this](std::string_view line) { costs_.add(line); };
  ears.on_reload = [this] { on_hangup(); };
  origins_.predecessor->tell_ready(base_.get(), std::move(ears));
}

void Process::become_service() {
  for (const PassedSocket& one : std::exchange(left_, {})) remove_socket_file(one.name, one.place);
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

// Their files stay until this process is the service: the one before it may have to go on.
void Process::note_left_sockets() {
  std::vector<NamedSockets> used = listeners_.own();
  for (NamedSockets& one : control_->own()) used.push_back(std::move(one));
  for (PassedSocket& one : origins_.passed.own)
    if (std::none_of(used.begin(), used.end(),
                     [&one](const NamedSockets& other) { return other.name == one.name; }))
      left_.push_back(std::move(one));
  origins_.passed = {};
  for (PassedSocket& one : left_) one.fd.reset();
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
    for (auto& worker : workers_) worker->hurry();
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
  // It says both "load again" and "your terminal is gone".
  if (on_terminal_ && isatty(STDERR_FILENO) == 0) return drain("the terminal was closed");
  if (!upgrading()) return load_again();
  // The successor may have read either state of the files.
  reload_asked_ = true;
  log_info("reload: an upgrade is under way; the configuration is loaded again when it is over");
}

void Process::reload_if_asked() {
  if (draining_ || upgrading() || !std::exchange(reload_asked_, false)) return;
  log_info("the upgrade is over: now the reload that was asked for meanwhile");
  load_again();
}

ReloadReport Process::reload() {
  if (upgrading()) {
    ReloadReport report;
    report.errors.emplace_back("reload: an upgrade is under way; reload when it is over");
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

}  // namespace clasp::daemon
