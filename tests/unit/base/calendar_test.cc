// Dates in UTC at their edges: leap days, centuries, the days around the epoch.
#include "base/calendar.h"

#include <doctest/doctest.h>

using namespace clasp;

TEST_CASE("calendar: known instants") {
  CHECK(render_instant(0) == "1970-01-01T00:00:00Z");
  CHECK(render_instant(-1) == "1969-12-31T23:59:59Z");
  CHECK(render_instant(1'709'210'096) == "2024-02-29T12:34:56Z");
  CHECK(render_instant(4'102'444'799) == "2099-12-31T23:59:59Z");
  CHECK(render_instant(4'107'542'400) == "2100-03-01T00:00:00Z");  // no leap day that year
  CHECK(render_date(day_of(951'782'400)) == "2000-02-29");
  CHECK(render_month(day_of(951'868'800)) == "2000-03");
}

TEST_CASE("calendar: every day of 500 years goes there and back, and follows the one before") {
  const std::int64_t first = day_from_civil({1800, 1, 1});
  CivilDate last = civil_date(first - 1);
  CHECK(last == CivilDate{1799, 12, 31});
  for (std::int64_t day = first; day < first + 500 * 366; ++day) {
    const CivilDate date = civil_date(day);
    REQUIRE(day_from_civil(date) == day);
    const bool next_day = date.day == last.day + 1 && date.month == last.month;
    REQUIRE((next_day || date.day == 1));
    last = date;
  }
}

TEST_CASE("calendar: the month behind a day") {
  CHECK(render_date(next_month(day_from_civil({2026, 12, 31}))) == "2027-01-01");
  CHECK(render_date(next_month(day_from_civil({2028, 2, 1}))) == "2028-03-01");
  CHECK(render_date(next_month(day_from_civil({2028, 1, 31}))) == "2028-02-01");
  CHECK(next_month(day_from_civil({2028, 2, 1})) - day_from_civil({2028, 2, 1}) == 29);
}
