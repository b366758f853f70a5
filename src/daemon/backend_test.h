// One real request to one backend, for an operator who wants to know whether it works: through the
// same translation, client and converter as every other, but past breaker, queue, cache and limits.
// Lives on one loop.
#pragma once

#include <event2/event.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/exchange/exchange.h"
#include "daemon/backend_client.h"
#include "daemon/call_probe.h"
#include "daemon/demo_backend.h"

namespace clasp::daemon {

// What tests are made with; outlives them.
struct TestParts {
  event_base* base;
  Scheduler& scheduler;
  Random& random;
  Resolver& resolver;
  BackendClientOptions options;
  exchange::RecordSink& records;
  exchange::LessonPort& lessons;
  exchange::StatePort& states;
  exchange::CalibrationPort& calibration;
};

struct TestFindings {
  bool stream = false;
  bool passed = false;
  bool timed_out = false;
  std::vector<TestStep> steps;
  exchange::Record record;
  int calls = 0;
  std::string text;  // of the answer, its beginning
  std::size_t text_bytes = 0;
  // How the call failed, where it was the network.
  std::optional<exchange::FailureKind> failure;
};

// The catalog of one backend alone, which every name leads to, without anything that could answer
// in its place. `model`: what it is asked for.
Result<exchange::CatalogPtr> make_test_catalog(const exchange::Catalog& catalog,
                                               std::size_t backend, const std::string& model);

class BackendTest {
 public:
  // `catalog`: of make_test_catalog(). `done` is called once, later, and may destroy this.
  BackendTest(const TestParts& parts, exchange::CatalogPtr catalog, const std::string& model,
              bool stream, Duration limit, std::function<void(TestFindings)> done);
  ~BackendTest();
  void start();

 private:
  class Client;
  class Desk;
  class Sink;
  void on_over();
  void on_limit();
  void conclude();

  const TestParts& parts_;
  std::function<void(TestFindings)> done_;
  TestFindings findings_;
  Duration limit_;
  CallProbe probe_;
  DemoBackend demo_;
  BackendClient network_;
  BackendSwitch backends_;
  translate::ReplyParser parser_;
  translate::SchemaCache schemas_;
  std::unique_ptr<Desk> desk_;
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<exchange::Services> services_;
  std::unique_ptr<exchange::Exchange> exchange_;
  TimePoint begun_{};
  TimerHandle limit_timer_, end_timer_;
};

}  // namespace clasp::daemon
