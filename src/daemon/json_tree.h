// jansson trees with an owner, for the small answers that the daemon writes. Never on a path that
// carries prompts or answers of models.
#pragma once

#include <jansson.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace clasp::daemon {

struct JsonFree {
  void operator()(json_t* value) const { json_decref(value); }
};
using JsonPtr = std::unique_ptr<json_t, JsonFree>;

// Compact, 0.3 as 0.3. "{}" should memory run out.
inline std::string dump_json(const JsonPtr& value) {
  const std::unique_ptr<char, void (*)(void*)> text(
      json_dumps(value.get(), JSON_COMPACT | JSON_REAL_PRECISION(12)), free);
  return text ? std::string(text.get()) : std::string("{}");
}

inline json_t* text_value(std::string_view text) {
  return json_stringn(text.data(), text.size());
}

// Members of an object; `value` is given away.
inline void set(json_t* object, const char* name, json_t* value) {
  json_object_set_new(object, name, value);
}
inline void set(json_t* object, const char* name, std::string_view text) {
  set(object, name, text_value(text));
}
inline void set_count(json_t* object, const char* name, std::uint64_t number) {
  set(object, name, json_integer(static_cast<json_int_t>(number)));
}
inline json_t* text_array(const std::vector<std::string>& texts) {
  json_t* out = json_array();
  for (const std::string& text : texts) json_array_append_new(out, text_value(text));
  return out;
}

}  // namespace clasp::daemon
