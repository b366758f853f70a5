// jansson trees with an owner, and reading them without caring what is missing.
#pragma once

#include <jansson.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace clasp::ctl {

struct JsonFree {
  void operator()(json_t* value) const { json_decref(value); }
};
using JsonPtr = std::unique_ptr<json_t, JsonFree>;

// Null when it is no JSON object. Texts come out fit for a terminal: names of models are whatever
// clients send, and control characters in them would be obeyed.
JsonPtr parse_json(std::string_view text);

// Empty, 0, false when the member is not there or of another type.
inline std::string_view text_of(const json_t* object, const char* name) {
  const json_t* value = json_object_get(object, name);
  return json_is_string(value)
             ? std::string_view(json_string_value(value), json_string_length(value))
             : std::string_view();
}
inline std::int64_t number_of(const json_t* object, const char* name) {
  return json_integer_value(json_object_get(object, name));
}
inline bool flag_of(const json_t* object, const char* name) {
  return json_is_true(json_object_get(object, name));
}

// The texts of an array with commas between; what is no text is left out.
std::string join(const json_t* list);

}  // namespace clasp::ctl
