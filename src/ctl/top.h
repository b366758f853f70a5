// claspctl top: the picture that moves, or lines of JSON, or one picture as text.
#pragma once

#include "ctl/ctl.h"

namespace clasp::ctl {

Answer run_top(const Call& call, const World& world);

}  // namespace clasp::ctl
