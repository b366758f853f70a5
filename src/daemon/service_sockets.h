// Listening sockets that this process did not open: passed by systemd's socket units, kept by it in
// the fd store over a restart, or inherited from the process that this one replaces.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "config/settings.h"

namespace clasp::daemon {

// Shared by those who have it open; closed by the last one.
using SharedFd = std::shared_ptr<const UniqueFd>;

struct PassedSocket {
  std::string name;  // as whoever passed it calls it
  SharedFd fd;
  config::Listener place = {};  // where it listens; nothing else of it counts
  bool dual_stack = false;      // "::" that takes IPv4 too
};

struct PassedSockets {
  std::vector<PassedSocket> listeners;  // of socket units, for clients
  std::vector<PassedSocket> control;    // of socket units, named "control"
  std::vector<PassedSocket> own;        // opened by a daemon before this one; see own_name()
  std::vector<std::string> stale;       // names of own ones that are of no use
};

// Sockets that a daemon opened itself bear such a name in the fd store and on the way to its
// successor: what they are for ("listen", "control") and where, as the configuration says it (port
// 0 stays 0). For Unix sockets the file is part of it: a name in the file system may be another
// file by now. Empty: there is no such name, or it would be too long for systemd.
std::string own_name(std::string_view purpose, const config::Listener& place);
// Whether a name is of that kind, for that purpose and place.
bool is_own_name(std::string_view name, std::string_view purpose, const config::Listener& place);

// Removes the file of a Unix socket of ours that nobody will listen on any more; another one that
// stands in its place by now is left alone. Others have no file.
void remove_socket_file(std::string_view name, const config::Listener& place);

// Where a listening stream socket listens. Errors say what else it is.
Result<PassedSocket> look_at_socket(std::string name, SharedFd fd);

// Takes what $LISTEN_FDS announces, by name; the variables are gone afterwards. What a socket unit
// passes and cannot be used is an error; of what was kept, it is only left out. `warnings` gets
// one line for each.
Result<PassedSockets> take_passed_sockets(std::vector<std::string>& warnings);

}  // namespace clasp::daemon
