// claspctl key …: keys of clients and their hashes. Needs no daemon.
#pragma once

#include "ctl/ctl.h"

namespace clasp::ctl {

Result<std::string> make_key(const Call& call, const World& world);
Result<std::string> hash_key(const Call& call, const World& world);

}  // namespace clasp::ctl
