// The control API's test of backends.
#pragma once

#include "daemon/control_handlers.h"

namespace clasp::daemon {

void test_backends(ControlDesk& desk, ControlCall& call);

}  // namespace clasp::daemon
