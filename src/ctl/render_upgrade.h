// How an upgrade is shown. See render.h.
#pragma once

#include <jansson.h>

#include <string>

#include "ctl/ctl.h"

namespace clasp::ctl {

std::string render_upgrade(const json_t* root, const Look& look);

}  // namespace clasp::ctl
