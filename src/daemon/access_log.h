// The exchange's record as a log line with structured fields. A warning is shown the first time
// only; clients get it with every answer.
#pragma once

#include <mutex>

#include "core/exchange/record.h"
#include "core/exchange/warning_memory.h"

namespace clasp::daemon {

class AccessLog final : public exchange::RecordSink {
 public:
  AccessLog(bool debug_requests, bool debug_responses)
      : debug_requests_(debug_requests), debug_responses_(debug_responses) {}
  void on_record(const exchange::Record& record) override;
  bool wants_bodies(bool request) const override {
    return request ? debug_requests_ : debug_responses_;
  }
  void on_body(std::string_view request_id, std::string_view what, std::string_view bytes) override;

 private:
  bool debug_requests_;
  bool debug_responses_;
  std::mutex mutex_;
  exchange::WarningMemory warnings_;  // guarded by mutex_
};

}  // namespace clasp::daemon
