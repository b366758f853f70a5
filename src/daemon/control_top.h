// GET /v1/top: counts of everything that claspctl top shows, in one answer. They only rise; what
// goes on per second is their difference, which whoever looks computes.
#pragma once

#include "daemon/control_handlers.h"

namespace clasp::daemon {

void show_top(ControlDesk& desk, ControlCall& call);

// Of this process.
std::uint64_t resident_bytes();

}  // namespace clasp::daemon
