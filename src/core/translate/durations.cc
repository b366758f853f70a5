// Parsing durations.
#include "core/translate/durations.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace clasp::translate {

namespace {

constexpr double kLongest = 1e9;  // seconds; anything longer is nonsense

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// A decimal number at the start of `text`, taken off it.
std::optional<double> take_number(std::string_view& text) {
  double value = 0, unit = 1;
  std::size_t at = 0;
  bool point = false;
  for (; at < text.size() && (is_digit(text[at]) || (text[at] == '.' && !point)); ++at) {
    if (text[at] == '.') {
      if (at + 1 >= text.size() || !is_digit(text[at + 1])) break;
      point = true;
      continue;
    }
    if (point) unit /= 10;
    value = point ? value + (text[at] - '0') * unit : value * 10 + (text[at] - '0');
    if (value > kLongest) return std::nullopt;
  }
  if (at == 0) return std::nullopt;
  text.remove_prefix(at);
  return value;
}

struct Unit {
  std::string_view name;
  double seconds;
};
// Longer names first, since the first that fits counts.
constexpr Unit kUnits[] = {
    {"milliseconds", 1e-3},
    {"seconds", 1},
    {"minutes", 60},
    {"second", 1},
    {"minute", 60},
    {"hours", 3600},
    {"hour", 3600},
    {"ms", 1e-3},
    {"us", 1e-6},
    {"ns", 1e-9},
    {"s", 1},
    {"m", 60},
    {"h", 3600},
    {"d", 86400},
};

const Unit* take_unit(std::string_view& text) {
  for (const Unit& unit : kUnits) {
    if (!iequals(text.substr(0, unit.name.size()), unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return &unit;
  }
  return nullptr;
}

// Number and unit, as often as they come. `bare`: a first number without unit is seconds.
std::optional<double> take_duration(std::string_view& text, bool bare) {
  double total = 0;
  bool any = false;
  for (;;) {
    std::string_view rest = text;
    const auto number = take_number(rest);
    if (!number) break;
    if (bare && !rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
    const Unit* unit = take_unit(rest);
    if (unit == nullptr) {
      if (!any && bare) total += *number;
      if (any || !bare) break;
      any = true;
      break;
    }
    total += *number * unit->seconds;
    any = true;
    text = rest;
  }
  if (!any || total > kLongest) return std::nullopt;
  return total;
}

}  // namespace

std::optional<double> parse_duration(std::string_view text) {
  text = trim(text);
  const auto value = take_duration(text, false);
  return value && text.empty() ? value : std::nullopt;
}

std::optional<double> duration_behind(std::string_view text, std::string_view phrase) {
  const std::string lower = to_lower(text);
  const std::size_t at = lower.find(phrase);
  if (at == std::string::npos) return std::nullopt;
  std::string_view rest = std::string_view(lower).substr(at + phrase.size());
  return take_duration(rest, true);
}

std::string retry_after_header(std::string_view value) {
  std::string clean = clean_header_value(value);
  std::string_view rest = clean;
  if (const auto seconds = take_number(rest); seconds && rest.empty())
    return std::to_string(
        static_cast<std::int64_t>(std::min<double>(std::ceil(*seconds), kLongestRetryAfter)));
  // An HTTP date: "Sun, 06 Nov 1994 08:49:37 GMT".
  const bool date = clean.size() >= 24 && clean.ends_with("GMT") && clean.find(", ") != clean.npos;
  return date ? clean : std::string();
}

std::string clean_header_value(std::string_view value) {
  constexpr std::size_t kMaxValue = 256;
  value = trim(value);
  const bool fine =
      std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
  return fine && value.size() <= kMaxValue ? std::string(value) : std::string();
}

}  // namespace clasp::translate
