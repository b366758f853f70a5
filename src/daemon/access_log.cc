// See access_log.h.
#include "daemon/access_log.h"

#include "core/exchange/record_fields.h"

namespace clasp::daemon {

namespace {

TimePoint now() {
  return std::chrono::time_point_cast<TimePoint::duration>(std::chrono::steady_clock::now());
}

}  // namespace

void AccessLog::take(const config::Settings& settings) {
  debug_bytes_ = settings.debug_bytes;
  turn({settings.log_level, settings.debug_requests, settings.debug_responses});
}

void AccessLog::turn(const LogDial& dial) {
  set_log_level(dial.level);
  debug_requests_ = dial.requests;
  debug_responses_ = dial.responses;
}

LogDial AccessLog::dial() const {
  return {log_level(), debug_requests_, debug_responses_};
}

void AccessLog::on_record(const exchange::Record& record) {
  const LogLevel level = exchange::record_level(record);
  if (!log_enabled(level)) return;
  std::string line;
  if (record.warnings.empty()) {
    line = exchange::render_record(record);
  } else {
    exchange::Record shown = record;
    {
      const std::lock_guard lock(mutex_);
      shown.warnings = warnings_.take_new(record);
    }
    line = exchange::render_record(shown);
  }
  if (!log_wants_fields()) return log(level, line);
  const exchange::RecordFields fields(record);
  log(level, line, fields.views());
}

void AccessLog::on_body(std::string_view request_id, std::string_view what, std::string_view text) {
  std::string line(request_id);
  line.append(" ").append(what).append(": ").append(text);
  // Asked for by an option of its own, so not hidden by the level info.
  log(LogLevel::info, line, {{"CLASP_REQUEST_ID", request_id}, {"CLASP_BODY", what}});
}

void AccessLog::on_refusal(const exchange::Refusal& refusal) {
  refusals_.note(refusal, now());
}

void AccessLog::settle_refusals() {
  refusals_.settle(now());
}

void AccessLog::tell_everything() {
  refusals_.settle(now(), true);
}

}  // namespace clasp::daemon
