// The ledger: sums, bounds, days and months, budgets at their edges.
#include "core/policy/ledger.h"

#include <doctest/doctest.h>

#include "base/calendar.h"

using namespace clasp;
using namespace clasp::policy;

namespace {

constexpr std::int64_t kDollar = 1'000'000'000;

std::int64_t at(std::int64_t year, int month, int day, std::int64_t second = 0) {
  return day_from_civil({year, month, day}) * kSecondsPerDay + second;
}

Charge charge(std::int64_t cost, const char* client = "alice") {
  return {.client = client,
          .model = "m",
          .backend = "b",
          .input_tokens = 10,
          .output_tokens = 5,
          .cached_tokens = 4,
          .cost = cost};
}

config::ClientSettings budget(std::int64_t daily, std::int64_t monthly) {
  config::ClientSettings client;
  client.name = "alice";
  client.daily_budget = daily * 1'000'000;
  client.monthly_budget = monthly * 1'000'000;
  return client;
}

}  // namespace

TEST_CASE("ledger: sums by client, model and backend") {
  Ledger ledger;
  ledger.add(charge(2 * kDollar), at(2026, 11, 28));
  ledger.add(charge(kDollar, ""), at(2026, 11, 28));
  Charge unknown = charge(0);
  unknown.model = "n";
  unknown.priced = false;
  ledger.add(unknown, at(2026, 11, 29));
  const LedgerState& state = ledger.state();
  CHECK(state.since == at(2026, 11, 28));
  CHECK(state.total == Spent{3, 30, 15, 12, 1, 3 * kDollar});
  CHECK(state.clients.at("alice").all == Spent{2, 20, 10, 8, 1, 2 * kDollar});
  CHECK(state.clients.at("").all.cost == kDollar);
  CHECK(state.models.at("m").requests == 2);
  CHECK(state.models.at("n").unpriced == 1);
  CHECK(state.backends.at("b").requests == 3);
  CHECK(ledger.version() == 3);
}

TEST_CASE("ledger: a day and a month end at midnight UTC, leap day included") {
  Ledger ledger;
  ledger.add(charge(kDollar), at(2028, 2, 28, 86'399));
  const auto& periods = ledger.state().periods;
  CHECK(spent_in(periods, BudgetPeriod::day, day_of(at(2028, 2, 28))) == kDollar);
  ledger.add(charge(2 * kDollar), at(2028, 2, 29));
  CHECK(periods.day_cost == 2 * kDollar);
  CHECK(periods.month_cost == 3 * kDollar);
  CHECK(spent_in(periods, BudgetPeriod::day, day_of(at(2028, 3, 1))) == 0);
  CHECK(spent_in(periods, BudgetPeriod::month, day_of(at(2028, 3, 1))) == 0);
  ledger.add(charge(5), at(2028, 3, 1));
  CHECK(periods.month_cost == 5);
  // The same month of another year is another month.
  ledger.add(charge(7), at(2029, 3, 1));
  CHECK(periods.month_cost == 7);
  CHECK(ledger.state().total.cost == 3 * kDollar + 12);
}

TEST_CASE("ledger: a clock that goes back over midnight gives no second budget") {
  Ledger ledger;
  const auto alice = budget(1, 0);
  ledger.add(charge(kDollar), at(2026, 12, 1, 5));
  CHECK(ledger.over_budget(alice, at(2026, 11, 30, 86'399)));
  ledger.add(charge(3), at(2026, 11, 30, 86'399));
  CHECK(ledger.state().periods.day_cost == kDollar + 3);
  CHECK(ledger.state().periods.month_cost == kDollar + 3);
  // A clock that was a year ahead does not lock anybody out for a year.
  ledger.add(charge(kDollar), at(2027, 12, 1));
  CHECK_FALSE(ledger.over_budget(alice, at(2026, 12, 2)));
  ledger.add(charge(4), at(2026, 12, 2));
  CHECK(ledger.state().periods.day_cost == 4);
}

TEST_CASE("budgets: used up at the very cent, renewed at midnight and on the first") {
  Ledger ledger;
  const auto alice = budget(5, 8);
  CHECK_FALSE(ledger.over_budget(alice, at(2026, 11, 28)));
  ledger.add(charge(5 * kDollar - 1), at(2026, 11, 28));
  CHECK_FALSE(ledger.over_budget(alice, at(2026, 11, 28)));
  ledger.add(charge(1), at(2026, 11, 28));
  const auto day = ledger.over_budget(alice, at(2026, 11, 28, 86'399));
  REQUIRE(day);
  CHECK(day->period == BudgetPeriod::day);
  CHECK(day->budget == 5 * kDollar);
  CHECK(day->renewed_at == at(2026, 11, 29));
  CHECK_FALSE(ledger.over_budget(alice, at(2026, 11, 29)));
  ledger.add(charge(5 * kDollar), at(2026, 11, 29));
  const auto month = ledger.over_budget(alice, at(2026, 11, 30, 86'399));
  REQUIRE(month);
  CHECK(month->period == BudgetPeriod::month);
  CHECK(month->renewed_at == at(2026, 12, 1));
  CHECK_FALSE(ledger.over_budget(alice, at(2026, 12, 1)));
  // Others, and those without a budget.
  CHECK_FALSE(ledger.over_budget(budget(0, 0), at(2026, 11, 30)));
  config::ClientSettings bob = budget(1, 1);
  bob.name = "bob";
  CHECK_FALSE(ledger.over_budget(bob, at(2026, 11, 30)));
}

TEST_CASE("ledger: names of models are bounded, sums do not overflow") {
  Ledger ledger;
  for (int i = 0; i < 1500; ++i) {
    const std::string name = "model-" + std::to_string(i);
    Charge one = charge(1);
    one.model = name;
    ledger.add(one, at(2026, 1, 1));
  }
  CHECK(ledger.state().models.size() == Ledger::kModels + 1);
  CHECK(ledger.state().models.at("other").requests == 500);
  const std::string longest(100'000, 'm');
  Charge one = charge(INT64_MAX);
  one.client = longest;
  ledger.add(one, at(2026, 1, 1));
  ledger.add(one, at(2026, 1, 1));
  CHECK(ledger.state().total.cost == INT64_MAX);
  CHECK(ledger.state().clients.contains(longest.substr(0, Ledger::kLongestName)));
  Charge odd = charge(-5);
  odd.input_tokens = -7;
  const std::uint64_t before = ledger.state().total.input_tokens;
  ledger.add(odd, at(2026, 1, 1));
  CHECK(ledger.state().total.input_tokens == before);
}

TEST_CASE("ledger: dollars without rounding") {
  CHECK(render_usd(0) == "0");
  CHECK(render_usd(1) == "0.000000001");
  CHECK(render_usd(12'500'000'000) == "12.5");
  CHECK(render_usd(1'000'000'000) == "1");
  CHECK(render_usd(INT64_MAX) == "9223372036.854775807");
}
