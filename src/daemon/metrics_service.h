// GET /metrics/prometheus: adding up and writing thousands of series takes milliseconds, which no
// stream on a worker's loop should wait for. One thread, started by the first question, does it;
// who asks while it works shares the next result.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/scheduler.h"
#include "core/exchange/ports.h"
#include "daemon/mailbox.h"

namespace clasp::daemon {

class MetricsService {
 public:
  // At once, from a client that asks faster than it reads; further ones are refused.
  static constexpr std::size_t kMostWaiting = 32;

  using Text = std::shared_ptr<const std::string>;
  explicit MetricsService(std::function<std::string(TimePoint)> render)
      : render_(std::move(render)) {}
  ~MetricsService() { stop(); }

  // From any thread. `on_text` is called on the service's thread. False: too many wait, or it was
  // stopped, or there is no thread to be had.
  bool ask(TimePoint now, std::function<void(Text)> on_text);
  // Waits for the work in hand; nobody is called after that. Before the workers are destroyed.
  void stop();

 private:
  void run();

  const std::function<std::string(TimePoint)> render_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::function<void(Text)>> waiting_;  // guarded by mutex_
  TimePoint now_{};                                 // guarded by mutex_
  bool stopped_ = false;                            // guarded by mutex_
  std::thread thread_;                              // guarded by mutex_ until stopped
};

// Asks the service for the client of `stream`; nullptr when the service refuses, and then nothing
// was sent. `answer_head` has the answer's fields.
std::unique_ptr<exchange::RequestTask> start_scrape(MetricsService& service, Mailbox& mailbox,
                                                    TimePoint now, wire::Headers answer_head,
                                                    exchange::ClientStream& stream);

}  // namespace clasp::daemon
