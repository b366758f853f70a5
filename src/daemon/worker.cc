// See worker.h.
#include "daemon/worker.h"

namespace clasp::daemon {

namespace {
// While draining, how often a worker looks whether its last connection has gone.
constexpr Duration kIdleCheck{20};
// After the errors of a forced stop, the time to get them out.
constexpr Duration kLastWrites{100};
constexpr Duration kIdleCheckReplaced{200};
// Replaced, how long a connection may rest until its next request comes, where timeouts.client_idle
// allows it more.
constexpr Duration kPatience{300'000};
}  // namespace

Worker::Worker(const WorkerParts& parts) : parts_(parts) {}

Worker::~Worker() = default;

Result<std::unique_ptr<Worker>> Worker::make(const WorkerParts& parts,
                                             std::vector<OpenListener> listeners, bool probes) {
  std::unique_ptr<Worker> worker(new Worker(parts));
  if (auto done = worker->set_up(std::move(listeners), probes); !done)
    return tl::unexpected(done.error());
  return worker;
}

Result<void> Worker::set_up(std::vector<OpenListener> listeners, bool probes) {
  base_.reset(event_base_new());
  if (!base_) return fail("libevent made no event loop");
  scheduler_ = std::make_unique<LoopScheduler>(base_.get());
  auto mailbox = Mailbox::make(base_.get());
  if (!mailbox) return tl::unexpected(mailbox.error());
  mailbox_ = std::move(*mailbox);
  demo_ = std::make_unique<DemoBackend>(*scheduler_);
  network_ = std::make_unique<BackendClient>(base_.get(), *scheduler_, *parts_.resolver,
                                             parts_.backend_options);
  backends_ = std::make_unique<BackendSwitch>(*demo_, *network_);
  media_ = std::make_unique<MediaService>(base_.get(), *scheduler_, *parts_.media);
  desk_ = std::make_unique<WorkerDesk>(*parts_.desk, *mailbox_, *scheduler_, random_);
  cache_ = std::make_unique<WorkerCache>(*parts_.cache, *mailbox_, *scheduler_);
  counter_ = std::make_unique<WorkerCounter>(*parts_.counter, *mailbox_);
  probes_ = probes;
  start_probes(parts_.catalog);
  WorkerMeter& meter = parts_.metrics->add_worker();
  const bool counts = parts_.catalog->settings->metrics;
  std::vector<exchange::RecordSink*> sinks = {parts_.records};
  if (counts) sinks.push_back(&meter);
  records_ = std::make_unique<RecordFan>(std::move(sinks));
  endpoints_ = std::make_unique<Endpoints>(
      exchange::Services{*scheduler_, random_, *backends_, *records_, parser_, schemas_,
                         *parts_.lessons, *parts_.states, *desk_, *parts_.calibration, media_.get(),
                         cache_.get(), counts ? &meter : nullptr, counter_.get(), &tools_},
      parts_.catalog, parts_.facts, *parts_.desk, *parts_.limits, *parts_.costs,
      MetricsAccess{counts, meter, *parts_.metrics, *parts_.metrics_service, *mailbox_});
  server_ = std::make_unique<HttpServer>(base_.get(), *endpoints_, parts_.http_limits, *scheduler_,
                                         random_);
  parts_.metrics->set_sources(meter, {&server_->counters(), network_.get()});
  for (OpenListener& one : listeners)
    if (auto added = server_->add_listener(std::move(one.fd), one.entrance, one.id, one.shared);
        !added)
      return added;
  return {};
}

void Worker::start_probes(exchange::CatalogPtr catalog) {
  prober_.reset();
  if (probes_ && catalog->settings->health_check.enabled)
    prober_ = std::make_unique<Prober>(std::move(catalog), *network_, *parts_.desk, *scheduler_);
}

void Worker::set_catalog(exchange::CatalogPtr catalog) {
  mailbox_->send([this, catalog = std::move(catalog)] {
    endpoints_->set_catalog(catalog);
    start_probes(catalog);
  });
}

void Worker::ask(std::function<void(Endpoints&)> question) {
  mailbox_->send([this, question = std::move(question)] { question(*endpoints_); });
}

void Worker::set_listeners(std::vector<OpenListener> listeners) {
  // std::function wants to be copied; descriptors do not.
  auto shared = std::make_shared<std::vector<OpenListener>>(std::move(listeners));
  mailbox_->send([this, shared] { server_->set_listeners(std::move(*shared)); });
}

void Worker::start(unsigned number) {
  thread_ = std::thread([this] { event_base_loop(base_.get(), EVLOOP_NO_EXIT_ON_EMPTY); });
  pthread_setname_np(thread_.native_handle(), ("worker-" + std::to_string(number)).c_str());
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::drain(std::vector<std::uint64_t> leave, bool replaced, std::function<void()> on_idle) {
  mailbox_->send(
      [this, leave = std::move(leave), replaced, on_idle = std::move(on_idle)]() mutable {
        on_idle_ = std::move(on_idle);
        if (!replaced) endpoints_->set_draining();
        server_->stop_accepting(leave);
        server_->drain(replaced ? kPatience : Duration{0});
        idle_pause_ = replaced ? kIdleCheckReplaced : kIdleCheck;
        check_idle();
      });
}

void Worker::hurry() {
  mailbox_->send([this] {
    server_->drain();
    idle_pause_ = kIdleCheck;
  });
}

void Worker::check_idle() {
  if (server_->connections() > 0) {
    idle_check_ = scheduler_->after(idle_pause_, [this] { check_idle(); });
    return;
  }
  if (on_idle_) on_idle_();
}

void Worker::stop() {
  mailbox_->send([this] {
    server_->stop_accepting();
    const bool busy = endpoints_->exchanges() > 0;
    endpoints_->end_exchanges();
    idle_check_ = scheduler_->after(busy ? kLastWrites : Duration{0},
                                    [this] { event_base_loopbreak(base_.get()); });
  });
}

}  // namespace clasp::daemon
