// See process.h.
#include "daemon/process.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <thread>

#include "config/listen.h"
#include "daemon/backend_options.h"
#include "daemon/service.h"

namespace clasp::daemon {

namespace {

constexpr unsigned kMostWorkers = 256;
// What a power failure may lose of what was spent.
constexpr Duration kSaveCosts{5'000};
constexpr Duration kCertificateCheck{24 * 3600 * 1000};

unsigned worker_count(const config::Settings& settings) {
  if (settings.workers > 0) return std::min(settings.workers, kMostWorkers);
  return std::max(1u, std::min(std::thread::hardware_concurrency(), kMostWorkers));
}

HttpLimits make_http_limits(const config::Settings& settings, unsigned workers) {
  HttpLimits limits;
  limits.body_bytes = settings.limits.body_bytes;
  limits.connections = std::max<std::size_t>(1, settings.limits.connections / workers);
  limits.header_timeout = Duration{settings.timeouts.client_header_ms};
  limits.body_timeout = Duration{settings.timeouts.client_body_ms};
  limits.idle_timeout = Duration{settings.timeouts.client_idle_ms};
  limits.write_timeout = Duration{settings.timeouts.client_write_ms};
  return limits;
}

}  // namespace

Process::Process(const config::Settings& settings, SharedDesk& desk, SharedLimits& limits,
                 SharedCosts& costs, Reloader& reloader, AccessLog& access_log)
    : settings_(settings),
      drain_time_(settings.timeouts.drain_ms),
      desk_(desk),
      limits_(limits),
      costs_(costs),
      reloader_(reloader),
      access_log_(access_log),
      metrics_(desk, limits_, CLASP_VERSION),
      metrics_service_([this](TimePoint now) { return metrics_.render_text(now); }),
      states_(
          {settings.limits.reasoning_state_bytes, Duration{settings.timeouts.reasoning_state_ms}}),
      listeners_(worker_count(settings)) {}

Result<void> Process::set_up_signals() {
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    signals_.emplace_back(evsignal_new(base_.get(), number, on_signal_thunk, this));
    if (!signals_.back() || event_add(signals_.back().get(), nullptr) != 0)
      return fail("cannot watch for signals");
  }
  std::signal(SIGPIPE, SIG_IGN);
  return {};
}

Result<void> Process::set_up(exchange::CatalogPtr catalog) {
  base_.reset(event_base_new());
  if (!base_) return fail("libevent made no event loop");
  scheduler_ = std::make_unique<LoopScheduler>(base_.get());
  auto mailbox = Mailbox::make(base_.get());
  if (!mailbox) return tl::unexpected(mailbox.error());
  mailbox_ = std::move(*mailbox);
  tails_.set_mailbox(mailbox_.get());
  resolver_ = std::make_unique<Resolver>();

  const unsigned count = worker_count(settings_);
  parts_.catalog = std::move(catalog);
  catalog_ = parts_.catalog;
  parts_.facts = {CLASP_VERSION, scheduler_->now()};
  parts_.resolver = resolver_.get();
  exporter_ = std::make_unique<SpanExporter>(base_.get(), *scheduler_, *mailbox_, *resolver_,
                                             make_backend_options(settings_));
  exporter_->configure(settings_.tracing);
  records_ = std::make_unique<RecordFan>(
      std::vector<exchange::RecordSink*>{&access_log_, &costs_, &tails_, exporter_.get()});
  parts_.records = records_.get();
  parts_.lessons = &lessons_;
  parts_.calibration = &calibration_;
  parts_.desk = &desk_;
  parts_.limits = &limits_;
  parts_.costs = &costs_;
  parts_.states = &states_;
  cache_.configure(settings_.cache, scheduler_->now());
  parts_.cache = &cache_;
  metrics_.set_started(scheduler_->now(), scheduler_->unix_seconds());
  metrics_.set_catalog(parts_.catalog);
  metrics_.set_cache_source([this] { return cache_.stats(); });
  parts_.metrics = &metrics_;
  parts_.metrics_service = &metrics_service_;
  media_resolver_ = std::make_unique<Resolver>();
  set_up_media(media_, settings_, std::getenv("PATH"));
  media_.resolver = media_resolver_.get();
  parts_.media = &media_;
  parts_.backend_options = make_backend_options(settings_);
  parts_.http_limits = make_http_limits(settings_, count);
  auto listeners = listeners_.prepare(settings_);
  if (!listeners) return tl::unexpected(listeners.error());
  for (auto& set : listeners_.commit(std::move(*listeners))) {
    auto worker = Worker::make(parts_, std::move(set), workers_.empty());
    if (!worker) return tl::unexpected(worker.error());
    workers_.push_back(std::move(*worker));
  }
  polls_ = std::make_unique<WorkerPolls>(*scheduler_, *mailbox_,
                                         [this](const std::function<void(Endpoints&)>& question) {
                                           for (auto& worker : workers_) worker->ask(question);
                                           return workers_.size();
                                         });
  later_ = std::make_unique<Later>(*scheduler_);
  tester_ = std::make_unique<BackendTester>([this](Resolver& resolver) {
    return TestParts{base_.get(), *scheduler_, random_, resolver,    parts_.backend_options,
                     *records_,   lessons_,    states_, calibration_};
  });
  control_desk_ = std::make_unique<ControlDesk>(ControlDesk{
      *this, *scheduler_, desk_, cache_, limits_, costs_, tails_, metrics_, CLASP_VERSION,
      scheduler_->now(), *polls_, *later_, *tester_, access_log_, metrics_service_, *mailbox_});
  control_ = std::make_unique<ControlServer>(base_.get(), *scheduler_, random_, *control_desk_);
  if (auto opened = control_->open(settings_.control); !opened)
    return tl::unexpected(opened.error());
  control_desk_->socket = control_->path();
  return set_up_signals();
}

void Process::run() {
  on_terminal_ = isatty(STDERR_FILENO) == 1;
  // Signals belong to this thread: workers are started with them blocked.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (auto& worker : workers_) worker->start();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);

  tell_about_listeners(settings_);
  status_ = status_of(*parts_.catalog);
  log_info(std::string("clasp ") + CLASP_VERSION + " " + status_);
  notify_ready(status_);
  save_costs();
  event_base_loop(base_.get(), EVLOOP_NO_EXIT_ON_EMPTY);
  for (auto& worker : workers_) worker->join();
  flush_spans();
  metrics_service_.stop();
}

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

std::string Process::status_of(const exchange::Catalog& catalog) const {
  return "listening on " + listeners_.render() + ", backend " +
         catalog.backends.front().settings.name;
}

void Process::on_signal_thunk(evutil_socket_t number, short, void* self) noexcept {
  static_cast<Process*>(self)->on_signal(static_cast<int>(number));
}

void Process::on_signal(int number) {
  if (number == SIGHUP) return on_hangup();
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
  load_again();
}

ReloadReport Process::reload() {
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
  notify_reloading();
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
    status_ = status_of(*catalog);
    metrics_.on_reload(true, scheduler_->unix_seconds());
  } else {
    metrics_.on_reload(false, scheduler_->unix_seconds());
  }
  notify_ready(status_);
}

