// See socket_path.h.
#include "control/socket_path.h"

#include <algorithm>

namespace clasp::control {

std::string default_socket_path(const Surroundings& around) {
  // Several directories may be listed; the first one is the unit's own.
  if (!around.runtime_directory.empty())
    return std::string(around.runtime_directory.substr(0, around.runtime_directory.find(':'))) +
           "/control.sock";
  if (around.root) return std::string(kServiceSocket);
  if (around.user_directory.empty()) return "";
  return std::string(around.user_directory) + "/clasp/control.sock";
}

std::string instance_socket_path(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == ':' || c == '\\';
  };
  if (name.empty() || name == "." || name == ".." ||
      !std::all_of(name.begin(), name.end(), allowed))
    return "";
  return "/run/clasp/" + std::string(name) + "/control.sock";
}

}  // namespace clasp::control
