// claspctl's connection to the daemon: one HTTP request over its Unix socket, through libcurl.
#pragma once

#include <string>

#include "base/result.h"
#include "ctl/ctl.h"

namespace clasp::ctl {

// Asks the daemon at this socket. `seconds`: until the whole answer is there.
Result<Told, LinkError> ask_daemon(const std::string& socket, const std::string& method,
                                   const std::string& target, long seconds);

}  // namespace clasp::ctl
