// See metrics.h.
#include "daemon/metrics.h"

#include <cstdio>

#include "daemon/json_tree.h"

namespace clasp::daemon {

namespace {

// As text with two decimals, which is what this interface always had.
void set_decimal(json_t* object, const char* name, double value, const char* unit = "") {
  char text[48];
  std::snprintf(text, sizeof text, "%.2f%s", value, unit);
  set(object, name, json_string(text));
}

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

void add(Totals& all, const Totals& one) {
  all.exchanges += one.exchanges;
  all.completed += one.completed;
  all.failed += one.failed;
  all.left += one.left;
  all.streams += one.streams;
  all.tool_calls += one.tool_calls;
  all.completed_us += one.completed_us;
  all.first_count += one.first_count;
  all.first_us += one.first_us;
  all.input += one.input;
  all.output += one.output;
  all.cached += one.cached;
  all.cost += one.cost;
}

json_t* cache_object(const policy::CacheStats& cache) {
  json_t* out = json_object();
  set(out, "enabled", json_boolean(cache.enabled));
  set_count(out, "size", cache.entries);
  set_count(out, "max_size", cache.max_entries);
  set_count(out, "hits", cache.hits);
  set_count(out, "misses", cache.misses);
  set_decimal(out, "hit_rate", 100 * ratio(cache.hits, cache.hits + cache.misses), "%");
  set_count(out, "coalesced", cache.coalesced);
  set_count(out, "bytes", cache.bytes);
  return out;
}

json_t* tokens_object(const Totals& all) {
  json_t* out = json_object();
  set_count(out, "input", all.input);
  set_count(out, "output", all.output);
  set_count(out, "cached", all.cached);
  return out;
}

}  // namespace

std::string render_go_duration(std::int64_t seconds) {
  std::string out;
  if (seconds >= 3600) out = std::to_string(seconds / 3600) + "h";
  if (seconds >= 60) out += std::to_string(seconds / 60 % 60) + "m";
  return out + std::to_string(seconds % 60) + "s";
}

Metrics::Metrics(SharedDesk& desk, const SharedLimits& limits, std::string version)
    : desk_(desk), limits_(limits), version_(std::move(version)) {}

WorkerMeter& Metrics::add_worker() {
  workers_.push_back({std::make_unique<WorkerMeter>(pools_), {}});
  return *workers_.back().meter;
}

void Metrics::set_sources(const WorkerMeter& worker, WorkerSources sources) {
  for (WorkerEntry& entry : workers_)
    if (entry.meter.get() == &worker) entry.sources = sources;
}

void Metrics::set_started(TimePoint now, std::int64_t unix_seconds) {
  started_ = now;
  started_unix_ = unix_seconds;
  last_reload_unix_.set(static_cast<std::uint64_t>(unix_seconds));
}

// What the configuration names has a place among the labels, whatever clients ask for.
void Metrics::set_catalog(exchange::CatalogPtr catalog) {
  const config::Settings& settings = *catalog->settings;
  for (const exchange::Backend& backend : catalog->backends) {
    pools_.backends.reserve(backend.settings.name);
    pools_.models.reserve(backend.settings.model);
  }
  for (const config::ClientSettings& client : settings.auth.clients)
    pools_.clients.reserve(client.name);
  for (const std::string* model : {&settings.models.default_model, &settings.models.opus,
                                   &settings.models.sonnet, &settings.models.haiku})
    pools_.models.reserve(*model);
  for (const auto& [alias, model] : settings.models.aliases) pools_.models.reserve(model);
  for (const auto& rule : settings.models.rules)
    if (rule.name.find_first_of("*?") == std::string::npos) pools_.models.reserve(rule.name);
  const auto reserve_groups = [this](const std::vector<config::RouteGroup>& groups) {
    for (const auto& group : groups)
      for (const auto& candidate : group) pools_.models.reserve(candidate.model);
  };
  for (const auto& route : settings.routing.routes) reserve_groups(route.groups);
  for (const auto* tier : {&settings.routing.opus, &settings.routing.sonnet,
                           &settings.routing.haiku, &settings.routing.fallbacks})
    reserve_groups(*tier);
  const std::lock_guard lock(mutex_);
  catalog_ = std::move(catalog);
}

exchange::CatalogPtr Metrics::catalog() const {
  const std::lock_guard lock(mutex_);
  return catalog_;
}

void Metrics::on_reload(bool good, std::int64_t unix_seconds) {
  ++(good ? reloads_good_ : reloads_bad_);
  last_reload_good_.set(good ? 1 : 0);
  if (good) last_reload_unix_.set(static_cast<std::uint64_t>(unix_seconds));
}

policy::CacheStats Metrics::cache_stats() const {
  return cache_ ? cache_() : policy::CacheStats{};
}

std::uint64_t Metrics::in_flight() const {
  std::uint64_t sum = 0;
  for (const WorkerEntry& entry : workers_) sum += entry.meter->in_flight;
  return sum;
}

std::string Metrics::render_json(TimePoint now) const {
  Totals all;
  const RefusedCounts limited = limits_.refused();
  std::uint64_t refused = limited.requests + limited.tokens + limited.concurrency + limited.budget;
  std::uint64_t in_flight = 0, streams = 0;
  for (const WorkerEntry& entry : workers_) {
    add(all, entry.meter->totals);
    in_flight += entry.meter->in_flight;
    streams += entry.meter->open_streams;
    for (const Count& count : entry.meter->refused) refused += count;
  }
  const auto up = std::chrono::duration_cast<std::chrono::milliseconds>(now - started_).count();
  const JsonPtr root(json_object());
  json_t* requests = json_object();
  set_count(requests, "total", all.exchanges);
  set_count(requests, "successful", all.completed);
  set_count(requests, "errors", all.failed);
  set_count(requests, "client_left", all.left);
  set_count(requests, "streaming", all.streams);
  set_count(requests, "tool_calls", all.tool_calls);
  set_decimal(requests, "success_rate", 100 * ratio(all.completed, all.completed + all.failed),
              "%");
  set_count(requests, "in_flight", in_flight);
  set_count(requests, "open_streams", streams);
  set_count(requests, "refused", refused);
  set(root.get(), "requests", requests);
  json_t* performance = json_object();
  set_decimal(performance, "avg_latency_ms", ratio(all.completed_us, all.completed) / 1000);
  set_decimal(performance, "avg_first_content_ms", ratio(all.first_us, all.first_count) / 1000);
  set_decimal(performance, "requests_per_sec",
              up <= 0 ? 0 : 1000.0 * static_cast<double>(all.exchanges) / static_cast<double>(up));
  set(root.get(), "performance", performance);
  set(root.get(), "cache", cache_object(cache_stats()));
  set(root.get(), "tokens", tokens_object(all));
  json_t* cost = json_object();
  char dollars[48];
  std::snprintf(dollars, sizeof dollars, "%.6f", static_cast<double>(all.cost) / 1e9);
  set(cost, "dollars", json_string(dollars));
  set(root.get(), "cost", cost);
  set(root.get(), "uptime", json_string(render_go_duration(up / 1000).c_str()));
  return dump_json(root);
}

}  // namespace clasp::daemon
