// Sends spans to a collector, as OTLP over HTTP in JSON, from the main thread's loop. Workers only
// put texts into a bounded queue: whatever the collector does, no request waits for it. What does
// not fit or cannot be delivered is dropped, counted, and told once a minute.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "config/settings.h"
#include "core/exchange/record.h"
#include "daemon/backend_client.h"
#include "daemon/mailbox.h"

namespace clasp::daemon {

class SpanExporter final : public exchange::RecordSink, private exchange::BackendEvents {
 public:
  static constexpr std::size_t kMostQueued = 2048;  // exchanges
  static constexpr std::size_t kBatch = 512;
  static constexpr Duration kInterval{5'000};
  static constexpr Duration kCallLimit{10'000};
  static constexpr Duration kFlushLimit{3'000};

  // All calls but on_record() from the thread of that loop.
  SpanExporter(event_base* base, Scheduler& scheduler, Mailbox& mailbox, Resolver& resolver,
               const BackendClientOptions& options);
  ~SpanExporter() override;

  // Where spans go from now on.
  void configure(const config::TracingSettings& settings);
  // What is queued goes out now; `done` when nothing is left or kFlushLimit has passed.
  void flush(std::function<void()> done);

  void on_record(const exchange::Record& record) override;
  bool wants_bodies(bool) const override { return false; }
  void on_body(std::string_view, std::string_view, std::string_view) override {}

 private:
  void on_backend_head(int status, wire::Headers headers) override;
  void on_backend_body(std::string_view) override {}
  void on_backend_end() override { end_call(status_, {}); }
  void on_backend_failed(const exchange::BackendFailure& failure) override;

  void arm();
  void tick();
  void send();
  bool take_batch();
  void start_call();
  void end_call(int status, std::string_view problem);
  void drop_batch(std::string_view why);
  void tell_drops();
  void check_flushed();

  Scheduler& scheduler_;
  Mailbox& mailbox_;
  BackendClient client_;
  config::TracingSettings settings_;
  std::atomic<bool> exports_{false};
  std::mutex mutex_;
  std::deque<std::string> queue_;  // guarded by mutex_, as is the next
  bool woken_ = false;             // the main thread knows that a batch is full
  std::atomic<std::uint64_t> overflowed_{0};
  // Of the main thread.
  std::vector<std::string> batch_;  // under way, or to be tried again
  unsigned failures_ = 0;           // of this batch
  std::uint64_t undelivered_ = 0;
  std::string why_;  // of the last ones
  int status_ = 0;
  TimePoint retry_at_{}, told_at_{};
  std::unique_ptr<exchange::BackendCall> call_;
  TimerHandle timer_, call_timer_, flush_timer_;
  std::function<void()> flushed_;
};

}  // namespace clasp::daemon
