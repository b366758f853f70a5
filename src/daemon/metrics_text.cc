// See metrics_text.h. Names follow Prometheus' conventions: base units, _total for what only
// rises. docs/operating.md has the table; a test holds the two together.
#include "daemon/metrics_text.h"

#include <prometheus/text_serializer.h>

#include <limits>
#include <sstream>

namespace clasp::daemon {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;

constexpr double kMicro = 1e-6, kNano = 1e-9;

double number(std::uint64_t value) {
  return static_cast<double>(value);
}

void add_to(Count& all, const Count& one) {
  all += one;
}
void add_to(ModelCounts& all, const ModelCounts& one) {
  all.input += one.input;
  all.output += one.output;
  all.cached += one.cached;
  all.cache_write += one.cache_write;
  all.cost += one.cost;
  all.tool_calls += one.tool_calls;
}
void add_to(ClientCounts& all, const ClientCounts& one) {
  all.completed += one.completed;
  all.failed += one.failed;
  all.left += one.left;
  all.input += one.input;
  all.output += one.output;
  all.cost += one.cost;
}

std::string name_of(const std::vector<std::string>& names, NameId id) {
  return id < names.size() ? names[id] : "other";
}

std::string status_text(std::uint16_t status) {
  if (status == 0) return "none";
  return status < 10 ? std::to_string(status) + "xx" : std::to_string(status);
}

std::string route_text(std::uint8_t route) {
  if (route == RequestLabels::kNoRoute) return "unknown";
  if (route == RequestLabels::kPreflight) return "preflight";
  return std::string(exchange::endpoint_name(static_cast<exchange::Endpoint>(route)));
}

std::string cache_text(exchange::CacheUse use) {
  switch (use) {
    case exchange::CacheUse::off:
      return "off";
    case exchange::CacheUse::miss:
      return "miss";
    case exchange::CacheUse::hit:
      return "hit";
    case exchange::CacheUse::coalesced:
      return "coalesced";
  }
  return "off";
}

std::vector<ClientMetric::Label> make_labels(
    const std::vector<std::pair<std::string_view, std::string>>& labels) {
  std::vector<ClientMetric::Label> out;
  for (const auto& [name, value] : labels) out.push_back({std::string(name), value});
  return out;
}

}  // namespace

void MetricsText::Family::count(double value, const Labels& labels) {
  ClientMetric metric;
  metric.label = make_labels(labels);
  metric.counter.value = value;
  family->metric.push_back(std::move(metric));
}

void MetricsText::Family::gauge(double value, const Labels& labels) {
  ClientMetric metric;
  metric.label = make_labels(labels);
  metric.gauge.value = value;
  family->metric.push_back(std::move(metric));
}

void MetricsText::Family::histogram(const Histogram::Reading& reading, const Labels& labels) {
  ClientMetric metric;
  metric.label = make_labels(labels);
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < reading.limits.size(); ++i) {
    below += reading.buckets[i];
    metric.histogram.bucket.push_back({below, static_cast<double>(reading.limits[i]) * kMicro});
  }
  metric.histogram.sample_count = reading.count();
  metric.histogram.bucket.push_back(
      {metric.histogram.sample_count, std::numeric_limits<double>::infinity()});
  metric.histogram.sample_sum = number(reading.sum_us) * kMicro;
  family->metric.push_back(std::move(metric));
}

MetricsText::Family MetricsText::add(std::string name, std::string help, MetricType type) {
  families_.push_back(std::make_unique<prometheus::MetricFamily>());
  families_.back()->name = std::move(name);
  families_.back()->help = std::move(help);
  families_.back()->type = type;
  return {families_.back().get()};
}
MetricsText::Family MetricsText::counter(std::string name, std::string help) {
  return add(std::move(name), std::move(help), MetricType::Counter);
}
MetricsText::Family MetricsText::gauge(std::string name, std::string help) {
  return add(std::move(name), std::move(help), MetricType::Gauge);
}
MetricsText::Family MetricsText::histogram(std::string name, std::string help) {
  return add(std::move(name), std::move(help), MetricType::Histogram);
}

template <class Value>
std::map<std::uint64_t, Value> MetricsText::sum(SeriesTable<Value> WorkerMeter::*table) {
  std::map<std::uint64_t, Value> out;
  for (const auto& entry : metrics_.workers_)
    ((*entry.meter).*table).each([&out](std::uint64_t key, const Value& value) {
      add_to(out[key], value);
    });
  read_names();
  return out;
}

MetricsText::MetricsText(const Metrics& metrics) : metrics_(metrics) {}

// After the series were read: a name has its number before a series has it.
void MetricsText::read_names() {
  backends_ = metrics_.pools_.backends.names();
  models_ = metrics_.pools_.models.names();
  clients_ = metrics_.pools_.clients.names();
  warnings_ = metrics_.pools_.warnings.names();
}

std::string MetricsText::backend_name(NameId id) const {
  return id == RequestLabels::kNoBackend ? "none" : name_of(backends_, id);
}

