// See refusal_log.h.
#include "daemon/refusal_log.h"

#include <algorithm>

#include "base/secret.h"
#include "core/exchange/record_fields.h"

namespace clasp::daemon {

void RefusalLog::tell(Window& window) {
  if (window.suppressed == 0) return;
  const std::string status = std::to_string(window.status);
  const std::string count = std::to_string(window.suppressed);
  log(LogLevel::info,
      "refused status=" + status + ": " + count + " similar " +
          (window.suppressed == 1 ? "line" : "lines") + " suppressed",
      {{"CLASP_STATUS", status}, {"CLASP_OUTCOME", "refused"}, {"CLASP_SUPPRESSED", count}});
  window.suppressed = 0;
}

RefusalLog::Window& RefusalLog::window_of(int status, TimePoint now) {
  const auto same = [status](const Window& window) { return window.status == status; };
  auto found = std::find_if(windows_.begin(), windows_.end(), same);
  if (found == windows_.end()) return windows_.emplace_back(Window{status, now, 0, 0});
  if (now - found->began >= kWindow) {
    tell(*found);
    *found = {status, now, 0, 0};
  }
  return *found;
}

void RefusalLog::note(const exchange::Refusal& refusal, TimePoint now) {
  if (!log_enabled(LogLevel::info)) return;
  {
    const std::lock_guard lock(mutex_);
    Window& window = window_of(refusal.status, now);
    if (window.lines >= kLines) {
      ++window.suppressed;
      return;
    }
    ++window.lines;
  }
  // People put keys where they do not belong.
  exchange::Refusal shown = refusal;
  const std::string path = mask_secrets(refusal.path.substr(0, 200));
  const std::string error = mask_secrets(refusal.error.substr(0, 500));
  shown.path = path;
  shown.error = error;
  const std::string line = exchange::render_refusal(shown);
  if (!log_wants_fields()) return log(LogLevel::info, line);
  const exchange::RecordFields fields(shown);
  log(LogLevel::info, line, fields.views());
}

void RefusalLog::settle(TimePoint now, bool everything) {
  const std::lock_guard lock(mutex_);
  for (Window& window : windows_)
    if (everything || now - window.began >= kWindow) tell(window);
}

}  // namespace clasp::daemon
