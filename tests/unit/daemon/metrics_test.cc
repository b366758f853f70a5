#include "daemon/metrics.h"

#include <doctest/doctest.h>

#include <thread>

#include "daemon/metrics_process.h"
#include "daemon/metrics_service.h"
#include "daemon/record_fan.h"

using namespace clasp;
using namespace clasp::daemon;
using exchange::Outcome;
using exchange::Record;

TEST_CASE("metrics: uptimes as Go writes durations") {
  CHECK(render_go_duration(0) == "0s");
  CHECK(render_go_duration(59) == "59s");
  CHECK(render_go_duration(60) == "1m0s");
  CHECK(render_go_duration(330) == "5m30s");
  CHECK(render_go_duration(3600) == "1h0m0s");
  CHECK(render_go_duration(90061) == "25h1m1s");
}

TEST_CASE("names: those of the configuration have a place, of strangers the first few") {
  NamePool pool(2);
  pool.reserve("configured");
  const NameId a = pool.admit("a"), b = pool.admit("b");
  CHECK(a != kOtherName);
  CHECK(b != kOtherName);
  CHECK(pool.admit("c") == kOtherName);
  CHECK(pool.admit("a") == a);
  CHECK(pool.find("b") == b);
  pool.reserve("late");
  CHECK(pool.find("late") != kOtherName);
  CHECK(pool.admit("other") == kOtherName);
  CHECK(pool.names() == std::vector<std::string>{"other", "configured", "a", "b", "late"});
}

TEST_CASE("names: what is not fit to be read takes no place") {
  NamePool pool(10);
  for (const std::string& name : {std::string("a\nb"), std::string("\xff"), std::string(),
                                  std::string(121, 'x'), std::string("a\0b", 3)})
    CHECK(pool.admit(name) == kOtherName);
  CHECK(pool.admit("quote\" and \\") != kOtherName);
  CHECK(pool.names().size() == 2);
}

