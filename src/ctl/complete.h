// What may come next on a command line that a shell is completing: commands and options from the
// table, names from the running daemon.
#pragma once

#include <string>
#include <vector>

#include "ctl/ctl.h"

namespace clasp::ctl {

// `words` without the program's name, the last one as far as it is typed. A line for each that
// may stand in its place. Nothing, and nothing said, when the daemon does not answer in a second.
std::string complete(const std::vector<std::string>& words, const World& world);

}  // namespace clasp::ctl
