// What the control API's commands do. Each is a function over the desk of things that the process
// lends them; the table in control_handlers.cc says which one serves which command.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/commands.h"
#include "core/exchange/catalog.h"
#include "daemon/access_log.h"
#include "daemon/backend_tester.h"
#include "daemon/control_reply.h"
#include "daemon/later.h"
#include "daemon/metrics.h"
#include "daemon/metrics_service.h"
#include "daemon/reload.h"
#include "daemon/shared_cache.h"
#include "daemon/shared_costs.h"
#include "daemon/shared_desk.h"
#include "daemon/shared_limits.h"
#include "daemon/tail_hub.h"
#include "daemon/upgrade.h"
#include "daemon/worker_polls.h"

namespace clasp::daemon {

// What the process does and knows for its operators. All calls from the main thread.
class ControlDeeds {
 public:
  virtual ~ControlDeeds() = default;
  virtual ReloadReport reload() = 0;
  // What a reload would do; what it would find goes to `given`.
  virtual ReloadReport check(std::vector<config::GivenValue>& given) = 0;
  virtual const std::vector<config::GivenValue>& given() const = 0;
  virtual exchange::CatalogPtr catalog() const = 0;
  virtual std::vector<std::string> listening() const = 0;
  virtual std::size_t workers() const = 0;
  // Out of service by hand. What still runs when `rest_left` is over is ended.
  virtual void set_resting(bool resting) = 0;
  virtual std::optional<Duration> rest_left() const = 0;  // nothing: in service, or over
  // The process is replaced by that program; empty: by the one it was started from.
  virtual void upgrade(const std::string& program, Upgrade::Then then) = 0;
  virtual bool upgrading() const = 0;
  virtual bool stopping() const = 0;
  virtual bool draining() const = 0;  // stopping, or out of service
};

struct ControlDesk {
  ControlDeeds& deeds;
  Scheduler& scheduler;
  SharedDesk& desk;
  SharedCache& cache;
  const SharedLimits& limits;
  const SharedCosts& costs;
  TailHub& tails;
  Metrics& metrics;
  std::string version;
  TimePoint started;
  WorkerPolls& polls;
  Later& later;
  BackendTester& tester;
  AccessLog& log;
  MetricsService& metrics_text;
  Mailbox& mailbox;
  std::string socket = {};  // the control API's own, once it is open
};

struct ControlCall {
  const control::Command& command;
  std::vector<std::string> arguments;  // of the path
  std::string query;
  ControlReplyPtr reply;
};

// Answers the call, now or later.
void carry_out(ControlDesk& desk, ControlCall& call);
// Whether some function serves the command; all that are not local are.
bool is_served(const control::Command& command);

}  // namespace clasp::daemon
