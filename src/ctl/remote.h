// Commands that the running daemon carries out: asks it, and shows what it says.
#pragma once

#include "ctl/ctl.h"

namespace clasp::ctl {

Answer carry_out_remotely(const Call& call, const World& world);

}  // namespace clasp::ctl
