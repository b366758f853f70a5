// Where log lines go. What the service manager is told is service_manager.h's; systemd's headers
// are included by files called service* alone.
#pragma once

#include <memory>
#include <string>

#include "base/log.h"

namespace clasp::daemon {

// The journal natively, with structured fields, when stderr is connected to it; else lines on
// stderr with a time, or with "<N>" priorities when a manager will add the time itself.
std::unique_ptr<LogSink> make_log_sink();

}  // namespace clasp::daemon
