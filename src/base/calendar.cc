// See calendar.h. Dates are computed by eras of 400 years that begin in March, so that a leap day
// is the last day of its year.
#include "base/calendar.h"

namespace clasp {

namespace {

constexpr std::int64_t kEraDays = 146'097;
constexpr std::int64_t kEpochShift = 719'468;  // days from 0000-03-01 to 1970-01-01

std::int64_t floor_div(std::int64_t value, std::int64_t by) {
  return value / by - (value % by < 0 ? 1 : 0);
}

// Not snprintf(): answers under a rate limit have several of these.
void append_digits(std::string& out, std::int64_t value, int width) {
  char digits[20];
  int used = 0;
  for (; value > 0 || used < width; value /= 10)
    digits[used++] = static_cast<char>('0' + value % 10);
  while (used > 0) out.push_back(digits[--used]);
}

void append_month(std::string& out, const CivilDate& date) {
  if (date.year < 0) out.push_back('-');
  append_digits(out, date.year < 0 ? -date.year : date.year, 4);
  out.push_back('-');
  append_digits(out, date.month, 2);
}

void append_date(std::string& out, const CivilDate& date) {
  append_month(out, date);
  out.push_back('-');
  append_digits(out, date.day, 2);
}

}  // namespace

std::int64_t day_of(std::int64_t unix_seconds) {
  return floor_div(unix_seconds, kSecondsPerDay);
}

CivilDate civil_date(std::int64_t day) {
  const std::int64_t shifted = day + kEpochShift;
  const std::int64_t era = floor_div(shifted, kEraDays);
  const std::int64_t of_era = shifted - era * kEraDays;
  const std::int64_t year = (of_era - of_era / 1460 + of_era / 36'524 - of_era / 146'096) / 365;
  const std::int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
  const std::int64_t month = (5 * of_year + 2) / 153;  // 0: March
  CivilDate date;
  date.day = static_cast<int>(of_year - (153 * month + 2) / 5 + 1);
  date.month = static_cast<int>(month < 10 ? month + 3 : month - 9);
  date.year = year + era * 400 + (date.month <= 2 ? 1 : 0);
  return date;
}

std::int64_t day_from_civil(const CivilDate& date) {
  const std::int64_t year = date.year - (date.month <= 2 ? 1 : 0);
  const std::int64_t era = floor_div(year, 400);
  const std::int64_t of_era = year - era * 400;
  const std::int64_t month = date.month > 2 ? date.month - 3 : date.month + 9;
  const std::int64_t of_year = (153 * month + 2) / 5 + date.day - 1;
  return era * kEraDays + of_era * 365 + of_era / 4 - of_era / 100 + of_year - kEpochShift;
}

std::int64_t next_month(std::int64_t day) {
  CivilDate date = civil_date(day);
  date.day = 1;
  if (++date.month > 12) {
    date.month = 1;
    ++date.year;
  }
  return day_from_civil(date);
}

std::string render_date(std::int64_t day) {
  std::string out;
  append_date(out, civil_date(day));
  return out;
}

std::string render_month(std::int64_t day) {
  std::string out;
  append_month(out, civil_date(day));
  return out;
}

std::string render_instant(std::int64_t unix_seconds) {
  const std::int64_t day = day_of(unix_seconds);
  const std::int64_t rest = unix_seconds - day * kSecondsPerDay;
  std::string out;
  out.reserve(24);
  append_date(out, civil_date(day));
  out.push_back('T');
  append_digits(out, rest / 3600, 2);
  out.push_back(':');
  append_digits(out, rest / 60 % 60, 2);
  out.push_back(':');
  append_digits(out, rest % 60, 2);
  out.push_back('Z');
  return out;
}

}  // namespace clasp
