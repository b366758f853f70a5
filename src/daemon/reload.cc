// See reload.h. Everything that can fail comes before the desk is told.
#include "daemon/reload.h"

#include "base/log.h"
#include "base/text.h"
#include "base/words.h"
#include "config/restart.h"
#include "daemon/backend_options.h"
#include "daemon/listener_set.h"

namespace clasp::daemon {

Result<exchange::CatalogPtr> Reloader::try_reload(TimePoint now, const Prepare& prepare) {
  auto loaded = load_();
  if (!loaded) return fail(loaded.error().message);
  // A file that is just being replaced must not turn into "nothing is configured".
  if (loaded->settings.config_file.empty() && !running_->config_file.empty())
    return fail("the configuration file " + running_->config_file + " is gone");
  const auto settings = std::make_shared<const config::Settings>(std::move(loaded->settings));
  if (auto valid = exchange::make_catalog(settings); !valid) return valid;
  if (auto ready = prepare(*settings); !ready) return tl::unexpected(ready.error());
  auto catalog =
      exchange::make_catalog(settings, desk_.reconfigure(*settings, now), proxy_secrets());
  if (!catalog) return catalog;
  desk_.pump(now);
  limits_.reconfigure(*settings, now);
  for (const std::string& warning : loaded->warnings) log_warn(warning);
  report_.warnings = std::move(loaded->warnings);
  report_.restart_needed = config::restart_needed(*running_, *settings);
  if (!report_.restart_needed.empty())
    log_warn("these changes need a restart: " + join(report_.restart_needed, ", "));
  // The last client may have gone by mistake.
  if (asks_for_keys_ && !settings->auth.enabled)
    log_warn(
        "authentication is off now, nobody is asked for a key; enabled = true in [auth] would "
        "refuse a configuration without clients");
  asks_for_keys_ = settings->auth.enabled;
  given_ = std::move(loaded->given);
  access_log_.take(*settings);
  return catalog;
}

ReloadReport Reloader::check(const Prepare& prepare, std::vector<config::GivenValue>& given) const {
  ReloadReport report;
  const auto give_up = [&report](const std::string& message) {
    for (const std::string_view line : split(message, '\n')) report.errors.emplace_back(line);
    return report;
  };
  auto loaded = load_();
  if (!loaded) return give_up(loaded.error().message);
  if (loaded->settings.config_file.empty() && !running_->config_file.empty())
    return give_up("the configuration file " + running_->config_file + " is gone");
  const auto settings = std::make_shared<const config::Settings>(std::move(loaded->settings));
  if (auto valid = exchange::make_catalog(settings); !valid) return give_up(valid.error().message);
  if (auto ready = prepare(*settings); !ready) return give_up(ready.error().message);
  report.good = true;
  report.file = settings->config_file;
  report.warnings = std::move(loaded->warnings);
  // Certificates that are or will soon be over; whatever else is wrong with them was told above.
  static_cast<void>(check_listeners(*settings, true, report.warnings));
  report.restart_needed = config::restart_needed(*running_, *settings);
  given = std::move(loaded->given);
  return report;
}

exchange::CatalogPtr Reloader::reload(TimePoint now, const Prepare& prepare) {
  report_ = {};
  auto catalog = try_reload(now, prepare);
  if (catalog) {
    report_.good = true;
    report_.file = (*catalog)->settings->config_file;
    const std::string& file = (*catalog)->settings->config_file;
    log_info("reload: the configuration was loaded again" +
             (file.empty() ? std::string() : " from " + file));
    return *catalog;
  }
  for (const std::string_view line : split(catalog.error().message, '\n')) {
    log_error("reload: " + std::string(line));
    report_.errors.emplace_back(line);
  }
  log_error("reload: the configuration has mistakes; the one before stays in force");
  return nullptr;
}

}  // namespace clasp::daemon
