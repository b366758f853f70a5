// What all workers counted, added up: for programs that compute rates from it (control_top.h).
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/count.h"

namespace clasp::daemon {

struct MetricsSums {
  struct OfBackend {
    std::uint64_t input = 0, output = 0;  // tokens
    Histogram::Reading total, first;      // see BackendTimes; plain and streamed together
  };
  struct OfClient {
    std::uint64_t completed = 0, failed = 0, left = 0, input = 0, output = 0, cost = 0;
  };
  std::uint64_t exchanges = 0, completed = 0, failed = 0, left = 0, refused = 0;
  std::uint64_t in_flight = 0, open_streams = 0;
  std::uint64_t input = 0, output = 0, cached = 0, cost = 0;
  OfBackend all;
  std::map<std::string, OfBackend> backends;  // by name; what no backend answered is in `all` alone
  std::map<std::string, OfClient> clients;    // "": those without a name
};

}  // namespace clasp::daemon
