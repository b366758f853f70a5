// The control API's commands about the log.
#pragma once

#include "daemon/control_handlers.h"

namespace clasp::daemon {

void show_log_level(ControlDesk& desk, ControlCall& call);
void set_level(ControlDesk& desk, ControlCall& call);

// Whether the log is not as the configuration says.
bool is_log_dial_turned(const ControlDesk& desk);
// Members of the status: how far the log is turned up, and what is configured where that differs.
void set_log_dial(ControlDesk& desk, json_t* out);

}  // namespace clasp::daemon
