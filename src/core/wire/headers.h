// HTTP header fields in arrival order. Names compare without case; values are trimmed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"

namespace clasp::wire {

class Headers {
 public:
  using Field = std::pair<std::string, std::string>;
  Headers() = default;
  Headers(std::initializer_list<Field> fields) : fields_(fields) {}

  void add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }
  void reserve(std::size_t count) { fields_.reserve(count); }
  // First value, nothing when absent. The view lives as long as this object is unchanged.
  std::optional<std::string_view> find(std::string_view name) const {
    for (const Field& field : fields_)
      if (iequals(field.first, name)) return std::string_view(field.second);
    return std::nullopt;
  }
  std::string_view get(std::string_view name) const { return find(name).value_or(""); }
  void clear() { fields_.clear(); }
  bool empty() const { return fields_.empty(); }
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }

 private:
  std::vector<Field> fields_;
};

}  // namespace clasp::wire
