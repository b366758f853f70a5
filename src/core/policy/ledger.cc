// See ledger.h.
#include "core/policy/ledger.h"

#include <algorithm>

#include "base/calendar.h"
#include "base/text.h"

namespace clasp::policy {

namespace {

constexpr std::int64_t kNanoPerDollar = 1'000'000'000;
constexpr int kNanoDigits = 9;

bool same_month(std::int64_t a, std::int64_t b) {
  const CivilDate first = civil_date(a), second = civil_date(b);
  return first.month == second.month && first.year == second.year;
}

void add_to(Spent& sum, const Charge& charge) {
  const auto counted = [](std::int64_t value) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, value));
  };
  ++sum.requests;
  sum.input_tokens += counted(charge.input_tokens);
  sum.output_tokens += counted(charge.output_tokens);
  sum.cached_tokens += counted(charge.cached_tokens);
  if (!charge.priced) ++sum.unpriced;
  sum.cost = add_cost(sum.cost, charge.cost);
}

void add_to(PeriodCosts& periods, std::int64_t cost, std::int64_t unix_now) {
  const std::int64_t day = accounting_day(periods, unix_now);
  if (day != periods.day) {
    if (!same_month(day, periods.day)) periods.month_cost = 0;
    periods.day_cost = 0;
    periods.day = day;
  }
  periods.day_cost = add_cost(periods.day_cost, cost);
  periods.month_cost = add_cost(periods.month_cost, cost);
}

template <class Map>
auto& entry(Map& map, std::string_view name, std::size_t most) {
  name = name.substr(0, Ledger::kLongestName);
  if (const auto found = map.find(name); found != map.end()) return found->second;
  if (map.size() >= most) name = Ledger::kOther;
  return map[std::string(name)];
}

}  // namespace

std::int64_t add_cost(std::int64_t sum, std::int64_t cost) {
  std::int64_t out = 0;
  return __builtin_add_overflow(sum, std::max<std::int64_t>(0, cost), &out) ? INT64_MAX : out;
}

std::int64_t accounting_day(const PeriodCosts& periods, std::int64_t unix_now) {
  const std::int64_t day = day_of(unix_now);
  return day == periods.day - 1 ? periods.day : day;
}

std::int64_t spent_in(const PeriodCosts& periods, BudgetPeriod period, std::int64_t day) {
  if (period == BudgetPeriod::day) return day == periods.day ? periods.day_cost : 0;
  return same_month(day, periods.day) ? periods.month_cost : 0;
}

std::int64_t end_of(BudgetPeriod period, std::int64_t day) {
  return (period == BudgetPeriod::day ? day + 1 : next_month(day)) * kSecondsPerDay;
}

void Ledger::add(const Charge& charge, std::int64_t unix_now) {
  if (state_.since == 0) state_.since = unix_now;
  ++version_;
  add_to(state_.total, charge);
  add_to(state_.periods, charge.cost, unix_now);
  // Clients and backends are named by the configuration, which bounds them.
  ClientSpent& client = entry(state_.clients, charge.client, SIZE_MAX);
  add_to(client.all, charge);
  add_to(client.periods, charge.cost, unix_now);
  add_to(entry(state_.models, charge.model, kModels), charge);
  add_to(entry(state_.backends, charge.backend, SIZE_MAX), charge);
}

std::optional<BudgetRefusal> Ledger::over_budget(const config::ClientSettings& client,
                                                 std::int64_t unix_now) const {
  if (client.daily_budget == 0 && client.monthly_budget == 0) return std::nullopt;
  const auto found = state_.clients.find(std::string_view(client.name).substr(0, kLongestName));
  if (found == state_.clients.end()) return std::nullopt;
  const PeriodCosts& periods = found->second.periods;
  const std::int64_t day = accounting_day(periods, unix_now);
  // The one that is renewed last is told, should both be used up.
  for (const BudgetPeriod period : {BudgetPeriod::month, BudgetPeriod::day}) {
    const std::int64_t budget =
        kNanoPerMicro * (period == BudgetPeriod::day ? client.daily_budget : client.monthly_budget);
    if (budget > 0 && spent_in(periods, period, day) >= budget)
      return BudgetRefusal{period, budget, end_of(period, day)};
  }
  return std::nullopt;
}

std::string render_usd(std::int64_t nano) {
  std::string out = std::to_string(nano / kNanoPerDollar);
  std::string rest = std::to_string(nano % kNanoPerDollar);
  rest.insert(0, kNanoDigits - std::min<std::size_t>(kNanoDigits, rest.size()), '0');
  rest.erase(rest.find_last_not_of('0') + 1);
  return rest.empty() ? out : out + "." + rest;
}

}  // namespace clasp::policy
