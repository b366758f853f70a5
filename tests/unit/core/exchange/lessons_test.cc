#include "core/exchange/lessons.h"

#include <doctest/doctest.h>

using namespace clasp;
using exchange::Adapted;
using exchange::Lessons;

TEST_CASE("lessons: kept per backend and model, for a day") {
  Lessons lessons;
  const TimePoint start{std::chrono::hours(1)};
  CHECK(lessons.find("b", "m", start) == nullptr);
  const auto adapted = std::make_shared<const Adapted>();
  lessons.learn("b", "m", adapted, start);
  CHECK(lessons.find("b", "m", start) == adapted);
  CHECK(lessons.find("b", "other", start) == nullptr);
  CHECK(lessons.find("other", "m", start) == nullptr);
  CHECK(lessons.find("b", "m", start + std::chrono::hours(23)) == adapted);
  CHECK(lessons.find("b", "m", start + std::chrono::hours(24)) == nullptr);
}

TEST_CASE("lessons: model names of strangers do not fill the memory") {
  Lessons lessons;
  TimePoint now{std::chrono::hours(1)};
  const auto adapted = std::make_shared<const Adapted>();
  for (std::size_t i = 0; i < exchange::kMostLessons + 10; ++i) {
    now += std::chrono::seconds(1);
    lessons.learn("b", std::to_string(i), adapted, now);
  }
  CHECK(lessons.find("b", "9", now) == nullptr);
  CHECK(lessons.find("b", "10", now) == adapted);
}
