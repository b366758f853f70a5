// The prices that are shipped; [price PATTERN] sections are stronger.
#pragma once

#include <string_view>
#include <vector>

#include "config/settings.h"

namespace clasp::config {

// When the shipped prices were looked up, for people: "2026-10".
extern const std::string_view kPricesAsOf;

std::vector<PriceRule> default_prices();

}  // namespace clasp::config
