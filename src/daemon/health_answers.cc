// See health_answers.h.
#include "daemon/health_answers.h"
#include "daemon/json_tree.h"

#include <algorithm>

namespace clasp::daemon {

namespace {

using policy::BackendStatus;
using policy::BreakerState;
using policy::DeskStatus;
using policy::HealthState;

void set_seconds_ago(json_t* object, const char* name, TimePoint then, TimePoint now) {
  const auto past = std::chrono::duration_cast<std::chrono::seconds>(now - then).count();
  set_count(object, name, static_cast<std::uint64_t>(std::max<std::int64_t>(0, past)));
}

bool is_open(const BackendStatus& backend) {
  return backend.breaker.state != BreakerState::closed;
}

bool is_bad(const BackendStatus& backend) {
  return is_open(backend) || backend.health.state == HealthState::down;
}

json_t* breaker_object(const BackendStatus& backend) {
  json_t* out = json_object();
  set(out, "state", policy::breaker_state_name(backend.breaker.state));
  set(out, "open", json_boolean(backend.breaker.state == BreakerState::open));
  return out;
}

// The short form, one per backend in /health.
json_t* short_object(const exchange::Backend& backend, const BackendStatus& status, bool breaker) {
  json_t* out = json_object();
  set(out, "provider", backend.settings.provider);
  set(out, "state", policy::health_name(status.health.state));
  if (status.admin != policy::AdminState::enabled)
    set(out, "admin", policy::admin_state_name(status.admin));
  if (breaker) set(out, "circuit_breaker", policy::breaker_state_name(status.breaker.state));
  set_count(out, "in_flight", status.in_flight);
  return out;
}

json_t* failures_object(const BackendStatus& status) {
  json_t* out = json_object();
  for (std::size_t i = 1; i < policy::kFailureClasses; ++i)
    if (status.failures[i] > 0)
      set_count(out, policy::class_name(static_cast<policy::FailureClass>(i)).data(),
                status.failures[i]);
  return out;
}

json_t* long_breaker_object(const BackendStatus& status, TimePoint now) {
  json_t* out = breaker_object(status);
  set_count(out, "times_opened", status.breaker.times_opened);
  set_count(out, "failures_in_row", status.breaker.failures_in_row);
  if (status.breaker.times_opened > 0)
    set_seconds_ago(out, "in_this_state_seconds", status.breaker.since, now);
  if (status.breaker.state == BreakerState::open &&
      status.breaker.retry_after != policy::Breaker::kForever)
    set_count(out, "retry_after_ms",
              static_cast<std::uint64_t>(status.breaker.retry_after.count()));
  return out;
}

void add_health(json_t* out, const policy::HealthStatus& health, TimePoint now) {
  set(out, "state", policy::health_name(health.state));
  if (health.last_error != policy::FailureClass::none) {
    set(out, "last_error", policy::class_name(health.last_error));
    set_seconds_ago(out, "last_error_seconds_ago", health.last_error_at, now);
  }
  if (health.succeeded)
    set_seconds_ago(out, "last_success_seconds_ago", health.last_success_at, now);
  if (!health.probed) return;
  json_t* probe = json_object();
  set(probe, "ok", json_boolean(health.probe_ok));
  set_seconds_ago(probe, "seconds_ago", health.probed_at, now);
  set(out, "probe", probe);
}

}  // namespace

json_t* make_backend_object(const exchange::Backend& backend, const BackendStatus& status,
                            bool breaker, TimePoint now) {
  json_t* out = json_object();
  set(out, "name", backend.settings.name);
  set(out, "provider", backend.settings.provider);
  set(out, "admin", policy::admin_state_name(status.admin));
  add_health(out, status.health, now);
  if (breaker) set(out, "circuit_breaker", long_breaker_object(status, now));
  set_count(out, "in_flight", status.in_flight);
  set_count(out, "max_concurrency", status.max_concurrency);
  set_count(out, "waiting", status.waiting);
  set_count(out, "attempts", status.attempts);
  set_count(out, "successes", status.successes);
  set(out, "failures", failures_object(status));
  set_count(out, "retries", status.retries);
  set_count(out, "fallbacks", status.fallbacks);
  set_count(out, "latency_ms", static_cast<std::uint64_t>(status.latency.count()));
  set_count(out, "first_content_ms", static_cast<std::uint64_t>(status.first_content.count()));
  set_count(out, "keys", status.keys);
  set_count(out, "keys_resting", status.keys_resting);
  return out;
}

std::vector<std::pair<const exchange::Backend*, const BackendStatus*>> backend_pairs(
    const exchange::Catalog& catalog, const DeskStatus& desk) {
  std::vector<std::pair<const exchange::Backend*, const BackendStatus*>> out;
  for (std::size_t i = 0; i < std::min(catalog.backends.size(), catalog.desk_ids.size()); ++i)
    for (const BackendStatus& status : desk.backends)
      if (status.id == catalog.desk_ids[i]) out.emplace_back(&catalog.backends[i], &status);
  return out;
}

json_t* make_queue_object(const policy::QueueStatus& queue) {
  json_t* out = json_object();
  set_count(out, "waiting", queue.waiting);
  set_count(out, "max_size", queue.max_size);
  set_count(out, "longest_wait_ms", static_cast<std::uint64_t>(queue.longest_now.count()));
  set_count(out, "granted", queue.granted);
  set_count(out, "expired", queue.expired);
  set_count(out, "rejected", queue.rejected);
  set_count(out, "left", queue.left);
  return out;
}

std::string render_uptime(std::int64_t seconds) {
  const std::int64_t days = seconds / 86400, hours = seconds / 3600 % 24,
                     minutes = seconds / 60 % 60;
  if (days > 0) return std::to_string(days) + "d" + std::to_string(hours) + "h";
  if (hours > 0) return std::to_string(hours) + "h" + std::to_string(minutes) + "m";
  if (minutes > 0) return std::to_string(minutes) + "m" + std::to_string(seconds % 60) + "s";
  return std::to_string(seconds) + "s";
}

std::string_view health_word(const DeskStatus& desk, bool draining) {
  if (draining) return "draining";
  return std::any_of(desk.backends.begin(), desk.backends.end(), is_bad) ? "degraded" : "healthy";
}

std::string render_health(const exchange::Catalog& catalog, const DeskStatus& desk,
                          const HealthFacts& facts) {
  const bool breaker = catalog.settings->breaker.enabled;
  const auto up = std::chrono::duration_cast<std::chrono::seconds>(facts.now - facts.started);
  const JsonPtr root(json_object());
  set(root.get(), "status", health_word(desk, facts.draining));
  set(root.get(), "provider", catalog.backends.front().settings.provider);
  set(root.get(), "version", facts.version);
  set(root.get(), "uptime", render_uptime(up.count()));
  if (breaker && !desk.backends.empty())
    set(root.get(), "circuit_breaker", breaker_object(desk.backends.front()));
  if (desk.queue.enabled) set(root.get(), "queue", make_queue_object(desk.queue));
  json_t* providers = json_object();
  for (const auto& [backend, status] : backend_pairs(catalog, desk))
    set(providers, backend->settings.name.c_str(), short_object(*backend, *status, breaker));
  set(root.get(), "providers", providers);
  return dump_json(root);
}

std::string render_providers_health(const exchange::Catalog& catalog, const DeskStatus& desk,
                                    const HealthFacts& facts) {
  const JsonPtr root(json_object());
  set(root.get(), "status", health_word(desk, facts.draining));
  json_t* list = json_array();
  for (const auto& [backend, status] : backend_pairs(catalog, desk))
    json_array_append_new(
        list, make_backend_object(*backend, *status, catalog.settings->breaker.enabled, facts.now));
  set(root.get(), "providers", list);
  if (desk.queue.enabled) set(root.get(), "queue", make_queue_object(desk.queue));
  return dump_json(root);
}

}  // namespace clasp::daemon
