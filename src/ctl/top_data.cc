// See top_data.h.
#include "ctl/top_data.h"

#include <algorithm>
#include <map>

#include "ctl/pieces.h"
#include "ctl/table.h"

namespace clasp::ctl {

namespace {

std::string text(const json_t* object, const char* name) {
  return harmless(text_of(object, name));
}

// The elements of an array by their names.
class Named {
 public:
  explicit Named(const json_t* list) {
    std::size_t i = 0;
    json_t* one = nullptr;
    json_array_foreach(list, i, one) elements_.emplace(text_of(one, "name"), one);
  }
  const json_t* find(std::string_view name) const {
    const auto found = elements_.find(name);
    return found == elements_.end() ? nullptr : found->second;
  }

 private:
  std::map<std::string_view, const json_t*> elements_;
};

// Differences over the time between two answers.
class Difference {
 public:
  Difference(const json_t* before, const json_t* now) {
    if (before == nullptr) return;
    seconds_ =
        static_cast<double>(number_of(now, "uptime_ms") - number_of(before, "uptime_ms")) / 1000;
  }
  double seconds() const { return seconds_; }

  Rate rate(std::int64_t before, std::int64_t now) const {
    if (seconds_ <= 0) return std::nullopt;
    return static_cast<double>(std::max<std::int64_t>(0, now - before)) / seconds_;
  }
  Rate rate(const json_t* before, const json_t* now, const char* name) const {
    return rate(number_of(before, name), number_of(now, name));
  }

  // What so many percent of the requests that ended meanwhile needed at most, by the buckets of a
  // histogram; within a bucket they are taken to lie evenly.
  Milliseconds percentile(const json_t* before, const json_t* now, const char* name,
                          const json_t* limits, double part) const {
    if (seconds_ <= 0) return std::nullopt;
    const json_t* counts = json_object_get(now, name);
    const json_t* earlier = json_object_get(before, name);
    std::vector<double> ended;
    double all = 0;
    for (std::size_t i = 0; i < json_array_size(counts); ++i) {
      const auto more = json_integer_value(json_array_get(counts, i)) -
                        json_integer_value(json_array_get(earlier, i));
      ended.push_back(static_cast<double>(std::max<json_int_t>(0, more)));
      all += ended.back();
    }
    if (all <= 0) return std::nullopt;
    double below = 0, from = 0;
    for (std::size_t i = 0; i < ended.size(); ++i) {
      const bool last = i >= json_array_size(limits);
      const double to = last ? from : json_number_value(json_array_get(limits, i));
      if (ended[i] > 0 && below + ended[i] >= all * part)
        return from + (to - from) * (all * part - below) / ended[i];
      below += ended[i];
      from = to;
    }
    return from;
  }

