// See restart.h. What is not in this list is read from the snapshot of each exchange.
#include "config/restart.h"

namespace clasp::config {

std::vector<std::string> restart_needed(const Settings& running, const Settings& next) {
  std::vector<std::string> names;
  const auto compare = [&](const char* name, const auto& member) {
    if (member(running) != member(next)) names.emplace_back(name);
  };
  using S = const Settings&;
  compare(
      "control", [](S s) -> auto& { return s.control; });
  compare("server.workers", [](S s) { return s.workers; });
  compare(
      "server.ca_file", [](S s) -> auto& { return s.ca_file; });
  compare("timeouts.client_header", [](S s) { return s.timeouts.client_header_ms; });
  compare("timeouts.client_body", [](S s) { return s.timeouts.client_body_ms; });
  compare("timeouts.client_idle", [](S s) { return s.timeouts.client_idle_ms; });
  compare("timeouts.client_write", [](S s) { return s.timeouts.client_write_ms; });
  compare("timeouts.reasoning_state", [](S s) { return s.timeouts.reasoning_state_ms; });
  compare("limits.max_body", [](S s) { return s.limits.body_bytes; });
  compare("limits.max_connections", [](S s) { return s.limits.connections; });
  compare("limits.pool_idle", [](S s) { return s.limits.pool_idle; });
  compare("limits.reasoning_state", [](S s) { return s.limits.reasoning_state_bytes; });
  compare("metrics.enabled", [](S s) { return s.metrics; });
  compare("media.fetch_remote", [](S s) { return s.media.fetch_remote; });
  compare(
      "media.fetch_networks", [](S s) -> auto& { return s.media.fetch_networks; });
  compare("media.pdf_text", [](S s) { return s.media.pdf_text; });
  compare(
      "costs.file", [](S s) -> auto& { return s.costs.file; });
  return names;
}

}  // namespace clasp::config
