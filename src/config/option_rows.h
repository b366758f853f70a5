// The rows of the option table, by theme. Only options.cc asks for them; everybody else asks
// options().
#pragma once

#include <vector>

#include "config/options.h"

namespace clasp::config {

// What this version can do, in the order in which it is shown.
void add_available_rows(std::vector<Option>& rows);
// Those of add_available_rows() about the models of a backend, single models and translation.
void add_backend_model_rows(std::vector<Option>& rows);
void add_model_rows(std::vector<Option>& rows);
void add_translation_rows(std::vector<Option>& rows);
// The part of them about routes, fallbacks, queue, breaker, retries and health checks.
void add_resilience_rows(std::vector<Option>& rows);
// Those about who may come in: listeners, authentication, clients, rate limits.
void add_door_rows(std::vector<Option>& rows);
// Those about the cache, costs and tracing.
void add_dial_rows(std::vector<Option>& rows);
// What is known from the product's description or its older versions, and not here.
void add_unavailable_rows(std::vector<Option>& rows);

// The slot of one member of Draft.
#define CLASP_AT(member) [](Draft& d, std::string_view) -> Slot { return &d.member; }

inline constexpr std::int64_t kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute,
                              kDay = 24 * kHour;
inline constexpr std::int64_t kMostTokens = 1'000'000'000;

inline constexpr Domain kBool{Kind::boolean};
inline constexpr Domain kText{Kind::text};
inline constexpr Domain kUrl{Kind::url};
inline constexpr Domain kPath{Kind::path};
inline constexpr Domain kSecret{Kind::secret};
inline constexpr Domain kList{Kind::list};

// Every way to write yes and no, and auto.
inline constexpr Domain kResponsesUse{Kind::choice, 0, 0, "auto|true|false|yes|no|on|off|1|0"};

constexpr Domain number(std::int64_t low, std::int64_t high) {
  return {Kind::integer, low, high};
}
constexpr Domain bytes(std::int64_t low, std::int64_t high) {
  return {Kind::bytes, low, high};
}
constexpr Domain money(std::int64_t low, std::int64_t high) {
  return {Kind::money, low, high};
}
constexpr Domain seconds(std::int64_t low, std::int64_t high) {
  return {Kind::seconds, low, high};
}
constexpr Domain millis(std::int64_t low, std::int64_t high) {
  return {Kind::millis, low, high};
}

}  // namespace clasp::config
