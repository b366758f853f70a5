// jansson trees with an owner, for the small answers that the daemon writes. Never on a path that
// carries prompts or answers of models.
#pragma once

#include <jansson.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

namespace clasp::daemon {

struct JsonFree {
  void operator()(json_t* value) const { json_decref(value); }
};
using JsonPtr = std::unique_ptr<json_t, JsonFree>;

// Compact. "{}" should memory run out.
inline std::string dump_json(const JsonPtr& value) {
  const std::unique_ptr<char, void (*)(void*)> text(json_dumps(value.get(), JSON_COMPACT), free);
  return text ? std::string(text.get()) : std::string("{}");
}

inline json_t* text_value(std::string_view text) {
  return json_stringn(text.data(), text.size());
}

}  // namespace clasp::daemon
