// What the process knows about itself in numbers: the workers' counts added up, the desk, the
// caches, the process. GET /metrics is made here on the asking worker (sums only);
// GET /metrics/prometheus is made on a thread of its own (metrics_service.h), which is slower.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/exchange/catalog.h"
#include "core/policy/cache.h"
#include "daemon/backend_client.h"
#include "daemon/http_server.h"
#include "daemon/metrics_sums.h"
#include "daemon/metrics_worker.h"
#include "daemon/shared_desk.h"
#include "daemon/shared_limits.h"

namespace clasp::daemon {

class Metrics {
 public:
  // Both outlive this.
  Metrics(SharedDesk& desk, const SharedLimits& limits, std::string version);
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Before the workers run.
  struct WorkerSources {
    const HttpCounters* http = nullptr;
    const BackendClient* backend = nullptr;
  };
  WorkerMeter& add_worker();
  void set_sources(const WorkerMeter& worker, WorkerSources sources);
  // Of the process, by the workers' clock and by the calendar.
  void set_started(TimePoint now, std::int64_t unix_seconds);

  // From any thread.
  std::uint64_t in_flight() const;                 // requests for messages
  void set_catalog(exchange::CatalogPtr catalog);  // of the start, and of every reload
  void on_reload(bool good, std::int64_t unix_seconds);
  void set_cache_source(std::function<policy::CacheStats()> source) { cache_ = std::move(source); }
  std::string render_json(TimePoint now) const;
  std::string render_text(TimePoint now) const;
  MetricsSums sums() const;

 private:
  friend class MetricsText;
  struct WorkerEntry {
    std::unique_ptr<WorkerMeter> meter;
    WorkerSources sources;
  };

  policy::CacheStats cache_stats() const;
  exchange::CatalogPtr catalog() const;

  SharedDesk& desk_;
  const SharedLimits& limits_;
  const std::string version_;
  TimePoint started_{};
  std::int64_t started_unix_ = 0;
  LabelPools pools_;
  std::vector<WorkerEntry> workers_;  // constant once they run
  std::function<policy::CacheStats()> cache_;
  mutable std::mutex mutex_;
  exchange::CatalogPtr catalog_;  // guarded by mutex_
  Count reloads_good_, reloads_bad_, last_reload_unix_, last_reload_good_{1};
};

// "5m30s", "1h0m0s", "0s": Go's way to write a duration, in whole seconds.
std::string render_go_duration(std::int64_t seconds);

}  // namespace clasp::daemon
