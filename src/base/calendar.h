// The calendar in UTC, from seconds since the Unix epoch: days, months, and instants as people and
// other programs read them. Works for every 64-bit day; knows no time zone.
#pragma once

#include <cstdint>
#include <string>

namespace clasp {

inline constexpr std::int64_t kSecondsPerDay = 86'400;

struct CivilDate {
  std::int64_t year = 1970;
  int month = 1;  // 1 to 12
  int day = 1;    // 1 to 31
  friend bool operator==(const CivilDate&, const CivilDate&) = default;
};

// Days since 1970-01-01, rounded down: the second before it belongs to day -1.
std::int64_t day_of(std::int64_t unix_seconds);
CivilDate civil_date(std::int64_t day);
std::int64_t day_from_civil(const CivilDate& date);
// The first day of the month behind that of `day`.
std::int64_t next_month(std::int64_t day);

// "2024-02-29", "2024-02".
std::string render_date(std::int64_t day);
std::string render_month(std::int64_t day);
// RFC 3339, UTC, whole seconds: "2024-02-29T12:34:56Z".
std::string render_instant(std::int64_t unix_seconds);

}  // namespace clasp
