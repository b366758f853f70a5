// How a test of backends looks. See render.h.
#pragma once

#include <string>

#include "ctl/ctl.h"
#include "ctl/json.h"

namespace clasp::ctl {

std::string render_test(const json_t* root, const Look& look);

}  // namespace clasp::ctl
