// From the command line to an action: load the configuration, say what it says, do what is asked.
#pragma once

namespace clasp::daemon {

// The whole program; returns its exit status (config/exit_codes.h).
int start(int argc, char** argv);

}  // namespace clasp::daemon
