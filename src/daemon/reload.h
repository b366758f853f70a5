// A new configuration for the running daemon: loaded from the same places as at the start, taken
// as a whole or not at all.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/load.h"
#include "core/exchange/catalog.h"
#include "daemon/access_log.h"
#include "daemon/shared_desk.h"
#include "daemon/shared_limits.h"

namespace clasp::daemon {

using ConfigLoader = std::function<Result<config::Loaded, config::LoadError>()>;

// How one reload went, for whoever asked for it.
struct ReloadReport {
  bool good = false;
  std::string file;  // the configuration's, may be empty
  std::vector<std::string> errors, warnings, restart_needed;
};

class Reloader {
 public:
  // `first` is what the process was started with.
  Reloader(config::Snapshot first, ConfigLoader load, SharedDesk& desk, SharedLimits& limits,
           AccessLog& access_log)
      : running_(std::move(first)),
        load_(std::move(load)),
        desk_(desk),
        limits_(limits),
        access_log_(access_log),
        asks_for_keys_(running_->auth.enabled) {}

  // The catalog for exchanges that begin from now on; the desk knows its backends already. Null
  // after a mistake: it was logged and nothing has changed.
  // `prepare` is asked last whether everything else can be had; what it says no to is a mistake.
  using Prepare = std::function<Result<void>(const config::Settings&)>;
  exchange::CatalogPtr reload(TimePoint now, const Prepare& prepare);
  const ReloadReport& report() const { return report_; }  // of the last one
  // What is in force, as its sources said it.
  const std::vector<config::GivenValue>& given() const { return given_; }
  void set_given(std::vector<config::GivenValue> given) { given_ = std::move(given); }
  // What a reload would find now; nothing is changed. The given values go to `given`.
  ReloadReport check(const Prepare& prepare, std::vector<config::GivenValue>& given) const;

 private:
  Result<exchange::CatalogPtr> try_reload(TimePoint now, const Prepare& prepare);

  const config::Snapshot running_;
  ConfigLoader load_;
  ReloadReport report_;
  std::vector<config::GivenValue> given_;
  SharedDesk& desk_;
  SharedLimits& limits_;
  AccessLog& access_log_;
  bool asks_for_keys_;
};

}  // namespace clasp::daemon
