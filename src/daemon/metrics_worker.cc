// See metrics_worker.h.
#include "daemon/metrics_worker.h"

#include <algorithm>

#include "base/text.h"

namespace clasp::daemon {

namespace {

using exchange::CacheUse;
using exchange::Outcome;
using exchange::Record;

// In microseconds. Whole answers of models take seconds to minutes, cached ones a millisecond.
constexpr std::int64_t kTotalLimits[] = {5'000,      10'000,      25'000,      50'000,
                                         100'000,    250'000,     500'000,     1'000'000,
                                         2'500'000,  5'000'000,   10'000'000,  30'000'000,
                                         60'000'000, 120'000'000, 300'000'000, 600'000'000};
constexpr std::int64_t kFirstLimits[] = {
    5'000,     10'000,    25'000,    50'000,    100'000,   250'000,    500'000,    750'000,
    1'000'000, 1'500'000, 2'500'000, 5'000'000, 7'500'000, 10'000'000, 30'000'000, 60'000'000};
constexpr std::int64_t kGapLimits[] = {1'000,     2'500,     5'000,     10'000,    15'000,  25'000,
                                       40'000,    60'000,    100'000,   150'000,   250'000, 500'000,
                                       1'000'000, 2'500'000, 5'000'000, 30'000'000};
constexpr std::int64_t kQueueLimits[] = {10'000,     50'000,     100'000,    250'000,    500'000,
                                         1'000'000,  2'500'000,  5'000'000,  10'000'000, 15'000'000,
                                         30'000'000, 60'000'000, 120'000'000};

constexpr std::uint16_t kShownStatuses[] = {200, 204, 400, 401, 402, 403, 404, 405, 408,
                                            409, 413, 415, 422, 424, 429, 431, 499, 500,
                                            501, 502, 503, 504, 505, 507, 529};

std::uint64_t amount(std::int64_t value) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0));
}

}  // namespace

// 4xx is 4.
std::uint16_t shown_status(int status) {
  if (status <= 0 || status > 999) return 0;
  const auto code = static_cast<std::uint16_t>(status);
  const auto* end = std::end(kShownStatuses);
  return std::find(std::begin(kShownStatuses), end, code) != end ? code : code / 100;
}

std::uint64_t RequestLabels::pack() const {
  return std::uint64_t{route} << 48 | std::uint64_t{backend} << 32 | std::uint64_t{status} << 16 |
         static_cast<std::uint64_t>(outcome) << 8 | static_cast<std::uint64_t>(cache) << 1 |
         static_cast<std::uint64_t>(stream);
}

RequestLabels RequestLabels::unpack(std::uint64_t key) {
  RequestLabels out;
  out.route = static_cast<std::uint8_t>(key >> 48);
  out.backend = static_cast<NameId>(key >> 32);
  out.status = static_cast<std::uint16_t>(key >> 16);
  out.outcome = static_cast<Outcome>(key >> 8 & 0xff);
  out.cache = static_cast<CacheUse>(key >> 1 & 0x7f);
  out.stream = (key & 1) != 0;
  return out;
}

std::string_view refused_name(Refused why) {
  switch (why) {
    case Refused::authentication:
      return "authentication";
    case Refused::origin:
      return "origin";
  }
  return "other";
}

BackendTimes::BackendTimes()
    : plain(kTotalLimits), streamed(kTotalLimits), first(kFirstLimits), gaps(kGapLimits) {}

WorkerMeter::WorkerMeter(LabelPools& pools)
    : queue_wait(kQueueLimits),
      backends_(pools.backends),
      models_(pools.models),
      clients_(pools.clients),
      warnings_(pools.warnings) {}

NameId WorkerMeter::backend_id(std::string_view name) {
  return name.empty() ? RequestLabels::kNoBackend : backends_.id(name, false);
}

Histogram* WorkerMeter::gaps(std::string_view backend) {
  return &times.at(backend_id(backend)).gaps;
}

void WorkerMeter::on_answer(std::uint8_t route, int status) {
  RequestLabels labels;
  labels.route = route;
  labels.status = shown_status(status);
  labels.outcome = status < 400 ? Outcome::completed : Outcome::failed;
  ++requests.at(labels.pack());
}

void WorkerMeter::on_record(const Record& record) {
  count_total(record);
  RequestLabels labels;
  labels.route = static_cast<std::uint8_t>(exchange::Endpoint::messages);
  labels.backend = backend_id(record.backend);
  labels.status = shown_status(record.status);
  labels.outcome = record.outcome;
  labels.stream = record.stream;
  labels.cache = record.cache;
  ++requests.at(labels.pack());
  if (record.outcome == Outcome::completed) {
    BackendTimes& t = times.at(labels.backend);
    (record.stream ? t.streamed : t.plain).observe(record.total_us);
    if (record.stream && record.first_content_us >= 0) t.first.observe(record.first_content_us);
  }
  if (record.queued_us > 0) queue_wait.observe(record.queued_us);
  ClientCounts& client =
      clients.at(record.client_name.empty() ? kStranger : clients_.id(record.client_name, true));
  ++(record.outcome == Outcome::completed ? client.completed
     : record.outcome == Outcome::failed  ? client.failed
                                          : client.left);
  count_model(record, labels.backend, client);
  if (!record.warnings.empty()) count_warnings(record.warnings);
}

void WorkerMeter::count_total(const Record& record) {
  ++totals.exchanges;
  if (record.stream) ++totals.streams;
  totals.tool_calls += record.tool_calls;
  switch (record.outcome) {
    case Outcome::completed:
      ++totals.completed;
      totals.completed_us += amount(record.total_us);
      break;
    case Outcome::failed:
      ++totals.failed;
      break;
    case Outcome::client_left:
      ++totals.left;
      break;
  }
  if (record.stream && record.first_content_us >= 0) {
    ++totals.first_count;
    totals.first_us += amount(record.first_content_us);
  }
}

void WorkerMeter::count_model(const Record& record, NameId backend, ClientCounts& client) {
  const bool used = exchange::used_tokens(record);
  if (!used && record.tool_calls == 0) return;
  // A name that nobody answers to cannot take a place.
  const NameId model = models_.id(record.model_used, record.outcome == Outcome::completed);
  ModelCounts& counts = models.at(std::uint64_t{backend} << 16 | model);
  counts.tool_calls += record.tool_calls;
  if (!used) return;
  const std::uint64_t input = amount(record.input_tokens), output = amount(record.output_tokens),
                      cached = amount(record.cached_tokens), cost = amount(record.cost);
  totals.input += input;
  totals.output += output;
  totals.cached += cached;
  totals.cost += cost;
  client.input += input;
  client.output += output;
  client.cost += cost;
  counts.input += input;
  counts.output += output;
  counts.cached += cached;
  counts.cache_write += amount(record.cache_write_tokens);
  counts.cost += cost;
}

// "unknown:foo, schema-ref": what stands behind a colon is the client's word, and not counted
// apart.
void WorkerMeter::count_warnings(std::string_view tokens) {
  for (const std::string_view token : split(tokens, ',')) {
    const std::string_view name = trim(token);
    ++warnings.at(warnings_.id(name.substr(0, name.find(':')), true));
  }
}

}  // namespace clasp::daemon
