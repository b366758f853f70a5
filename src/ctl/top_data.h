// What claspctl top shows, computed from two answers of GET /v1/top: the daemon only counts, what
// goes on per second is the difference of two counts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/json.h"

namespace clasp::ctl {

// Per second. Nothing: unknown, since there was only one answer.
using Rate = std::optional<double>;
// Nothing: no request ended meanwhile.
using Milliseconds = std::optional<double>;

struct TopBackend {
  std::string name, state, breaker;  // state: the operator's word where there is one
  std::int64_t in_flight = 0, max_concurrency = 0;
  Rate requests, failed, tokens;
  Milliseconds p50, p95, first_p50;
};

struct TopClient {
  std::string name;  // empty: those without
  std::int64_t in_flight = 0, total = 0;
  Rate requests, failed, tokens;
  std::string cost;
};

struct TopExchange {
  std::string id, client, model, backend, phase;
  bool stream = false;
  std::int64_t age_ms = 0, bytes = 0;
};

struct TopData {
  std::string state, version, cost;
  std::int64_t pid = 0, workers = 0, silent_workers = 0, uptime_ms = 0, resident_bytes = 0;
  std::int64_t total = 0, failed_total = 0, refused_total = 0, in_flight = 0, open_streams = 0;
  std::int64_t input_tokens = 0, output_tokens = 0;
  bool has_queue = false, queue_paused = false;
  std::int64_t waiting = 0, queue_size = 0, longest_wait_ms = 0;
  Rate requests, failed, refused, tokens_in, tokens_out;
  Milliseconds p50, p95, first_p50, first_p95;
  double seconds = 0;  // between the two answers; 0: there was one
  std::vector<TopBackend> backends;
  std::vector<TopClient> clients;
  std::vector<TopExchange> exchanges;
  std::int64_t exchanges_left_out = 0;
};

// Whether the two come from the same run of the daemon, the one after the other.
bool is_later(const json_t* before, const json_t* now);

// `before`: null, or an earlier answer of the same run.
TopData measure(const json_t* before, const json_t* now);

// The same for programs: one line of JSON. `unix_seconds`: when it was.
std::string render_top_json(const TopData& data, std::int64_t unix_seconds);

}  // namespace clasp::ctl
