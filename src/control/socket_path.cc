// See socket_path.h.
#include "control/socket_path.h"

namespace clasp::control {

std::string default_socket_path(const Surroundings& around) {
  // Several directories may be listed; the first one is the unit's own.
  if (!around.runtime_directory.empty())
    return std::string(around.runtime_directory.substr(0, around.runtime_directory.find(':'))) +
           "/control.sock";
  if (around.root) return "/run/clasp/control.sock";
  if (around.user_directory.empty()) return "";
  return std::string(around.user_directory) + "/clasp/control.sock";
}

}  // namespace clasp::control
