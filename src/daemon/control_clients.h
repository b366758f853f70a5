// The control API's commands about clients: who is known, what limits them, what was spent. Nothing
// of a key leaves here, not even its hash.
#pragma once

#include "daemon/control_handlers.h"

namespace clasp::daemon {

void list_limits(ControlDesk& desk, ControlCall& call);
void list_keys(ControlDesk& desk, ControlCall& call);
void show_costs(ControlDesk& desk, ControlCall& call);

}  // namespace clasp::daemon
