// The whole terminal as a place for a picture that moves: the keyboard without lines and echo, the
// other screen, and everything as it was before when it ends, however it ends.
#pragma once

#include <string>

#include "ctl/ctl.h"
#include "ctl/top_app.h"

namespace clasp::ctl {

// Shows the picture, and asks the daemon at this socket when the picture wants it, until it is
// over. `seconds`: how long an answer may take.
Answer show_screen(const std::string& socket, long seconds, TopApp& app);

}  // namespace clasp::ctl
