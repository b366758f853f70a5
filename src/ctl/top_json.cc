// What claspctl top shows, for programs. See top_data.h.
#include <cmath>

#include "ctl/json.h"
#include "ctl/top_data.h"

namespace clasp::ctl {

namespace {

void set(json_t* object, const char* name, json_t* value) {
  json_object_set_new(object, name, value);
}
void set(json_t* object, const char* name, const std::string& value) {
  set(object, name, json_stringn(value.data(), value.size()));
}
void set(json_t* object, const char* name, std::int64_t value) {
  set(object, name, json_integer(value));
}
// Two decimals are enough, and are read better.
void set(json_t* object, const char* name, std::optional<double> value) {
  set(object, name, value ? json_real(std::round(*value * 100) / 100) : json_null());
}

json_t* backend_object(const TopBackend& backend) {
  json_t* out = json_object();
  set(out, "name", backend.name);
  set(out, "state", backend.state);
  set(out, "breaker", backend.breaker);
  set(out, "in_flight", backend.in_flight);
  set(out, "max_concurrency", backend.max_concurrency);
  set(out, "requests_per_second", backend.requests);
  set(out, "failed_per_second", backend.failed);
  set(out, "output_tokens_per_second", backend.tokens);
  set(out, "p50_ms", backend.p50);
  set(out, "p95_ms", backend.p95);
  set(out, "first_content_p50_ms", backend.first_p50);
  return out;
}

json_t* client_object(const TopClient& client) {
  json_t* out = json_object();
  set(out, "name", client.name);
  set(out, "in_flight", client.in_flight);
  set(out, "requests", client.total);
  set(out, "requests_per_second", client.requests);
  set(out, "failed_per_second", client.failed);
  set(out, "output_tokens_per_second", client.tokens);
  set(out, "cost_usd", client.cost);
  return out;
}

json_t* exchange_object(const TopExchange& exchange) {
  json_t* out = json_object();
  set(out, "id", exchange.id);
  set(out, "client", exchange.client);
  set(out, "model", exchange.model);
  set(out, "backend", exchange.backend);
  set(out, "phase", exchange.phase);
  set(out, "stream", json_boolean(exchange.stream));
  set(out, "age_ms", exchange.age_ms);
  set(out, "bytes_out", exchange.bytes);
  return out;
}

template <class Element, class Make>
void set_list(json_t* object, const char* name, const std::vector<Element>& list, Make make) {
  json_t* out = json_array();
  for (const Element& one : list) json_array_append_new(out, make(one));
  set(object, name, out);
}

json_t* queue_object(const TopData& data) {
  if (!data.has_queue) return json_null();
  json_t* out = json_object();
  set(out, "waiting", data.waiting);
  set(out, "max_size", data.queue_size);
  set(out, "longest_wait_ms", data.longest_wait_ms);
  set(out, "paused", json_boolean(data.queue_paused));
  return out;
}

}  // namespace

std::string render_top_json(const TopData& data, std::int64_t unix_seconds) {
  const JsonPtr root(json_object());
  json_t* out = root.get();
  set(out, "time", unix_seconds);
  set(out, "interval_ms", static_cast<std::int64_t>(std::llround(data.seconds * 1000)));
  set(out, "state", data.state);
  set(out, "version", data.version);
  set(out, "pid", data.pid);
  set(out, "uptime_ms", data.uptime_ms);
  set(out, "workers", data.workers);
  set(out, "silent_workers", data.silent_workers);
  set(out, "resident_bytes", data.resident_bytes);
  set(out, "requests", data.total);
  set(out, "in_flight", data.in_flight);
  set(out, "open_streams", data.open_streams);
  set(out, "requests_per_second", data.requests);
  set(out, "failed_per_second", data.failed);
  set(out, "refused_per_second", data.refused);
  set(out, "input_tokens_per_second", data.tokens_in);
  set(out, "output_tokens_per_second", data.tokens_out);
  set(out, "p50_ms", data.p50);
  set(out, "p95_ms", data.p95);
  set(out, "first_content_p50_ms", data.first_p50);
  set(out, "first_content_p95_ms", data.first_p95);
  set(out, "cost_usd", data.cost);
  set(out, "queue", queue_object(data));
  set_list(out, "backends", data.backends, backend_object);
  set_list(out, "clients", data.clients, client_object);
  set_list(out, "exchanges", data.exchanges, exchange_object);
  set(out, "exchanges_left_out", data.exchanges_left_out);
  const std::unique_ptr<char, void (*)(void*)> dumped(
      json_dumps(out, JSON_COMPACT | JSON_REAL_PRECISION(10)), free);
  return std::string(dumped ? dumped.get() : "{}") + "\n";
}

}  // namespace clasp::ctl
