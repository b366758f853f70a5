// What is said about a backend's health, from traffic and from probes.
#include "core/policy/health.h"

#include <doctest/doctest.h>

#include "support.h"

using namespace clasp;
using namespace clasp::policy;
using namespace clasp::policy::test;

TEST_CASE("health: unknown, healthy, degraded, down, and back") {
  Health health;
  CHECK(health.status(at_ms(0)).state == HealthState::unknown);
  health.on_outcome(success(), at_ms(0));
  CHECK(health.status(at_ms(0)).state == HealthState::healthy);
  health.on_outcome(http(502), at_ms(1));
  CHECK(health.status(at_ms(1)).state == HealthState::degraded);
  health.on_outcome(ended(OutcomeKind::timeout), at_ms(2));
  health.on_outcome(ended(OutcomeKind::connect), at_ms(3));
  HealthStatus status = health.status(at_ms(3));
  CHECK(status.state == HealthState::down);
  CHECK(status.failures_in_row == 3);
  CHECK(status.last_error == FailureClass::connect);
  CHECK(status.last_error_at == at_ms(3));
  // Time alone heals nothing.
  CHECK(health.status(at_ms(3'600'000)).state == HealthState::down);
  health.on_outcome(success(), at_ms(4));
  CHECK(health.status(at_ms(4)).state == HealthState::degraded);
  status = health.status(at_ms(30'003));
  CHECK(status.state == HealthState::healthy);
  CHECK(status.last_success_at == at_ms(4));
}

TEST_CASE("health: what is not the backend's doing changes nothing") {
  Health health;
  health.on_outcome(success(), at_ms(0));
  for (int code : {400, 403, 404, 408, 429}) health.on_outcome(http(code), at_ms(1));
  health.on_outcome(ended(OutcomeKind::client_gone), at_ms(1));
  CHECK(health.status(at_ms(1)).state == HealthState::healthy);
}

TEST_CASE("health: refused keys and spent quotas count, whoever's fault they are") {
  for (int code : {401, 402}) {
    Health health;
    for (int i = 0; i < 3; ++i) health.on_outcome(http(code), at_ms(i));
    CHECK(health.status(at_ms(3)).state == HealthState::down);
  }
}

TEST_CASE("health: probes") {
  Health health;
  health.on_probe(ended(OutcomeKind::connect), at_ms(0));
  HealthStatus status = health.status(at_ms(0));
  CHECK(status.state == HealthState::degraded);
  CHECK(status.probed);
  CHECK_FALSE(status.probe_ok);
  health.on_probe(http(500), at_ms(1));
  health.on_probe(http(500), at_ms(2));
  CHECK(health.status(at_ms(2)).state == HealthState::down);
  // A server without the path that is probed is there all the same.
  health.on_probe(http(404), at_ms(3));
  status = health.status(at_ms(60'000));
  CHECK(status.state == HealthState::healthy);
  CHECK(status.probe_ok);
  CHECK(status.probed_at == at_ms(3));
  health.on_probe(http(401), at_ms(4));
  CHECK_FALSE(health.status(at_ms(4)).probe_ok);
}

TEST_CASE("health: names") {
  CHECK(health_name(HealthState::unknown) == "unknown");
  CHECK(health_name(HealthState::healthy) == "healthy");
  CHECK(health_name(HealthState::degraded) == "degraded");
  CHECK(health_name(HealthState::down) == "down");
}
