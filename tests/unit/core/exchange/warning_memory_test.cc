#include "core/exchange/warning_memory.h"

#include <doctest/doctest.h>

using namespace clasp;

namespace {

exchange::Record record(const std::string& client, const std::string& model,
                        const std::string& warnings) {
  exchange::Record made;
  made.client = client;
  made.backend = "b";
  made.model_used = model;
  made.warnings = warnings;
  return made;
}

}  // namespace

TEST_CASE("spec 0.1: a warning is told once per client, backend, model and token") {
  exchange::WarningMemory memory;
  CHECK(memory.take_new(record("10.0.0.1:5", "m", "speed, top-k-dropped")) ==
        "speed, top-k-dropped");
  // The client's port is another one every time.
  CHECK(memory.take_new(record("10.0.0.1:6", "m", "speed, citations")) == "citations");
  CHECK(memory.take_new(record("10.0.0.1:6", "m", "speed")) == "");
  CHECK(memory.take_new(record("10.0.0.2:6", "m", "speed")) == "speed");
  CHECK(memory.take_new(record("10.0.0.1:6", "n", "speed")) == "speed");
  CHECK(memory.take_new(record("[::1]:6", "m", "speed")) == "speed");
  CHECK(memory.take_new(record("[::1]:7", "m", "speed")) == "");
  CHECK(memory.take_new(record("unix", "m", "speed")) == "speed");
  CHECK(memory.take_new(record("unix", "m", "speed")) == "");
}

TEST_CASE("memory of warnings is bounded, and keeps what is in use") {
  exchange::WarningMemory memory(8);
  CHECK(memory.take_new(record("a:1", "usual", "w")) == "w");
  for (int i = 0; i < 1000; ++i) {
    CHECK(memory.take_new(record("a:1", "m" + std::to_string(i), "w")) == "w");
    CHECK(memory.take_new(record("a:1", "usual", "w")) == "");
  }
  CHECK(memory.take_new(record("a:1", "m0", "w")) == "w");
}
