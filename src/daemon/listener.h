// Listening sockets from configured addresses. It accepts nothing.
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "config/settings.h"

namespace clasp::daemon {

// A bound and listening socket: non-blocking, close-on-exec, SO_REUSEADDR, TCP_NODELAY (which
// accepted sockets inherit), and SO_REUSEPORT if asked. "::" means IPv6 only, so that it can stand
// beside "0.0.0.0". Unix sockets get their mode and group; one that a dead process left behind is
// replaced, one that answers is not. Errors name the address, the cause and a remedy.
Result<UniqueFd> open_listener(const config::Listener& listener, bool reuse_port);

// The errno of the last open_listener() that failed because the system said no; 0: none did. The
// main thread's.
int last_listen_error();

// Mode and group of a Unix socket's file, which must be there.
Result<void> set_unix_permissions(const config::Listener& listener);

}  // namespace clasp::daemon
