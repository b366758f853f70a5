// Durations in the spellings of HTTP APIs, and header values fit to be passed on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace clasp::translate {

// "6m0s", "1.2s", "12ms", "1h2m3s", "2d" in seconds. The whole text must be one.
std::optional<double> parse_duration(std::string_view text);
// The duration right behind `phrase` in a sentence; a bare number counts as seconds.
std::optional<double> duration_behind(std::string_view text, std::string_view phrase);
// A retry-after field as it may be passed on: whole seconds, at most an hour, or an HTTP date.
// Empty when it is neither.
inline constexpr std::int64_t kLongestRetryAfter = 3600;
std::string retry_after_header(std::string_view value);
// Printable ASCII of sane length, else empty.
std::string clean_header_value(std::string_view value);

}  // namespace clasp::translate
