// From settings to a running process, in the order in which things can fail.
#include "daemon/daemon.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "config/exit_codes.h"
#include "daemon/backend_options.h"
#include "daemon/listener.h"
#include "daemon/process.h"
#include "daemon/service_manager.h"

namespace clasp::daemon {

namespace {

// Only the main process of a service is heard.
void tell_failure(const Origins& origins, const Error& error, int cause) {
  log_error(error.message);
  if (!origins.predecessor) notify_failed(cause, "Cannot start: " + error.message);
}

}  // namespace

Result<void> check_catalog(const config::Loaded& loaded) {
  auto catalog = exchange::make_catalog(std::make_shared<const config::Settings>(loaded.settings));
  if (!catalog) return tl::unexpected(catalog.error());
  std::vector<std::string> warnings;
  if (auto good = check_listeners(loaded.settings, true, warnings); !good) return good;
  for (const std::string& text : warnings)
    std::fprintf(stderr, "clasp: warning: %s\n", text.c_str());
  return {};
}

int run_daemon(const config::Loaded& loaded, ConfigLoader load, Origins& origins) {
  const auto settings = std::make_shared<const config::Settings>(loaded.settings);
  SharedDesk desk;
  auto catalog =
      exchange::make_catalog(settings, desk.reconfigure(*settings, TimePoint{}), proxy_secrets());
  if (!catalog) {
    tell_failure(origins, catalog.error(), EINVAL);
    return config::kExitConfiguration;
  }
  std::vector<std::string> told_later;
  if (auto good = check_listeners(*settings, false, told_later); !good) {
    tell_failure(origins, good.error(), EINVAL);
    return config::kExitConfiguration;
  }
  AccessLog access_log(*settings);
  SharedCosts costs;
  const auto take_costs = [&] {
    return open_costs(costs, *settings, std::getenv("STATE_DIRECTORY"));
  };
  if (!origins.predecessor)
    if (auto opened = take_costs(); !opened) {
      tell_failure(origins, opened.error(), EIO);
      return config::kExitFailure;
    }
  SharedLimits limits;
  limits.reconfigure(*settings, TimePoint{});
  Reloader reloader(settings, std::move(load), desk, limits, access_log);
  reloader.set_given(loaded.given);
  const bool served = [&] {
    Process process(*settings, desk, limits, costs, reloader, access_log, origins);
    auto ready = process.set_up(*catalog);
    // A process before this one has the file of costs until it knows that we are prepared.
    if (ready && origins.predecessor) ready = origins.predecessor->wait_for_go();
    if (ready && origins.predecessor) ready = take_costs();
    if (!ready) {
      tell_failure(origins, ready.error(), last_listen_error());
      return false;
    }
    process.run();
    return true;
  }();
  access_log.tell_everything();
  costs.save();  // the last exchanges are over now
  if (!served) return config::kExitFailure;
  log_info("stopped");
  return config::kExitSuccess;
}

}  // namespace clasp::daemon
