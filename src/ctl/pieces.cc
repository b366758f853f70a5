// See pieces.h.
#include "ctl/pieces.h"

#include <cstdio>
#include <iterator>

namespace clasp::ctl {

std::string paint(std::string_view text, Hue hue, const Look& look) {
  if (!look.colour) return std::string(text);
  constexpr const char* kCodes[] = {"\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[2m", "\x1b[1m"};
  return kCodes[static_cast<int>(hue)] + std::string(text) + "\x1b[0m";
}

std::string paint_state(std::string_view state, const Look& look) {
  if (state == "healthy" || state == "closed") return paint(state, Hue::good, look);
  if (state == "degraded" || state == "draining" || state == "half_open")
    return paint(state, Hue::warning, look);
  if (state == "down" || state == "open" || state == "disabled")
    return paint(state, Hue::bad, look);
  return std::string(state);
}

Table::Painter state_painter(const Look& look) {
  return [look](std::string_view cell) {
    const std::size_t end = cell.find_last_not_of(' ') + 1;
    return paint_state(cell.substr(0, end), look) + std::string(cell.substr(end));
  };
}

std::string bytes_text(std::int64_t bytes) {
  const char* units[] = {"B", "KB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(units); ++unit) value /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  return text;
}

std::string milliseconds_text(std::int64_t ms) {
  char text[32];
  if (ms < 1000)
    std::snprintf(text, sizeof text, "%lldms", static_cast<long long>(ms));
  else
    std::snprintf(text, sizeof text, "%.1fs", static_cast<double>(ms) / 1000);
  return ms == 0 ? "-" : text;
}

std::string seconds_text(std::int64_t seconds) {
  const std::int64_t days = seconds / 86400, hours = seconds / 3600 % 24,
                     minutes = seconds / 60 % 60;
  if (days > 0) return std::to_string(days) + "d " + std::to_string(hours) + "h";
  if (hours > 0) return std::to_string(hours) + "h " + std::to_string(minutes) + "m";
  if (minutes > 0) return std::to_string(minutes) + "m " + std::to_string(seconds % 60) + "s";
  return std::to_string(seconds) + "s";
}

std::string of_most(std::int64_t number, std::int64_t most) {
  return std::to_string(number) + (most > 0 ? "/" + std::to_string(most) : "");
}

std::int64_t failures_of(const json_t* backend) {
  std::int64_t sum = 0;
  const char* name = nullptr;
  json_t* count = nullptr;
  json_object_foreach(json_object_get(backend, "failures"), name, count) sum +=
      json_integer_value(count);
  return sum;
}

}  // namespace clasp::ctl
