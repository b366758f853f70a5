// What a process has from whoever started it, besides its configuration.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/predecessor.h"
#include "daemon/service_sockets.h"

namespace clasp::daemon {

struct Origins {
  PassedSockets passed;
  std::unique_ptr<Predecessor> predecessor;  // null: it replaces no other process
  std::string program;                       // the path of it, absolute; it may be replaced by now
  std::vector<std::string> words;            // of the command line, without the program
  std::function<void()> open_log;            // again, to where standard error leads now
};

}  // namespace clasp::daemon
