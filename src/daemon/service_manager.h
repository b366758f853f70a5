// What the service manager hears from the daemon, by the protocol of sd_notify(3), and what it
// keeps for it. Everything here does nothing when no manager listens ($NOTIFY_SOCKET unset).
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/scheduler.h"
#include "daemon/listener_set.h"

namespace clasp::daemon {

// Whether one listens.
bool has_service_manager();
// The main process of a service that is not told about readiness: its end is the service's.
bool is_unmanaged_main_process();

// Why the start failed: whoever looks at the service finds it in its status.
void notify_failed(int cause, const std::string& reason);

// The main thread's.
class ServiceManager {
 public:
  // Reads the environment. `stored`: names in the fd store already.
  explicit ServiceManager(const std::vector<std::string>& stored);

  // Only the main process of the service is heard: a successor is silent until it is that.
  void set_silent(bool silent) { silent_ = silent; }

  void ready(const std::string& status);
  // Before a reload; ready() ends it.
  void reloading();
  // Told when it differs from what was said last.
  void status(const std::string& text);
  void stopping(const std::string& status);
  // The stop may take so long from now on, whatever the unit says.
  void extend_timeout(Duration time);
  // Another process is the service now.
  void hand_over(pid_t pid);

  // How often it wants to hear that all is well.
  std::optional<Duration> watchdog() const { return watchdog_; }
  void feed_watchdog();

  // From now on these, and no others of ours, are in the fd store; as many as fit.
  void keep(const std::vector<NamedSockets>& sockets);
  bool keeps(const std::string& name) const { return kept_.contains(name); }

 private:
  void send(const std::string& fields);
  bool store(const NamedSockets& one);

  bool present_;
  bool silent_ = false;
  std::optional<Duration> watchdog_;
  std::size_t room_ = 0;                     // of the fd store
  std::map<std::string, std::size_t> kept_;  // how many under which name; 0: not known
  std::string last_status_;
};

}  // namespace clasp::daemon
