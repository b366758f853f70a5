// See access_log.h.
#include "daemon/access_log.h"

#include "base/secret.h"
#include "base/text.h"

namespace clasp::daemon {

namespace {
// A body in the log is for reading; longer ones are cut.
constexpr std::size_t kBodyLimit = 16 * 1024;
}  // namespace

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
  const std::string status = std::to_string(record.status);
  const std::string in = std::to_string(record.input_tokens);
  const std::string out = std::to_string(record.output_tokens);
  const std::string total = std::to_string(record.total_us);
  log(level, line,
      {{"CLASP_REQUEST_ID", record.request_id},
       {"CLASP_CLIENT", record.client},
       {"CLASP_MODEL", record.model_asked},
       {"CLASP_MODEL_USED", record.model_used},
       {"CLASP_BACKEND", record.backend},
       {"CLASP_STATUS", status},
       {"CLASP_OUTCOME", exchange::render_outcome(record.outcome)},
       {"CLASP_INPUT_TOKENS", in},
       {"CLASP_OUTPUT_TOKENS", out},
       {"CLASP_TOTAL_USEC", total}});
}

void AccessLog::on_body(std::string_view request_id, std::string_view what,
                        std::string_view bytes) {
  std::string line(request_id);
  line.append(" ").append(what).append(": ");
  line.append(mask_secrets(scrub_utf8(bytes.substr(0, kBodyLimit))));
  if (bytes.size() > kBodyLimit)
    line.append(" ... (").append(std::to_string(bytes.size())).append(" bytes)");
  // Asked for by an option of its own, so not hidden by the log level.
  log(LogLevel::info, line, {{"CLASP_REQUEST_ID", request_id}});
}

}  // namespace clasp::daemon
