// Which changed settings a running daemon cannot take over.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"

namespace clasp::config {

// The options, as "section.key", in which the two differ and that hold from the start until the
// end of the process. Empty: everything that changed can be taken over.
std::vector<std::string> restart_needed(const Settings& running, const Settings& next);

}  // namespace clasp::config
