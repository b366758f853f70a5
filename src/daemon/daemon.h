// The process: from settings to running workers, and from a signal to an orderly end.
#pragma once

#include "base/result.h"
#include "config/load.h"
#include "daemon/origins.h"
#include "daemon/reload.h"

namespace clasp::daemon {

// Serves until a signal ends it; SIGHUP makes it `load` the configuration again. Returns the exit
// code; errors before the service is up are logged here.
int run_daemon(const config::Loaded& loaded, ConfigLoader load, Origins& origins);

// Everything that can be known about the settings without serving: dialects and their flags.
Result<void> check_catalog(const config::Loaded& loaded);

}  // namespace clasp::daemon
