// The part of metrics_text.h that tells of states: connections, backends, queue, cache, process.
#include "daemon/metrics_process.h"
#include "daemon/metrics_text.h"

namespace clasp::daemon {

namespace {

double number(std::uint64_t value) {
  return static_cast<double>(value);
}

// As the gauge shows it; the more the worse.
int breaker_value(policy::BreakerState state) {
  switch (state) {
    case policy::BreakerState::closed:
      return 0;
    case policy::BreakerState::half_open:
      return 1;
    case policy::BreakerState::open:
      return 2;
  }
  return 0;
}

}  // namespace

void MetricsText::add_connections() {
  HttpCounters http;
  BackendCounters backend;
  Family open = gauge("clasp_client_connections", "Open connections of clients.");
  for (std::size_t i = 0; i < metrics_.workers_.size(); ++i) {
    const auto& sources = metrics_.workers_[i].sources;
    if (sources.http == nullptr || sources.backend == nullptr) continue;
    http.accepted += sources.http->accepted;
    http.bytes_in += sources.http->bytes_in;
    http.bytes_out += sources.http->bytes_out;
    http.handshakes += sources.http->handshakes;
    http.prefaces_refused += sources.http->prefaces_refused;
    // By worker: the kernel spreads them, and one that gets too many would show here.
    open.gauge(number(sources.http->open), {{"worker", std::to_string(i)}});
    const BackendCounters one = sources.backend->counters();
    backend.opened += one.opened;
    backend.reused += one.reused;
    backend.retried += one.retried;
    backend.bytes_in += one.bytes_in;
    backend.bytes_out += one.bytes_out;
    backend.idle += one.idle;
    backend.active += one.active;
  }
  counter("clasp_client_connections_total", "Connections accepted.").count(number(http.accepted));
  Family handshakes = counter("clasp_tls_handshakes_total", "TLS connections of clients.");
  handshakes.count(number(http.handshakes), {{"result", "ok"}});
  handshakes.count(number(http.prefaces_refused), {{"result", "failed"}});
  counter("clasp_client_received_bytes_total", "Bytes read from clients.")
      .count(number(http.bytes_in));
  counter("clasp_client_sent_bytes_total", "Bytes written to clients.")
      .count(number(http.bytes_out));
  Family pool = gauge("clasp_backend_connections", "Connections to backends.");
  pool.gauge(number(backend.active), {{"state", "active"}});
  pool.gauge(number(backend.idle), {{"state", "idle"}});
  counter("clasp_backend_connections_total", "Connections opened to backends.")
      .count(number(backend.opened));
  counter("clasp_backend_connections_reused_total", "Calls on a connection that was open already.")
      .count(number(backend.reused));
  counter("clasp_backend_connections_retried_total",
          "Calls begun again because a kept connection had gone.")
      .count(number(backend.retried));
  counter("clasp_backend_received_bytes_total", "Bytes read from backends.")
      .count(number(backend.bytes_in));
  counter("clasp_backend_sent_bytes_total", "Bytes written to backends.")
      .count(number(backend.bytes_out));
}

void MetricsText::add_desk(const policy::DeskStatus& desk) {
  Family attempts = counter("clasp_backend_attempts_total", "Attempts at a backend.");
  Family failures = counter("clasp_backend_failures_total", "Attempts that failed, by reason.");
  Family retries = counter("clasp_backend_retries_total", "Attempts repeated at the same backend.");
  Family fallbacks =
      counter("clasp_backend_fallbacks_total", "Requests that went on to another backend.");
  Family running = gauge("clasp_backend_in_flight", "Attempts under way.");
  Family waiting = gauge("clasp_backend_waiting", "Requests in the queue that would go there.");
  Family up = gauge("clasp_backend_up", "0 when the backend is known to be down.");
  Family breaker = gauge("clasp_breaker_state", "Circuit breaker: 0 closed, 1 half open, 2 open.");
  Family opened = counter("clasp_breaker_opened_total", "How often the circuit breaker opened.");
  Family keys = gauge("clasp_backend_keys_resting", "Keys that were refused and rest.");
  for (const policy::BackendStatus& one : desk.backends) {
    const Labels labels = {{"backend", one.name}};
    attempts.count(number(one.attempts), labels);
    for (std::size_t i = 1; i < policy::kFailureClasses; ++i)
      failures.count(
          number(one.failures[i]),
          {{"backend", one.name},
           {"reason", std::string(policy::class_name(static_cast<policy::FailureClass>(i)))}});
    retries.count(number(one.retries), labels);
    fallbacks.count(number(one.fallbacks), labels);
    running.gauge(one.in_flight, labels);
    waiting.gauge(number(one.waiting), labels);
    up.gauge(one.health.state == policy::HealthState::down ? 0 : 1, labels);
    breaker.gauge(breaker_value(one.breaker.state), labels);
    opened.count(number(one.breaker.times_opened), labels);
    keys.gauge(number(one.keys_resting), labels);
  }
  add_queue(desk.queue);
}

void MetricsText::add_queue(const policy::QueueStatus& queue) {
  gauge("clasp_queue_length", "Requests that wait for a backend.").gauge(number(queue.waiting));
  gauge("clasp_queue_capacity", "How many may wait; 0: the queue is off.")
      .gauge(queue.enabled ? number(queue.max_size) : 0);
  Family ends = counter("clasp_queue_requests_total", "Requests that waited, by how it ended.");
  ends.count(number(queue.granted), {{"result", "granted"}});
  ends.count(number(queue.expired), {{"result", "expired"}});
  ends.count(number(queue.rejected), {{"result", "rejected"}});
  ends.count(number(queue.left), {{"result", "client_left"}});
  ends.count(number(queue.drained), {{"result", "drained"}});
}

void MetricsText::add_cache() {
  const policy::CacheStats cache = metrics_.cache_stats();
  gauge("clasp_cache_enabled", "Whether answers are kept.").gauge(cache.enabled ? 1 : 0);
  gauge("clasp_cache_entries", "Answers kept.").gauge(number(cache.entries));
  gauge("clasp_cache_capacity", "How many may be kept.").gauge(number(cache.max_entries));
  gauge("clasp_cache_bytes", "Memory of the answers kept.").gauge(number(cache.bytes));
  counter("clasp_cache_hits_total", "Answers from memory.").count(number(cache.hits));
  counter("clasp_cache_misses_total", "Requests that could have been answered from memory.")
      .count(number(cache.misses));
  counter("clasp_cache_coalesced_total", "Answered with what another request was asking already.")
      .count(number(cache.coalesced));
  counter("clasp_cache_evictions_total", "Answers let go to make room.")
      .count(number(cache.evictions));
  counter("clasp_cache_expirations_total", "Answers let go because their time was over.")
      .count(number(cache.expirations));
}

void MetricsText::add_process() {
  gauge("clasp_build_info", "Always 1.").gauge(1, {{"version", metrics_.version_}});
  gauge("clasp_workers", "Worker threads.").gauge(number(metrics_.workers_.size()));
  Family reloads = counter("clasp_config_reloads_total", "Reloads of the configuration.");
  reloads.count(number(metrics_.reloads_good_), {{"result", "ok"}});
  reloads.count(number(metrics_.reloads_bad_), {{"result", "failed"}});
  gauge("clasp_config_last_reload_successful", "0 when the last reload failed.")
      .gauge(number(metrics_.last_reload_good_));
  gauge("clasp_config_last_reload_success_timestamp_seconds",
        "When the configuration in force was loaded.")
      .gauge(number(metrics_.last_reload_unix_));
  const ProcessFigures process = read_process_figures();
  counter("process_cpu_seconds_total", "User and system CPU time.").count(process.cpu_seconds);
  gauge("process_resident_memory_bytes", "Resident memory.").gauge(number(process.resident_bytes));
  gauge("process_virtual_memory_bytes", "Virtual memory.").gauge(number(process.virtual_bytes));
  gauge("process_open_fds", "Open file descriptors.").gauge(number(process.open_fds));
  gauge("process_max_fds", "Limit of open file descriptors.").gauge(number(process.max_fds));
  gauge("process_threads", "Threads.").gauge(number(process.threads));
  gauge("process_start_time_seconds", "Start time since the Unix epoch.")
      .gauge(static_cast<double>(metrics_.started_unix_));
}

}  // namespace clasp::daemon
