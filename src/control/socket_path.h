// Where the control socket is when nobody says: the same answer for the daemon and for claspctl.
#pragma once

#include <string>
#include <string_view>

namespace clasp::control {

struct Surroundings {
  bool root = false;
  std::string_view runtime_directory;  // $RUNTIME_DIRECTORY, which systemd sets for the daemon
  std::string_view user_directory;     // $XDG_RUNTIME_DIR
};

// As root /run/clasp/control.sock; else control.sock in the folder clasp of the user's runtime
// directory. Empty: there is no such directory.
std::string default_socket_path(const Surroundings& around);

// Of the service that systemd runs, which whoever is in its group may ask without being root.
inline constexpr std::string_view kServiceSocket = "/run/clasp/control.sock";

// Of the instance NAME of the service (clasp@NAME.service). Empty: that is no name of one.
std::string instance_socket_path(std::string_view name);

}  // namespace clasp::control
