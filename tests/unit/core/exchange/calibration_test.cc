// Token estimates against what backends count: translation spec §7.1.
#include "core/exchange/calibration.h"

#include <doctest/doctest.h>

using clasp::exchange::Calibration;

TEST_CASE("§7.1 the estimate follows what the backend counts, per backend and model") {
  Calibration calibration;
  CHECK(calibration.correct("a", "m", 1000) == 1000);
  calibration.learn("a", "m", 1000, 1200);
  CHECK(calibration.correct("a", "m", 1000) == 1200);
  CHECK(calibration.correct("a", "other", 1000) == 1000);
  CHECK(calibration.correct("b", "m", 1000) == 1000);
  // A moving average: one odd request does not turn it over.
  calibration.learn("a", "m", 1000, 800);
  CHECK(calibration.correct("a", "m", 1000) == 1120);
  for (int i = 0; i < 100; ++i) calibration.learn("a", "m", 1000, 900);
  CHECK(calibration.correct("a", "m", 1000) == 901);
}

TEST_CASE("§7.1 the correction stays within bounds, and small or empty counts teach nothing") {
  Calibration calibration;
  for (int i = 0; i < 100; ++i) calibration.learn("a", "m", 1000, 50'000);
  CHECK(calibration.correct("a", "m", 1000) == 1500);
  for (int i = 0; i < 100; ++i) calibration.learn("a", "m", 1000, 1);
  CHECK(calibration.correct("a", "m", 1000) <= 701);
  Calibration fresh;
  fresh.learn("a", "m", 99, 500);
  fresh.learn("a", "m", 1000, 0);
  fresh.learn("a", std::string(300, 'x'), 1000, 2000);
  CHECK(fresh.correct("a", "m", 1000) == 1000);
  for (int i = 0; i < 2000; ++i) fresh.learn("a", "m" + std::to_string(i), 1000, 1200);
  CHECK(fresh.correct("a", "m999", 1000) == 1200);
  CHECK(fresh.correct("a", "m1000", 1000) == 1000);
}

TEST_CASE("§7.1 an estimate is wanted for comparison at first, and now and then for ever") {
  Calibration calibration;
  for (std::uint32_t i = 0; i < Calibration::kFirst; ++i) {
    CHECK(calibration.wants("a", "m"));
    calibration.learn("a", "m", 1000, 1200);
  }
  CHECK(calibration.wants("b", "m"));
  std::uint32_t wanted = 0;
  for (std::uint32_t i = 0; i < 10 * Calibration::kOneIn; ++i)
    wanted += calibration.wants("a", "m");
  CHECK(wanted == 10);
  CHECK_FALSE(calibration.wants("a", std::string(300, 'x')));
}
