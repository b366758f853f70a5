// The control API's metrics: sums as JSON, or everything as Prometheus reads it.
#pragma once

#include "daemon/control_handlers.h"

namespace clasp::daemon {

void show_metrics(ControlDesk& desk, ControlCall& call);

}  // namespace clasp::daemon
