// Texts in a row, with something between them.
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

}  // namespace clasp
