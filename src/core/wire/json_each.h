// Walks over one level of a JSON value that was proved before. What is of another kind, or missing,
// has nothing to walk over.
#pragma once

#include <string_view>

#include "core/wire/json_reader.h"

namespace clasp::wire {

// `use` gets the key (the inside of its JSON string) and the value of each member of an object.
template <class Use>
void each_member(std::string_view json, Use use) {
  JsonReader reader(json);
  if (reader.kind() != JsonReader::Kind::object) return;
  JsonReader::Members members(reader);
  std::string_view key, value;
  while (members.next(key) && reader.skip(value)) use(key, value);
}

// `use` gets each element of an array.
template <class Use>
void each_item(std::string_view json, Use use) {
  JsonReader reader(json);
  if (reader.kind() != JsonReader::Kind::array) return;
  JsonReader::Items items(reader);
  std::string_view value;
  while (items.next() && reader.skip(value)) use(value);
}

}  // namespace clasp::wire
