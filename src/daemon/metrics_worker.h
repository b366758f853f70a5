// What one worker counts. Only its own thread writes here, without a lock and without sharing a
// cache line with another worker; the threads that read add the workers up (metrics.h).
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "base/count.h"
#include "core/exchange/meter.h"
#include "core/exchange/record.h"
#include "core/exchange/routes.h"
#include "daemon/metrics_names.h"

namespace clasp::daemon {

// Series by a packed key. at() is for the owner, each() for everybody: a known series is found
// without a lock, since nobody but the owner changes the table.
template <class Value>
class SeriesTable {
 public:
  Value& at(std::uint64_t key) {
    if (const auto it = series_.find(key); it != series_.end()) return *it->second;
    const std::lock_guard lock(mutex_);
    return *series_.emplace(key, std::make_unique<Value>()).first->second;
  }
  template <class Visit>
  void each(Visit visit) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, value] : series_) visit(key, *value);
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Value>> series_;
};

// The names that become labels, one set for all workers.
struct LabelPools {
  NamePool backends{0}, models{100}, clients{200}, warnings{100};
};

// Labels of a request, packed into a key of its series.
struct RequestLabels {
  static constexpr std::uint8_t kNoRoute = 255, kPreflight = 254;
  static constexpr NameId kNoBackend = 0xffff;

  std::uint8_t route = kNoRoute;
  NameId backend = kNoBackend;
  std::uint16_t status = 0;  // 0: none was sent
  exchange::Outcome outcome = exchange::Outcome::completed;
  bool stream = false;
  exchange::CacheUse cache = exchange::CacheUse::off;

  std::uint64_t pack() const;
  static RequestLabels unpack(std::uint64_t key);
};

// A status as a label: what people look for by its number, everything else by its class.
std::uint16_t shown_status(int status);

// Why the door let a request not in; the limits count for themselves (shared_limits.h).
enum class Refused { authentication, origin };
inline constexpr std::size_t kRefusals = 2;
std::string_view refused_name(Refused why);

struct BackendTimes {
  Histogram plain, streamed;  // whole exchanges that were completed
  Histogram first;            // streams: until the first content
  Histogram gaps;             // streams: between two pieces of content
  BackendTimes();
};

struct ModelCounts {
  Count input, output, cached, cache_write, cost, tool_calls;
};

struct ClientCounts {
  Count completed, failed, left, input, output, cost;
};

// What GET /metrics shows: sums over everything.
struct Totals {
  Count exchanges, completed, failed, left, streams, tool_calls;
  Count completed_us, first_count, first_us;
  Count input, output, cached, cost;
};

class WorkerMeter final : public exchange::RecordSink, public exchange::MeterPort {
 public:
  explicit WorkerMeter(LabelPools& pools);

  void on_record(const exchange::Record& record) override;
  bool wants_bodies(bool) const override { return false; }
  void on_body(std::string_view, std::string_view, std::string_view) override {}
  Histogram* gaps(std::string_view backend) override;

  // Requests that are no exchanges: answered at once, or refused at the door.
  void on_answer(std::uint8_t route, int status);
  void on_refused(Refused why) { ++refused[static_cast<std::size_t>(why)]; }
  // What the HTTP server refused by itself, before anybody knew what it was to be.
  void on_http_error(int status) { ++http_errors.at(shown_status(status)); }

  // For readers.
  Totals totals;
  Count in_flight, open_streams;
  Histogram queue_wait;
  std::array<Count, kRefusals> refused{};
  SeriesTable<Count> requests;        // RequestLabels
  SeriesTable<BackendTimes> times;    // backend
  SeriesTable<ModelCounts> models;    // backend << 16 | model
  SeriesTable<ClientCounts> clients;  // client, kStranger
  SeriesTable<Count> warnings;        // token
  SeriesTable<Count> http_errors;     // status
  static constexpr NameId kStranger = 0xffff;

 private:
  void count_total(const exchange::Record& record);
  void count_model(const exchange::Record& record, NameId backend, ClientCounts& client);
  void count_warnings(std::string_view tokens);
  NameId backend_id(std::string_view name);

  NameView backends_, models_, clients_, warnings_;
};

}  // namespace clasp::daemon