TEST_CASE("names: however many the configuration has had, there is an end") {
  NamePool pool(5);
  for (int i = 0; i < 10'000; ++i) pool.reserve("name-" + std::to_string(i));
  CHECK(pool.names().size() <= NamePool::kMost + 5);
}

TEST_CASE("names: a view admits only when it may, and does not remember who was not") {
  NamePool pool(1);
  NameView view(pool);
  CHECK(view.id("m", false) == kOtherName);
  const NameId id = view.id("m", true);
  CHECK(id != kOtherName);
  CHECK(view.id("m", false) == id);
  CHECK(view.id("n", true) == kOtherName);
  pool.reserve("n");
  CHECK(view.id("n", false) != kOtherName);
}

TEST_CASE("labels of a request survive their packing") {
  for (const bool stream : {false, true})
    for (const auto cache : {exchange::CacheUse::off, exchange::CacheUse::coalesced})
      for (const auto outcome : {Outcome::completed, Outcome::client_left}) {
        RequestLabels labels{.route = RequestLabels::kNoRoute,
                             .backend = RequestLabels::kNoBackend,
                             .status = 529,
                             .outcome = outcome,
                             .stream = stream,
                             .cache = cache};
        const RequestLabels back = RequestLabels::unpack(labels.pack());
        CHECK(back.route == labels.route);
        CHECK(back.backend == labels.backend);
        CHECK(back.status == 529);
        CHECK(back.outcome == outcome);
        CHECK(back.stream == stream);
        CHECK(back.cache == cache);
      }
}

TEST_CASE("a status is shown by its number where people look for it, else by its class") {
  CHECK(shown_status(0) == 0);
  CHECK(shown_status(200) == 200);
  CHECK(shown_status(529) == 529);
  CHECK(shown_status(418) == 4);
  CHECK(shown_status(599) == 5);
  CHECK(shown_status(-3) == 0);
  CHECK(shown_status(70'000) == 0);
}

namespace {

Record completed(std::string model) {
  Record record;
  record.backend = "east";
  record.model_used = std::move(model);
  record.status = 200;
  record.input_tokens = 100;
  record.output_tokens = 10;
  record.total_us = 1000;
  record.cost = 7;
  return record;
}

}  // namespace

TEST_CASE("worker: success, errors and clients that left are three things") {
  LabelPools pools;
  WorkerMeter meter(pools);
  meter.on_record(completed("m"));
  Record failed = completed("m");
  failed.outcome = Outcome::failed;
  failed.status = 502;
  failed.tokens_estimated = true;
  meter.on_record(failed);
  Record left = completed("m");
  left.outcome = Outcome::client_left;
  left.stream = true;
  left.first_content_us = 500;
  meter.on_record(left);
  CHECK(meter.totals.exchanges == 3);
  CHECK(meter.totals.completed == 1);
  CHECK(meter.totals.failed == 1);
  CHECK(meter.totals.left == 1);
  CHECK(meter.totals.completed_us == 1000);
  // What failed before any content counts no tokens; who left after some has used them.
  CHECK(meter.totals.input == 200);
  CHECK(meter.totals.cost == 14);
}

TEST_CASE("worker: a model that only fails never becomes a label") {
  LabelPools pools;
  WorkerMeter meter(pools);
  for (int i = 0; i < 1000; ++i) {
    Record record = completed("bad-" + std::to_string(i));
    record.outcome = Outcome::failed;
    record.first_content_us = 1;
    meter.on_record(record);
  }
  CHECK(pools.models.names().size() == 1);
  for (int i = 0; i < 1000; ++i) meter.on_record(completed("good-" + std::to_string(i)));
  CHECK(pools.models.names().size() == 101);
  std::size_t series = 0;
  meter.models.each([&series](std::uint64_t, const ModelCounts&) { ++series; });
  CHECK(series == 101);
}

TEST_CASE("worker: of a warning only what the program says is counted apart") {
  LabelPools pools;
  WorkerMeter meter(pools);
  Record record = completed("m");
  record.warnings = "unknown:one, unknown:two, schema-ref";
  meter.on_record(record);
  CHECK(pools.warnings.names() == std::vector<std::string>{"other", "unknown", "schema-ref"});
}

TEST_CASE("worker: others read while it counts") {
  LabelPools pools;
  WorkerMeter meter(pools);
  std::thread writer([&meter] {
    for (int i = 0; i < 2000; ++i) meter.on_record(completed("m-" + std::to_string(i % 300)));
  });
  std::uint64_t seen = 0;
  while (seen < 2000) {
    seen = 0;
    meter.requests.each([&seen](std::uint64_t, const Count& count) { seen += count; });
    std::this_thread::yield();
  }
  writer.join();
  CHECK(seen == 2000);
}

TEST_CASE("process: the program's name may look like anything") {
  const char* line =
      "12 (a) R (b 1) S 1 12 12 0 -1 4194560 900 0 0 0 250 150 0 0 20 0 5 0 1000 8192000 300 "
      "18446744073709551615 1 1 0";
  const auto figures = parse_process_stat(line, 100, 4096);
  REQUIRE(figures);
  CHECK(figures->cpu_seconds == 4.0);
  CHECK(figures->threads == 5);
  CHECK(figures->virtual_bytes == 8192000);
  CHECK(figures->resident_bytes == 300 * 4096);
  CHECK_FALSE(parse_process_stat("", 100, 4096));
  CHECK_FALSE(parse_process_stat("12 (clasp) S 1 2", 100, 4096));
  CHECK(read_process_figures().resident_bytes > 0);
}

TEST_CASE("service: who asks while it works shares the next text; after its end nobody is told") {
  std::atomic<int> made = 0, told = 0;
  MetricsService service([&made](TimePoint) { return std::to_string(++made); });
  for (int i = 0; i < 10; ++i)
    CHECK(service.ask(TimePoint{}, [&told](MetricsService::Text) { ++told; }));
  while (told < 10) std::this_thread::yield();
  CHECK(made <= 10);
  service.stop();
  CHECK_FALSE(service.ask(TimePoint{}, [&told](MetricsService::Text) { ++told; }));
  CHECK(told == 10);
}

TEST_CASE("service: a crowd is refused, not queued without end") {
  std::mutex gate;
  gate.lock();
  std::atomic<bool> working = false;
  MetricsService service([&](TimePoint) {
    working = true;
    const std::lock_guard wait(gate);
    return std::string();
  });
  CHECK(service.ask(TimePoint{}, [](MetricsService::Text) {}));
  while (!working) std::this_thread::yield();
  std::size_t taken = 0;
  while (taken < 1000 && service.ask(TimePoint{}, [](MetricsService::Text) {})) ++taken;
  CHECK(taken == MetricsService::kMostWaiting);
  gate.unlock();
}

namespace {

struct Sink final : exchange::RecordSink {
  bool requests = false, answers = false;
  int records = 0, bodies = 0;
  void on_record(const Record&) override { ++records; }
  bool wants_bodies(bool request) const override { return request ? requests : answers; }
  void on_body(std::string_view, std::string_view, std::string_view) override { ++bodies; }
};

}  // namespace

TEST_CASE("fan: records go to all, bodies to those that want them") {
  Sink a, b;
  b.requests = true;
  RecordFan fan({&a, &b});
  fan.on_record(Record());
  CHECK(a.records == 1);
  CHECK(b.records == 1);
  CHECK(fan.wants_bodies(true));
  CHECK_FALSE(fan.wants_bodies(false));
  fan.on_body("req_1", "client request", "x");
  CHECK(a.bodies == 0);
  CHECK(b.bodies == 1);
}
