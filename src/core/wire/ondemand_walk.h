// How the members of a JSON object are picked with simdjson's on-demand parser: small tables of
// names and what to do with each value. For the .cc files of this room only: simdjson.h is large.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "core/wire/openai_chat.h"

namespace clasp::wire {

namespace od = simdjson::ondemand;

// No honest chunk has more entries in any one list.
constexpr std::size_t kMaxEntries = 100'000;

inline std::string_view without_trailing_space(std::string_view text) {
  while (!text.empty() &&
         (text.back() == ' ' || text.back() == '\n' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

inline bool is_type(od::value& value, od::json_type wanted) {
  od::json_type type;
  return value.type().get(type) == simdjson::SUCCESS && type == wanted;
}

// The inside of a string value; the value itself is left to be skipped.
inline RawField take_raw(od::value& value) {
  RawField field;
  if (!is_type(value, od::json_type::string)) return field;
  const std::string_view token = without_trailing_space(value.raw_json_token());
  if (token.size() < 2) return field;
  field.raw = token.substr(1, token.size() - 2);
  field.present = true;
  return field;
}

// A count: a non-negative integer, else -1. Fractions and strings are not counts.
inline std::int64_t take_count(od::value& value) {
  if (!is_type(value, od::json_type::number)) return -1;
  std::int64_t number = -1;
  if (value.get_int64().get(number) != simdjson::SUCCESS || number < 0) return -1;
  return number;
}

inline bool take_true(od::value& value) {
  bool flag = false;
  return is_type(value, od::json_type::boolean) &&
         value.get_bool().get(flag) == simdjson::SUCCESS && flag;
}

// The whole value as text; consumes it. Empty for null.
inline std::string_view take_json(od::value& value) {
  od::json_type type;
  if (value.type().get(type) != simdjson::SUCCESS || type == od::json_type::null) return {};
  std::string_view text;
  if (type == od::json_type::object) {
    od::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return {};
    if (object.raw_json().get(text) != simdjson::SUCCESS) return {};
    return text;
  }
  if (type == od::json_type::array) {
    od::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) return {};
    if (array.raw_json().get(text) != simdjson::SUCCESS) return {};
    return text;
  }
  return without_trailing_space(value.raw_json_token());
}

// Members are dispatched through small tables: name -> what to do with the value.
template <class T>
struct Member {
  std::string_view name;
  void (*take)(od::value& value, T& into);
};

// Calls the table's function for each known member. False on broken JSON.
template <class T, std::size_t N>
bool walk(od::object object, const Member<T> (&table)[N], T& into) {
  for (auto item : object) {
    od::field field;
    if (std::move(item).get(field) != simdjson::SUCCESS) return false;
    const od::raw_json_string key = field.key();
    const char first = key.raw()[0];
    for (const Member<T>& member : table) {
      if (member.name[0] != first || !key.unsafe_is_equal(member.name)) continue;
      member.take(field.value(), into);
      break;
    }
  }
  return true;
}

// The same when the value may be something else than an object, which then counts as absent.
template <class T, std::size_t N>
void walk_value(od::value& value, const Member<T> (&table)[N], T& into) {
  od::object object;
  if (!is_type(value, od::json_type::object)) return;
  if (value.get_object().get(object) == simdjson::SUCCESS) walk(object, table, into);
}

// Calls `take` for each element of an array; anything else counts as absent.
template <class F>
void each(od::value& value, F take) {
  od::array array;
  if (!is_type(value, od::json_type::array)) return;
  if (value.get_array().get(array) != simdjson::SUCCESS) return;
  std::size_t count = 0;
  for (auto item : array) {
    od::value element;
    if (std::move(item).get(element) != simdjson::SUCCESS || ++count > kMaxEntries) return;
    take(element);
  }
}

}  // namespace clasp::wire
