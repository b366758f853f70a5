// `clasp -models`: asks the configured backend which models it has. Runs a loop of its own and
// never serves anyone.
#pragma once

#include "config/load.h"

namespace clasp::daemon {

// Prints one model a line; returns the exit status.
int list_models(const config::Loaded& loaded);

}  // namespace clasp::daemon
