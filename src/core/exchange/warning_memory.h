// Which warnings were told already: each is worth one word in the log per client, backend, model
// and token (translation spec §0.1). Remembers hashes, in two generations of bounded size: what is
// forgotten is told once more. Knows no threads.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>

#include "core/exchange/record.h"

namespace clasp::exchange {

class WarningMemory {
 public:
  explicit WarningMemory(std::size_t most = 4096) : most_(most) {}

  // Those of the record's warnings that are new for its client (an address without its port), its
  // backend and its model; they are known from now on.
  std::string take_new(const Record& record);

 private:
  bool is_new(std::uint64_t hash);

  std::size_t most_;  // in one generation
  std::unordered_set<std::uint64_t> young_, old_;
};

}  // namespace clasp::exchange