void MetricsText::add_requests() {
  Family requests = counter("clasp_requests_total", "Requests that were answered or given up.");
  for (const auto& [key, count] : sum(&WorkerMeter::requests)) {
    const RequestLabels labels = RequestLabels::unpack(key);
    requests.count(number(count),
                   {{"route", route_text(labels.route)},
                    {"backend", backend_name(labels.backend)},
                    {"status", status_text(labels.status)},
                    {"outcome", std::string(exchange::render_outcome(labels.outcome))},
                    {"stream", labels.stream ? "true" : "false"},
                    {"cache", cache_text(labels.cache)}});
  }
  Family errors = counter("clasp_http_errors_total",
                          "Requests that the HTTP server refused before they had a route.");
  for (const auto& [status, count] : sum(&WorkerMeter::http_errors))
    errors.count(number(count), {{"status", status_text(static_cast<std::uint16_t>(status))}});
  Family refused = counter("clasp_refused_total", "Requests that were not let in, by reason.");
  for (std::size_t i = 0; i < kRefusals; ++i) {
    std::uint64_t all = 0;
    for (const auto& entry : metrics_.workers_) all += entry.meter->refused[i];
    refused.count(number(all), {{"reason", std::string(refused_name(static_cast<Refused>(i)))}});
  }
  const RefusedCounts limited = metrics_.limits_.refused();
  refused.count(number(limited.requests), {{"reason", "requests"}});
  refused.count(number(limited.tokens), {{"reason", "tokens"}});
  refused.count(number(limited.concurrency), {{"reason", "concurrency"}});
  refused.count(number(limited.budget), {{"reason", "budget"}});
}

void MetricsText::add_times() {
  struct Sums {
    Histogram::Reading plain, streamed, first, gaps;
  };
  std::map<std::uint64_t, Sums> sums;
  for (const auto& entry : metrics_.workers_)
    entry.meter->times.each([&sums](std::uint64_t backend, const BackendTimes& times) {
      Sums& all = sums[backend];
      all.plain.add(times.plain.read());
      all.streamed.add(times.streamed.read());
      all.first.add(times.first.read());
      all.gaps.add(times.gaps.read());
    });
  read_names();
  Family total = histogram("clasp_request_duration_seconds",
                           "From a complete request to its complete answer, of completed ones.");
  Family first = histogram("clasp_time_to_first_token_seconds",
                           "From a complete request to the first content of its stream.");
  Family gaps = histogram("clasp_inter_token_seconds",
                          "Between two pieces of content of a stream, as they reach the client.");
  for (const auto& [id, all] : sums) {
    const std::string name = backend_name(static_cast<NameId>(id));
    total.histogram(all.plain, {{"backend", name}, {"stream", "false"}});
    total.histogram(all.streamed, {{"backend", name}, {"stream", "true"}});
    first.histogram(all.first, {{"backend", name}});
    gaps.histogram(all.gaps, {{"backend", name}});
  }
  Histogram::Reading waits;
  for (const auto& entry : metrics_.workers_) waits.add(entry.meter->queue_wait.read());
  histogram("clasp_queue_wait_seconds", "Spent waiting for a backend, of requests that waited.")
      .histogram(waits);
}

void MetricsText::add_models() {
  const auto models = sum(&WorkerMeter::models);
  Family tokens = counter("clasp_tokens_total",
                          "Tokens; cached and cache_write are parts of input, not besides it.");
  Family calls = counter("clasp_tool_calls_total", "Tool calls in answers.");
  Family cost = counter("clasp_cost_dollars_total", "Cost of answers by the price table.");
  for (const auto& [key, counts] : models) {
    const std::string backend = backend_name(static_cast<NameId>(key >> 16)),
                      model = name_of(models_, static_cast<NameId>(key));
    const auto add_kind = [&](const char* kind, std::uint64_t value) {
      tokens.count(number(value), {{"backend", backend}, {"model", model}, {"kind", kind}});
    };
    add_kind("input", counts.input);
    add_kind("output", counts.output);
    add_kind("cached", counts.cached);
    add_kind("cache_write", counts.cache_write);
    calls.count(number(counts.tool_calls), {{"backend", backend}, {"model", model}});
    cost.count(number(counts.cost) * kNano, {{"backend", backend}, {"model", model}});
  }
}

void MetricsText::add_clients() {
  Family requests = counter("clasp_client_requests_total", "Requests for messages by client.");
  Family tokens = counter("clasp_client_tokens_total", "Tokens by client.");
  Family cost = counter("clasp_client_cost_dollars_total", "Cost by client.");
  for (const auto& [id, counts] : sum(&WorkerMeter::clients)) {
    const std::string client =
        id == WorkerMeter::kStranger ? "none" : name_of(clients_, static_cast<NameId>(id));
    requests.count(number(counts.completed), {{"client", client}, {"outcome", "completed"}});
    requests.count(number(counts.failed), {{"client", client}, {"outcome", "failed"}});
    requests.count(number(counts.left), {{"client", client}, {"outcome", "client_left"}});
    tokens.count(number(counts.input), {{"client", client}, {"kind", "input"}});
    tokens.count(number(counts.output), {{"client", client}, {"kind", "output"}});
    cost.count(number(counts.cost) * kNano, {{"client", client}});
  }
}

void MetricsText::add_rest_of_workers() {
  Family warnings = counter("clasp_translation_warnings_total",
                            "Requests with something that could not be passed on, by what.");
  for (const auto& [id, count] : sum(&WorkerMeter::warnings))
    warnings.count(number(count), {{"warning", name_of(warnings_, static_cast<NameId>(id))}});
  std::uint64_t running = 0, streams = 0;
  for (const auto& entry : metrics_.workers_) {
    running += entry.meter->in_flight;
    streams += entry.meter->open_streams;
  }
  gauge("clasp_requests_in_flight", "Requests for messages under way.").gauge(number(running));
  gauge("clasp_open_streams", "Of these, streams.").gauge(number(streams));
}

std::string MetricsText::render(TimePoint now) {
  add_requests();
  add_times();
  add_models();
  add_clients();
  add_rest_of_workers();
  add_connections();
  add_desk(metrics_.desk_.snapshot(now));
  add_cache();
  add_process();
  std::vector<prometheus::MetricFamily> families;
  for (auto& family : families_)
    if (!family->metric.empty()) families.push_back(std::move(*family));
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return std::move(out).str();
}

std::string Metrics::render_text(TimePoint now) const {
  return MetricsText(*this).render(now);
}

}  // namespace clasp::daemon