// Not on the workers' way: they only count.
void Process::save_costs() {
  costs_.save();
  costs_timer_ = scheduler_->after(kSaveCosts, [this] { save_costs(); });
}

void Process::drain(const std::string& signal) {
  draining_ = true;
  log_info(signal +
           ": no new connections; waiting for running requests, a second signal stops at once");
  notify_stopping("draining");
  busy_workers_ = workers_.size();
  // Who waits for a backend is told first: nobody is left waiting at the deadline.
  desk_.drain(scheduler_->now());
  for (auto& worker : workers_)
    worker->drain([this] { mailbox_->send([this] { on_worker_idle(); }); });
  drain_deadline_ = scheduler_->after(drain_time_, [this] {
    log_warn("the drain deadline has passed: running requests are ended");
    stop_workers();
  });
}

// The control API's drain: a load balancer must still be able to ask, and it can be taken back, so
// listeners stay open.
void Process::set_resting(bool resting) {
  if (resting_ == resting) return;
  resting_ = resting;
  rest_deadline_.reset();
  for (auto& worker : workers_)
    worker->ask([resting](Endpoints& endpoints) { endpoints.set_resting(resting); });
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
  if (--busy_workers_ == 0) stop_workers();
}

void Process::stop_workers() {
  tails_.end();
  control_->close();
  drain_deadline_.reset();
  for (auto& worker : workers_) worker->stop();
  event_base_loopbreak(base_.get());
}

}  // namespace clasp::daemon
