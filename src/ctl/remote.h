// Commands that the running daemon carries out: asks it, and shows what it says.
#pragma once

#include "ctl/ctl.h"

namespace clasp::ctl {

// Of an answer that did not come.
int exit_code_of(LinkError::Kind kind);

bool is_good(const Result<Told, LinkError>& told);
// What the exit code and the message are when the daemon does not do it, or is not there.
Answer explain(const Call& call, const Result<Told, LinkError>& told);

Answer carry_out_remotely(const Call& call, const World& world);

}  // namespace clasp::ctl
