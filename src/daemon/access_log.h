// The exchange's record as a log line with structured fields, the bodies where they are wanted, and
// lines about refused requests. A warning is shown the first time only; clients get it with every
// answer.
#pragma once

#include <atomic>
#include <mutex>

#include "config/settings.h"
#include "core/exchange/record.h"
#include "core/exchange/warning_memory.h"
#include "daemon/refusal_log.h"

namespace clasp::daemon {

// How far the log is turned up: its level, and whose bodies it shows.
struct LogDial {
  LogLevel level = LogLevel::info;
  bool requests = false, responses = false;
  friend bool operator==(const LogDial&, const LogDial&) = default;
};

class AccessLog final : public exchange::RecordSink {
 public:
  explicit AccessLog(const config::Settings& settings) { take(settings); }

  // The one place where the log is turned up and down while the daemon runs: its level and which
  // bodies it shows, for exchanges that begin from then on. From any thread.
  void take(const config::Settings& settings);
  // By hand, until it takes settings again.
  void turn(const LogDial& dial);
  LogDial dial() const;

  void on_record(const exchange::Record& record) override;
  bool wants_bodies(bool request) const override {
    return request ? debug_requests_ : debug_responses_;
  }
  std::size_t body_bytes() const override { return debug_bytes_; }
  void on_body(std::string_view request_id, std::string_view what, std::string_view text) override;
  void on_refusal(const exchange::Refusal& refusal) override;
  void settle_refusals() override;
  // Before the end.
  void tell_everything();

 private:
  std::atomic<bool> debug_requests_{false}, debug_responses_{false};
  std::atomic<std::size_t> debug_bytes_{0};
  RefusalLog refusals_;
  std::mutex mutex_;
  exchange::WarningMemory warnings_;  // guarded by mutex_
};

}  // namespace clasp::daemon
