// See metrics_sums.h.
#include "daemon/metrics_sums.h"

#include "daemon/metrics.h"

namespace clasp::daemon {

namespace {

void add(MetricsSums& sums, const WorkerMeter& meter) {
  sums.exchanges += meter.totals.exchanges;
  sums.completed += meter.totals.completed;
  sums.failed += meter.totals.failed;
  sums.left += meter.totals.left;
  sums.input += meter.totals.input;
  sums.output += meter.totals.output;
  sums.cached += meter.totals.cached;
  sums.cost += meter.totals.cost;
  sums.in_flight += meter.in_flight;
  sums.open_streams += meter.open_streams;
  for (const Count& count : meter.refused) sums.refused += count;
}

void add(MetricsSums::OfBackend& sums, const BackendTimes& times) {
  sums.total.add(times.plain.read());
  sums.total.add(times.streamed.read());
  sums.first.add(times.first.read());
}

}  // namespace

MetricsSums Metrics::sums() const {
  MetricsSums out;
  std::map<std::uint64_t, MetricsSums::OfBackend> backends;
  std::map<std::uint64_t, MetricsSums::OfClient> clients;
  const RefusedCounts limited = limits_.refused();
  out.refused = limited.requests + limited.tokens + limited.concurrency + limited.budget;
  // Limits are there before the first request.
  const BackendTimes none;
  add(out.all, none);
  for (const WorkerEntry& entry : workers_) {
    add(out, *entry.meter);
    entry.meter->times.each([&](std::uint64_t id, const BackendTimes& times) {
      add(backends[id], times);
      add(out.all, times);
    });
    entry.meter->models.each([&](std::uint64_t key, const ModelCounts& counts) {
      backends[key >> 16].input += counts.input;
      backends[key >> 16].output += counts.output;
    });
    entry.meter->clients.each([&](std::uint64_t id, const ClientCounts& counts) {
      MetricsSums::OfClient& all = clients[id];
      all.completed += counts.completed;
      all.failed += counts.failed;
      all.left += counts.left;
      all.input += counts.input;
      all.output += counts.output;
      all.cost += counts.cost;
    });
  }
  // After the series were read: a name has its number before a series has it.
  const auto backend_names = pools_.backends.names(), client_names = pools_.clients.names();
  for (auto& [id, sums] : backends) {
    add(sums, none);
    if (id < backend_names.size()) out.backends.emplace(backend_names[id], sums);
  }
  for (auto& [id, sums] : clients)
    out.clients.emplace(id < client_names.size() ? client_names[id] : "", sums);
  return out;
}

}  // namespace clasp::daemon
