// Listening sockets from configured addresses. It accepts nothing.
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "config/settings.h"

namespace clasp::daemon {

// A bound and listening socket: non-blocking, close-on-exec, SO_REUSEADDR, TCP_NODELAY (which
// accepted sockets inherit), and SO_REUSEPORT if asked. "::" means IPv6 only, so that it can stand
// beside "0.0.0.0". Unix sockets get mode 0660; one that a dead process left behind is replaced,
// one that answers is not. Errors name the address, the cause and a remedy.
Result<UniqueFd> open_listener(const config::Listener& listener, bool reuse_port);

}  // namespace clasp::daemon
