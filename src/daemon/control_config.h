// The control API's commands about the configuration: what is in force, what a reload would do.
#pragma once

#include "daemon/control_handlers.h"

namespace clasp::daemon {

void reload_config(ControlDesk& desk, ControlCall& call);
void show_config(ControlDesk& desk, ControlCall& call);
void check_config(ControlDesk& desk, ControlCall& call);
void diff_config(ControlDesk& desk, ControlCall& call);

}  // namespace clasp::daemon
