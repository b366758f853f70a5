// See prices.h.
#include "core/policy/prices.h"

#include <algorithm>

#include "base/text.h"

namespace clasp::policy {

namespace {

constexpr std::size_t kLongestName = 256;
constexpr std::int64_t kPicoPerNano = 1000;

// 128 bits hold the product of any two amounts and the sum of four of them.
__extension__ using Wide = __int128;

bool applies(const config::PriceRule& rule, const config::BackendSettings& backend) {
  if (!rule.backend.empty() && !iequals(rule.backend, backend.name)) return false;
  return rule.provider.empty() || rule.provider == backend.provider;
}

std::int64_t at_least_zero(std::int64_t value) {
  return std::max<std::int64_t>(0, value);
}

}  // namespace

std::int64_t cost_of(const Price& price, const TokenCounts& tokens) {
  const std::int64_t read = at_least_zero(tokens.cache_read);
  const std::int64_t written = at_least_zero(tokens.cache_write);
  const Wide fresh =
      std::max<Wide>(0, Wide{at_least_zero(tokens.input)} - Wide{read} - Wide{written});
  const Wide pico = fresh * price.input + Wide{at_least_zero(tokens.output)} * price.output +
                    Wide{read} * price.cache_read + Wide{written} * price.cache_write;
  const Wide nano = (pico + kPicoPerNano / 2) / kPicoPerNano;
  return nano > INT64_MAX ? INT64_MAX : static_cast<std::int64_t>(nano);
}

PriceTable::PriceTable(const config::Settings& settings) {
  for (const config::BackendSettings& backend : settings.backends) {
    std::vector<Row>& rows = rows_.emplace_back();
    for (const config::PriceRule& rule : settings.costs.prices)
      if (applies(rule, backend))
        rows.push_back({rule.pattern,
                        rule.pattern.find_first_of("*?") != std::string::npos,
                        {rule.input, rule.output, rule.cache_read, rule.cache_write}});
  }
}

std::optional<Price> PriceTable::find(std::size_t backend, std::string_view model) const {
  if (backend >= rows_.size() || model.size() > kLongestName) return std::nullopt;
  const std::vector<Row>& rows = rows_[backend];
  if (rows.empty()) return std::nullopt;
  const std::string name = to_lower(model);
  const auto found = std::find_if(rows.rbegin(), rows.rend(), [&](const Row& row) {
    return row.glob ? glob_match(row.pattern, name) : row.pattern == name;
  });
  return found == rows.rend() ? std::nullopt : std::optional(found->price);
}

}  // namespace clasp::policy
