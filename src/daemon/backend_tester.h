// Carries out what `claspctl test` asks for: tests of some backends, a plain answer and a stream
// each, a few backends at a time, within one limit of time. The main thread's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/given.h"
#include "daemon/backend_test.h"
#include "daemon/models_fetch.h"

namespace clasp::daemon {

struct TestOrder {
  exchange::CatalogPtr catalog;
  std::vector<std::size_t> backends;  // in the catalog
  std::string model;                  // empty: each backend's own
  bool plain = true, stream = true;
  Duration limit{30'000};
  std::vector<config::GivenValue> given;
};

// Of one backend.
struct TestReport {
  std::size_t backend = 0;
  std::string model;
  std::string problem;  // why nothing was tried
  // One that wants its clients' keys refused the test, which has none: it is there.
  bool wants_client_key = false;
  std::vector<TestFindings> tests;
  bool passed() const;
};

class BackendTester {
 public:
  // `parts` but for the resolver, which is made here: an answer from memory would prove nothing.
  explicit BackendTester(const std::function<TestParts(Resolver&)>& parts);
  ~BackendTester();

  // False: too many run already. `wanted`: whether somebody still waits for it. `done` is called
  // once, later; never when this is destroyed first.
  bool run(TestOrder order, std::function<bool()> wanted,
           std::function<void(const TestOrder&, std::vector<TestReport>)> done);

 private:
  class Lane;
  struct Run;
  void go_on(Run& run);

  Resolver resolver_;
  const TestParts parts_;
  std::vector<std::unique_ptr<Run>> runs_;
  TimerHandle sweep_;
};

// The model that requests for this backend ask for, as the configuration has it; empty: that is
// left to clients.
std::string usual_model(const exchange::Catalog& catalog, std::size_t backend);

}  // namespace clasp::daemon
