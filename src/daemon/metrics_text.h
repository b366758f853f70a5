// GET /metrics/prometheus: everything as families of the Prometheus text format. The library only
// writes them; it counts nothing here, since its counters and histograms lock or share lines.
#pragma once

#include <prometheus/metric_family.h>

#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/metrics.h"

namespace clasp::daemon {

class MetricsText {
 public:
  explicit MetricsText(const Metrics& metrics);
  std::string render(TimePoint now);

 private:
  using Labels = std::vector<std::pair<std::string_view, std::string>>;
  struct Family {
    prometheus::MetricFamily* family;
    void count(double value, const Labels& labels = {});
    void gauge(double value, const Labels& labels = {});
    void histogram(const Histogram::Reading& reading, const Labels& labels = {});
  };

  Family counter(std::string name, std::string help);
  Family gauge(std::string name, std::string help);
  Family histogram(std::string name, std::string help);
  Family add(std::string name, std::string help, prometheus::MetricType type);

  template <class Value>
  std::map<std::uint64_t, Value> sum(SeriesTable<Value> WorkerMeter::*table);
  void read_names();

  void add_requests();
  void add_times();
  void add_models();
  void add_clients();
  void add_rest_of_workers();
  void add_connections();
  void add_desk(const policy::DeskStatus& desk);
  void add_queue(const policy::QueueStatus& queue);
  void add_cache();
  void add_process();

  std::string backend_name(NameId id) const;

  const Metrics& metrics_;
  std::vector<std::string> backends_, models_, clients_, warnings_;  // names by id
  std::vector<std::unique_ptr<prometheus::MetricFamily>> families_;
};

}  // namespace clasp::daemon
