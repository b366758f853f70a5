// See warning_memory.h.
#include "core/exchange/warning_memory.h"

#include <functional>

#include "base/network.h"
#include "base/text.h"

namespace clasp::exchange {

std::string WarningMemory::take_new(const Record& record) {
  std::string key(address_of_peer(record.client));
  key.append("\n").append(record.backend).append("\n").append(record.model_used).append("\n");
  const std::size_t stem = key.size();
  std::string out;
  for (std::string_view token : split(record.warnings, ',')) {
    token = trim(token);
    key.resize(stem);
    key.append(token);
    if (token.empty() || !is_new(std::hash<std::string>()(key))) continue;
    out.append(out.empty() ? "" : ", ").append(token);
  }
  return out;
}

bool WarningMemory::is_new(std::uint64_t hash) {
  const bool known = young_.count(hash) != 0 || old_.count(hash) != 0;
  // What is still in use moves to the younger ones and is not forgotten with the older ones.
  young_.insert(hash);
  if (young_.size() >= most_) {
    old_ = std::move(young_);
    young_.clear();
  }
  return !known;
}

}  // namespace clasp::exchange
