// The daemon's JSON as text for people: aligned tables, units, colour where a terminal shows it.
#pragma once

#include <string>
#include <string_view>

#include "control/commands.h"
#include "ctl/ctl.h"

namespace clasp::ctl {

// What the answer to this command looks like. Members that this version does not know are left
// out; of one that has no look of its own the JSON is shown, indented. Also for each line of an
// answer in lines.
std::string render(const control::Command& command, std::string_view body, const Look& look);

}  // namespace clasp::ctl
