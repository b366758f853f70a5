// HTTP header fields in arrival order. Names compare without case; values are trimmed.
//
// All text lies in one string, so that a list costs two allocations whatever its length: every
// request has four lists. Each name and value is followed by a NUL, for C interfaces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"

namespace clasp::wire {

class Headers {
 public:
  // Views into the list: they live as long as it is unchanged.
  using Field = std::pair<std::string_view, std::string_view>;
  class Iterator;

  Headers() = default;
  Headers(const Headers&) = default;
  Headers(Headers&&) noexcept = default;
  // A string that an empty one is moved into keeps its memory; this gives it back.
  Headers& operator=(Headers other) noexcept {
    text_.swap(other.text_);
    fields_.swap(other.fields_);
    return *this;
  }
  ~Headers() = default;
  Headers(std::initializer_list<Field> fields) {
    for (const auto& [name, value] : fields) add(name, value);
  }

  // Not for text of this list itself.
  void add(std::string_view name, std::string_view value) {
    fields_.push_back({text_.size(), name.size(), value.size()});
    text_.append(name).push_back('\0');
    text_.append(value).push_back('\0');
  }
  void reserve(std::size_t count) {
    constexpr std::size_t kUsualField = 48;
    fields_.reserve(count);
    text_.reserve(count * kUsualField);
  }
  // First value, nothing when absent.
  std::optional<std::string_view> find(std::string_view name) const;
  std::string_view get(std::string_view name) const { return find(name).value_or(""); }
  void clear() {
    fields_.clear();
    text_.clear();
  }
  bool empty() const { return fields_.empty(); }
  std::size_t size() const { return fields_.size(); }
  Iterator begin() const;
  Iterator end() const;

 private:
  struct Place {
    std::size_t name = 0;  // where it begins
    std::size_t name_size = 0;
    std::size_t value_size = 0;
  };
  Field at(const Place& place) const {
    const char* name = text_.data() + place.name;
    return {{name, place.name_size}, {name + place.name_size + 1, place.value_size}};
  }

  std::string text_;
  std::vector<Place> fields_;
};

class Headers::Iterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = Field;
  using difference_type = std::ptrdiff_t;
  using pointer = void;
  using reference = Field;

  Iterator(const Headers& headers, const Place* place) : headers_(&headers), place_(place) {}
  Field operator*() const { return headers_->at(*place_); }
  Iterator& operator++() {
    ++place_;
    return *this;
  }
  Iterator operator++(int) {
    const Iterator before = *this;
    ++place_;
    return before;
  }
  bool operator==(const Iterator& other) const { return place_ == other.place_; }

 private:
  const Headers* headers_;
  const Place* place_;
};

inline Headers::Iterator Headers::begin() const {
  return {*this, fields_.data()};
}

inline Headers::Iterator Headers::end() const {
  return {*this, fields_.data() + fields_.size()};
}

inline std::optional<std::string_view> Headers::find(std::string_view name) const {
  for (const auto& [other, value] : *this)
    if (other.size() == name.size() && iequals(other, name)) return value;
  return std::nullopt;
}

}  // namespace clasp::wire
