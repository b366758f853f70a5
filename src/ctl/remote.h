// Commands that the running daemon carries out: asks it, and shows what it says.
#pragma once

#include "ctl/ctl.h"

namespace clasp::ctl {

// Of an answer that did not come.
int exit_code_of(LinkError::Kind kind);

Answer carry_out_remotely(const Call& call, const World& world);

}  // namespace clasp::ctl
