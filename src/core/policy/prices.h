// What an answer has cost: the price table, compiled for each backend, and the arithmetic. Whole
// numbers only; an amount that does not fit is the largest one that does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"

namespace clasp::policy {

// Pico-dollars per token.
struct Price {
  std::int64_t input = 0, output = 0, cache_read = 0, cache_write = 0;
};

// `input` is all of the prompt; of it so many came from the backend's cache, and were put there.
struct TokenCounts {
  std::int64_t input = 0, output = 0, cache_read = 0, cache_write = 0;
};

// Nano-dollars, rounded to the nearest.
std::int64_t cost_of(const Price& price, const TokenCounts& tokens);

class PriceTable {
 public:
  PriceTable() = default;
  explicit PriceTable(const config::Settings& settings);

  // Of a model as the backend calls it; `backend` is its place in the settings. Nothing: no price
  // is known.
  std::optional<Price> find(std::size_t backend, std::string_view model) const;

 private:
  struct Row {
    std::string pattern;
    bool glob = false;
    Price price;
  };
  std::vector<std::vector<Row>> rows_;  // by backend; the last one that matches counts
};

}  // namespace clasp::policy
