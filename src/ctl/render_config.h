// How answers about the configuration look.
#pragma once

#include <string>

#include "ctl/ctl.h"
#include "ctl/json.h"

namespace clasp::ctl {

std::string render_reload(const json_t* root, const Look& look);
std::string render_config(const json_t* root, const Look& look);
std::string render_check(const json_t* root, const Look& look);
std::string render_diff(const json_t* root, const Look& look);

}  // namespace clasp::ctl
