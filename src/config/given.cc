// See given.h.
#include "config/given.h"

#include <algorithm>

namespace clasp::config {

namespace {

const GivenValue* find(const std::vector<GivenValue>& values, const std::string& name) {
  const auto found = std::find_if(values.begin(), values.end(),
                                  [&](const GivenValue& one) { return one.name == name; });
  return found == values.end() ? nullptr : &*found;
}

}  // namespace

std::vector<GivenChange> compare_given(const std::vector<GivenValue>& before,
                                       const std::vector<GivenValue>& after) {
  std::vector<GivenChange> changes;
  for (const GivenValue& value : after) {
    const GivenValue* old = find(before, value.name);
    if (old == nullptr || old->value != value.value || old->digest != value.digest)
      changes.push_back({value.name, old, &value});
  }
  for (const GivenValue& value : before)
    if (find(after, value.name) == nullptr) changes.push_back({value.name, &value, nullptr});
  return changes;
}

}  // namespace clasp::config
