// See process.h. How it is put together and taken apart; what happens in between is in
// process_life.cc, process_upgrade.cc and process_stop.cc.
#include "daemon/process.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <thread>

#include "daemon/backend_options.h"

namespace clasp::daemon {

namespace {

constexpr unsigned kMostWorkers = 256;
constexpr int kSignals[] = {SIGTERM, SIGINT, SIGHUP};

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

std::vector<std::string> names_of_own(const PassedSockets& passed) {
  std::vector<std::string> out = passed.stale;
  for (const PassedSocket& one : passed.own) out.push_back(one.name);
  return out;
}

}  // namespace

Process::Process(const config::Settings& settings, SharedDesk& desk, SharedLimits& limits,
                 SharedCosts& costs, Reloader& reloader, AccessLog& access_log, Origins& origins)
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
      origins_(origins),
      listeners_(worker_count(settings), origins.passed),
      manager_(names_of_own(origins.passed)) {
  manager_.set_silent(origins_.predecessor != nullptr);
}

Result<void> Process::set_up_signals() {
  for (const int number : kSignals) {
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
  parts_.counter = &counter_;
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
  if (auto opened = control_->open(settings_.control, origins_.passed); !opened)
    return tl::unexpected(opened.error());
  note_left_sockets();
  upgrade_ =
      std::make_unique<Upgrade>(base_.get(), *scheduler_, static_cast<Upgrade::Deeds&>(*this));
  watchdog_ = std::make_unique<Watchdog>(
      *scheduler_, *mailbox_, workers_.size(), [this](std::size_t i, std::function<void()> work) {
        workers_[i]->ask([work = std::move(work)](Endpoints&) { work(); });
      });
  control_desk_->socket = control_->path();
  return set_up_signals();
}

void Process::run() {
  on_terminal_ = isatty(STDERR_FILENO) == 1;
  // Signals belong to this thread: workers are started with them blocked.
  sigset_t all, before, ours;
  sigfillset(&all);
  sigemptyset(&ours);
  for (const int number : kSignals) sigaddset(&ours, number);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  unsigned number = 0;
  for (auto& worker : workers_) worker->start(++number);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);

  tell_about_listeners(settings_);
  log_info(std::string("clasp ") + CLASP_VERSION + " " + listening_text(*parts_.catalog));
  watchdog_->when_all_turn([this] { on_all_turning(); });
  save_costs();
  event_base_loop(base_.get(), EVLOOP_NO_EXIT_ON_EMPTY);
  // What is left to do is short, and no signal may cut it off any more.
  pthread_sigmask(SIG_BLOCK, &ours, nullptr);
  for (auto& worker : workers_) worker->join();
  flush_spans();
  metrics_service_.stop();
  counter_.stop();
  origins_.predecessor.reset();  // it watches its socket with this loop
}

}  // namespace clasp::daemon