 private:
  double seconds_ = 0;
};

TopBackend make_backend(const json_t* root, const json_t* before, const json_t* now,
                        const Difference& difference) {
  TopBackend out;
  const std::string admin = text(now, "admin");
  const std::string breaker = text(json_object_get(now, "circuit_breaker"), "state");
  out.name = text(now, "name");
  out.state = admin.empty() || admin == "enabled" ? text(now, "state") : admin;
  out.breaker = breaker.empty() ? "off" : breaker;
  out.in_flight = number_of(now, "in_flight");
  out.max_concurrency = number_of(now, "max_concurrency");
  out.requests = difference.rate(before, now, "attempts");
  out.failed = difference.rate(failures_of(before), failures_of(now));
  out.tokens = difference.rate(before, now, "output_tokens");
  const json_t* limits = json_object_get(root, "latency_limits_ms");
  out.p50 = difference.percentile(before, now, "latency_counts", limits, 0.5);
  out.p95 = difference.percentile(before, now, "latency_counts", limits, 0.95);
  out.first_p50 = difference.percentile(before, now, "first_content_counts",
                                        json_object_get(root, "first_content_limits_ms"), 0.5);
  return out;
}

std::int64_t requests_of(const json_t* client) {
  return number_of(client, "completed") + number_of(client, "failed") +
         number_of(client, "client_left");
}

TopClient make_client(const json_t* before, const json_t* now, const Difference& difference) {
  TopClient out;
  out.name = text(now, "name");
  out.in_flight = number_of(now, "in_flight");
  out.total = requests_of(now);
  out.requests = difference.rate(requests_of(before), out.total);
  out.failed = difference.rate(before, now, "failed");
  out.tokens = difference.rate(before, now, "output_tokens");
  out.cost = text(now, "cost_usd");
  return out;
}

TopExchange make_exchange(const json_t* one) {
  TopExchange out;
  const std::string name = text(one, "client_name");
  out.id = text(one, "id");
  out.client = name.empty() ? text(one, "client") : name;
  out.model = text(one, "model");
  out.backend = text(one, "backend");
  out.phase = text(one, "phase");
  out.stream = flag_of(one, "stream");
  out.age_ms = number_of(one, "age_ms");
  out.bytes = number_of(one, "bytes_out");
  return out;
}

void measure_totals(TopData& out, const json_t* before, const json_t* now,
                    const Difference& difference) {
  const json_t* requests = json_object_get(now, "requests");
  const json_t* earlier = json_object_get(before, "requests");
  out.total = number_of(requests, "total");
  out.failed_total = number_of(requests, "failed");
  out.refused_total = number_of(requests, "refused");
  out.in_flight = number_of(requests, "in_flight");
  out.open_streams = number_of(requests, "open_streams");
  out.requests = difference.rate(earlier, requests, "total");
  out.failed = difference.rate(earlier, requests, "failed");
  out.refused = difference.rate(earlier, requests, "refused");
  const json_t* tokens = json_object_get(now, "tokens");
  const json_t* tokens_before = json_object_get(before, "tokens");
  out.input_tokens = number_of(tokens, "input");
  out.output_tokens = number_of(tokens, "output");
  out.tokens_in = difference.rate(tokens_before, tokens, "input");
  out.tokens_out = difference.rate(tokens_before, tokens, "output");
  const auto of = [&](const char* counts, const char* limits, double part) {
    return difference.percentile(before, now, counts, json_object_get(now, limits), part);
  };
  out.p50 = of("latency_counts", "latency_limits_ms", 0.5);
  out.p95 = of("latency_counts", "latency_limits_ms", 0.95);
  out.first_p50 = of("first_content_counts", "first_content_limits_ms", 0.5);
  out.first_p95 = of("first_content_counts", "first_content_limits_ms", 0.95);
}

void measure_lists(TopData& out, const json_t* before, const json_t* now,
                   const Difference& difference) {
  std::size_t i = 0;
  json_t* one = nullptr;
  const Named backends(json_object_get(before, "backends")),
      clients(json_object_get(before, "clients"));
  json_array_foreach(json_object_get(now, "backends"), i, one) out.backends.push_back(
      make_backend(now, backends.find(text_of(one, "name")), one, difference));
  json_array_foreach(json_object_get(now, "clients"), i, one)
      out.clients.push_back(make_client(clients.find(text_of(one, "name")), one, difference));
  json_array_foreach(json_object_get(now, "exchanges"), i, one)
      out.exchanges.push_back(make_exchange(one));
  out.exchanges_left_out = number_of(now, "exchanges_left_out");
}

}  // namespace

bool is_later(const json_t* before, const json_t* now) {
  return before != nullptr && number_of(before, "pid") == number_of(now, "pid") &&
         number_of(before, "uptime_ms") < number_of(now, "uptime_ms");
}

TopData measure(const json_t* before, const json_t* now) {
  if (!is_later(before, now)) before = nullptr;
  const Difference difference(before, now);
  TopData out;
  out.state = text(now, "state");
  out.version = text(now, "version");
  out.cost = text(now, "cost_usd");
  out.pid = number_of(now, "pid");
  out.workers = number_of(now, "workers");
  out.silent_workers = number_of(now, "silent_workers");
  out.uptime_ms = number_of(now, "uptime_ms");
  out.resident_bytes = number_of(now, "resident_bytes");
  out.seconds = difference.seconds();
  measure_totals(out, before, now, difference);
  if (const json_t* queue = json_object_get(now, "queue")) {
    out.has_queue = true;
    out.waiting = number_of(queue, "waiting");
    out.queue_size = number_of(queue, "max_size");
    out.longest_wait_ms = number_of(queue, "longest_wait_ms");
    out.queue_paused = flag_of(queue, "paused");
  }
  measure_lists(out, before, now, difference);
  return out;
}

}  // namespace clasp::ctl
