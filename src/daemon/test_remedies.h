// What an operator can do about a test of a backend that did not go well, in words. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/given.h"
#include "config/settings.h"
#include "core/exchange/ports.h"
#include "daemon/call_probe.h"
#include "daemon/models_fetch.h"

namespace clasp::daemon {

// What is known of a step that failed.
struct TestTrouble {
  const config::BackendSettings& backend;
  const std::vector<config::GivenValue>& given;  // where settings come from
  const TestStep& step;
  std::string_view model;                        // that was asked for
  std::optional<exchange::FailureKind> failure;  // of the network
  bool timed_out = false;                        // the test's own limit
  const ModelsAnswer* models = nullptr;          // where the backend was asked for them
};

// Empty where nothing helpful can be said.
std::string remedy_for(const TestTrouble& trouble);

// Where the key of the backend is set, or could be.
std::string place_of_key(const config::BackendSettings& backend,
                         const std::vector<config::GivenValue>& given);

// Up to three names that are most like `asked`.
std::vector<std::string> nearest_models(std::string_view asked,
                                        const std::vector<std::string>& names);

}  // namespace clasp::daemon
