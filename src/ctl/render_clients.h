// How answers about clients look: their limits, keys and costs. See render.h.
#pragma once

#include <string>

#include "ctl/ctl.h"
#include "ctl/json.h"

namespace clasp::ctl {

std::string render_limits(const json_t* root, const Look& look);
std::string render_keys(const json_t* root, const Look& look);
std::string render_costs(const json_t* root, const Look& look);

}  // namespace clasp::ctl
