// The control API's "upgrade". See control_handlers.h.
#pragma once

#include "daemon/control_handlers.h"

namespace clasp::daemon {

void upgrade_daemon(ControlDesk& desk, ControlCall& call);

}  // namespace clasp::daemon
