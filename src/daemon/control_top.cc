// See control_top.h.
#include "daemon/control_top.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>

#include "base/text.h"
#include "daemon/control_desk.h"
#include "daemon/control_live.h"
#include "daemon/endpoints.h"
#include "daemon/health_answers.h"

namespace clasp::daemon {

namespace {

// The oldest; they are on a screen.
constexpr std::size_t kMostShown = 500;

json_t* dollars(std::uint64_t nano) {
  char text[48];
  std::snprintf(text, sizeof text, "%.6f", static_cast<double>(nano) / 1e9);
  return json_string(text);
}

// The buckets of a histogram: each by itself, the last one without a limit.
json_t* buckets(const Histogram::Reading& reading) {
  json_t* out = json_array();
  for (std::size_t i = 0; i <= reading.limits.size(); ++i)
    json_array_append_new(out, json_integer(static_cast<json_int_t>(reading.buckets[i])));
  return out;
}

json_t* limits(const Histogram::Reading& reading) {
  json_t* out = json_array();
  for (const std::int64_t us : reading.limits)
    json_array_append_new(out, json_real(static_cast<double>(us) / 1000));
  return out;
}

void add_requests(json_t* root, const MetricsSums& sums) {
  json_t* requests = json_object();
  set_count(requests, "total", sums.exchanges);
  set_count(requests, "completed", sums.completed);
  set_count(requests, "failed", sums.failed);
  set_count(requests, "client_left", sums.left);
  set_count(requests, "refused", sums.refused);
  set_count(requests, "in_flight", sums.in_flight);
  set_count(requests, "open_streams", sums.open_streams);
  set(root, "requests", requests);
  json_t* tokens = json_object();
  set_count(tokens, "input", sums.input);
  set_count(tokens, "output", sums.output);
  set_count(tokens, "cached", sums.cached);
  set(root, "tokens", tokens);
  set(root, "cost_usd", dollars(sums.cost));
  set(root, "latency_limits_ms", limits(sums.all.total));
  set(root, "latency_counts", buckets(sums.all.total));
  set(root, "first_content_limits_ms", limits(sums.all.first));
  set(root, "first_content_counts", buckets(sums.all.first));
}

void add_backends(json_t* root, const ControlDesk& desk, const MetricsSums& sums,
                  const policy::DeskStatus& books, TimePoint now) {
  const exchange::CatalogPtr catalog = desk.deeds.catalog();
  json_t* list = json_array();
  for (const auto& [backend, status] : backend_pairs(*catalog, books)) {
    json_t* one = make_backend_object(*backend, *status, catalog->settings->breaker.enabled, now);
    const auto found = sums.backends.find(backend->settings.name);
    MetricsSums::OfBackend none;
    none.total.limits = sums.all.total.limits;
    none.first.limits = sums.all.first.limits;
    const MetricsSums::OfBackend& counts = found == sums.backends.end() ? none : found->second;
    set_count(one, "input_tokens", counts.input);
    set_count(one, "output_tokens", counts.output);
    set(one, "latency_counts", buckets(counts.total));
    set(one, "first_content_counts", buckets(counts.first));
    json_array_append_new(list, one);
  }
  set(root, "backends", list);
}

void add_clients(json_t* root, const MetricsSums& sums,
                 const std::vector<exchange::ExchangeInfo>& running) {
  std::map<std::string, MetricsSums::OfClient> clients = sums.clients;
  std::map<std::string, std::uint64_t> in_flight;
  for (const exchange::ExchangeInfo& info : running) {
    ++in_flight[info.client_name];
    clients[info.client_name];
  }
  json_t* list = json_array();
  for (const auto& [name, counts] : clients) {
    json_t* one = json_object();
    if (!name.empty()) set(one, "name", scrub_utf8(name));
    set_count(one, "in_flight", in_flight[name]);
    set_count(one, "completed", counts.completed);
    set_count(one, "failed", counts.failed);
    set_count(one, "client_left", counts.left);
    set_count(one, "input_tokens", counts.input);
    set_count(one, "output_tokens", counts.output);
    set(one, "cost_usd", dollars(counts.cost));
    json_array_append_new(list, one);
  }
  set(root, "clients", list);
}

void add_exchanges(json_t* root, std::vector<exchange::ExchangeInfo>& running) {
  std::stable_sort(running.begin(), running.end(),
                   [](const auto& a, const auto& b) { return a.age_ms > b.age_ms; });
  const std::size_t shown = std::min(running.size(), kMostShown);
  json_t* list = json_array();
  for (std::size_t i = 0; i < shown; ++i)
    json_array_append_new(list, make_exchange_object(running[i]));
  set(root, "exchanges", list);
  set_count(root, "exchanges_left_out", running.size() - shown);
}

void send_top(ControlDesk& desk, const ControlReplyPtr& reply, WorkerWord word,
              std::size_t silent) {
  const TimePoint now = desk.scheduler.now();
  const policy::DeskStatus books = desk.desk.snapshot(now);
  const MetricsSums sums = desk.metrics.sums();
  const auto up = std::chrono::duration_cast<std::chrono::milliseconds>(now - desk.started).count();
  const JsonPtr root(json_object());
  set(root.get(), "state", health_word(books, desk.deeds.draining()));
  set(root.get(), "version", desk.version);
  set_count(root.get(), "pid", static_cast<std::uint64_t>(getpid()));
  set_count(root.get(), "uptime_ms", static_cast<std::uint64_t>(std::max<std::int64_t>(0, up)));
  set_count(root.get(), "workers", desk.deeds.workers());
  set_count(root.get(), "silent_workers", silent);
  set_count(root.get(), "resident_bytes", resident_bytes());
  add_requests(root.get(), sums);
  if (books.queue.enabled) set(root.get(), "queue", make_full_queue_object(books.queue));
  add_backends(root.get(), desk, sums, books, now);
  add_clients(root.get(), sums, word.exchanges);
  add_exchanges(root.get(), word.exchanges);
  reply->send(200, root);
}

}  // namespace

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

void show_top(ControlDesk& desk, ControlCall& call) {
  desk.polls.ask([](Endpoints& endpoints) { return WorkerWord{endpoints.list(kMostExchanges)}; },
                 [&desk, reply = call.reply](WorkerWord word, std::size_t silent) {
                   if (!reply->gone()) send_top(desk, reply, std::move(word), silent);
                 });
}

}  // namespace clasp::daemon
