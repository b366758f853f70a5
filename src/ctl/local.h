// Commands that claspctl carries out itself and that look at more than keys.
#pragma once

#include "ctl/ctl.h"

namespace clasp::ctl {

// config options: the option table of this program's version.
Result<std::string> list_options(const Call& call, const World& world);
// Looks at everything that is usually wrong. Fails when it finds something that is.
Answer run_doctor(const Call& call, const World& world);
// Ends as Claude Code ends; returns only when it could not be started.
Answer run_claude(const Call& call, const World& world);

}  // namespace clasp::ctl
