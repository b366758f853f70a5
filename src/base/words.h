// Words for people: texts in a row, numbers of things.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace clasp {

inline std::string join(const std::vector<std::string>& parts, std::string_view between) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) out.append(i == 0 ? "" : between).append(parts[i]);
  return out;
}

// "1 worker", "2 workers"; `many` where another letter is not enough.
template <class Number>
std::string counted(Number number, std::string_view one, std::string_view many = {}) {
  std::string out = std::to_string(number) + " ";
  if (number == 1) return out.append(one);
  return many.empty() ? out.append(one).append("s") : out.append(many);
}

}  // namespace clasp
