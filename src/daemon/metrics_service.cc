// See metrics_service.h.
#include "daemon/metrics_service.h"

#include <pthread.h>

#include <csignal>
#include <system_error>
#include <utility>

namespace clasp::daemon {

bool MetricsService::ask(TimePoint now, std::function<void(Text)> on_text) {
  const std::lock_guard lock(mutex_);
  if (stopped_ || waiting_.size() >= kMostWaiting) return false;
  if (!thread_.joinable()) {
    // Signals belong to the main loop, which may be who asks.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      thread_ = std::thread([this] { run(); });
    } catch (const std::system_error&) {
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (!thread_.joinable()) return false;
  }
  waiting_.push_back(std::move(on_text));
  now_ = now;
  wake_.notify_one();
  return true;
}

void MetricsService::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopped_ || !waiting_.empty(); });
    if (stopped_) return;
    const auto asked = std::exchange(waiting_, {});
    const TimePoint now = now_;
    lock.unlock();
    const auto text = std::make_shared<const std::string>(render_(now));
    for (const auto& tell : asked) tell(text);
    lock.lock();
  }
}

void MetricsService::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

namespace {

class Scrape final : public exchange::RequestTask {
 public:
  struct State {
    exchange::ClientStream* stream;  // nullptr once the client is gone
    wire::Headers head;
  };
  Scrape(wire::Headers head, exchange::ClientStream& stream)
      : state_(std::make_shared<State>(&stream, std::move(head))) {}
  ~Scrape() override { state_->stream = nullptr; }

  bool start(MetricsService& service, Mailbox& mailbox, TimePoint now) {
    return service.ask(now, [&mailbox, state = state_](MetricsService::Text text) {
      // On the service's thread: the state is looked at on the worker's own.
      mailbox.send([state, text = std::move(text)] {
        if (state->stream != nullptr) state->stream->answer(200, state->head, *text);
      });
    });
  }
  void on_client_gone() override { state_->stream = nullptr; }
  void on_client_drained() override {}

 private:
  std::shared_ptr<State> state_;
};

}  // namespace

std::unique_ptr<exchange::RequestTask> start_scrape(MetricsService& service, Mailbox& mailbox,
                                                    TimePoint now, wire::Headers answer_head,
                                                    exchange::ClientStream& stream) {
  auto scrape = std::make_unique<Scrape>(std::move(answer_head), stream);
  if (!scrape->start(service, mailbox, now)) return nullptr;
  return scrape;
}

}  // namespace clasp::daemon
