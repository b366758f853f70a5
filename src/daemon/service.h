// The service manager and the journal: readiness, status text, and where log lines go. The only
// place that includes systemd's headers.
#pragma once

#include <memory>
#include <string>

#include "base/log.h"

namespace clasp::daemon {

// No-ops when no manager listens ($NOTIFY_SOCKET unset).
void notify_ready(const std::string& status);
// Before a reload; notify_ready() ends it.
void notify_reloading();
void notify_stopping(const std::string& status);

// The journal natively, with structured fields, when stderr is connected to it; else lines on
// stderr with a time, or with "<N>" priorities when a manager will add the time itself.
std::unique_ptr<LogSink> make_log_sink();

}  // namespace clasp::daemon
