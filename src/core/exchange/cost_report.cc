// See cost_report.h. Amounts are decimal numbers without rounding, so no floating point here.
#include "core/exchange/cost_report.h"

#include <algorithm>

#include "base/calendar.h"
#include "base/text.h"

namespace clasp::exchange {

namespace {

using policy::BudgetPeriod;
using policy::render_usd;

constexpr std::string_view kStrangers = "(anonymous)";

void key(std::string& out, std::string_view name) {
  if (!out.empty() && out.back() != '{') out.push_back(',');
  append_json_string(out, scrub_utf8(name));
  out.push_back(':');
}

void number(std::string& out, std::string_view name, std::uint64_t value) {
  key(out, name);
  out.append(std::to_string(value));
}

void dollars(std::string& out, std::string_view name, std::int64_t nano) {
  key(out, name);
  out.append(render_usd(nano));
}

void text(std::string& out, std::string_view name, std::string_view value) {
  key(out, name);
  append_json_string(out, value);
}

// "total_" before the names of the whole, nothing before those of its parts.
void spent(std::string& out, const policy::Spent& sum, const std::string& before = {}) {
  dollars(out, before + "cost_usd", sum.cost);
  number(out, before + "requests", sum.requests);
  number(out, before + "input_tokens", sum.input_tokens);
  number(out, before + "output_tokens", sum.output_tokens);
  number(out, before + "cached_tokens", sum.cached_tokens);
  number(out, before + "unpriced_requests", sum.unpriced);
}

void periods(std::string& out, const policy::PeriodCosts& sums, std::int64_t unix_now) {
  const std::int64_t day = policy::accounting_day(sums, unix_now);
  dollars(out, "day_cost_usd", policy::spent_in(sums, BudgetPeriod::day, day));
  dollars(out, "month_cost_usd", policy::spent_in(sums, BudgetPeriod::month, day));
}

template <class Map>
void parts(std::string& out, std::string_view name, const Map& map) {
  key(out, name);
  out.push_back('{');
  for (const auto& [part, sum] : map) {
    key(out, part);
    out.push_back('{');
    spent(out, sum);
    out.push_back('}');
  }
  out.push_back('}');
}

void by_client(std::string& out, const policy::LedgerState& state, std::int64_t unix_now) {
  key(out, "by_client");
  out.push_back('{');
  for (const auto& [name, client] : state.clients) {
    key(out, name.empty() ? kStrangers : std::string_view(name));
    out.push_back('{');
    spent(out, client.all);
    periods(out, client.periods, unix_now);
    out.push_back('}');
  }
  out.push_back('}');
}

void budget(std::string& out, BudgetPeriod period, std::int64_t micro,
            const policy::PeriodCosts& sums, std::int64_t unix_now) {
  if (micro == 0) return;
  const std::int64_t day = policy::accounting_day(sums, unix_now);
  const std::int64_t whole = micro * policy::kNanoPerMicro;
  const std::int64_t used = policy::spent_in(sums, period, day);
  key(out, period == BudgetPeriod::day ? "daily" : "monthly");
  out.push_back('{');
  dollars(out, "budget_usd", whole);
  dollars(out, "spent_usd", used);
  dollars(out, "left_usd", std::max<std::int64_t>(0, whole - used));
  text(out, "renewed_at", render_instant(policy::end_of(period, day)));
  out.push_back('}');
}

void budgets(std::string& out, const policy::LedgerState& state,
             const std::vector<config::ClientSettings>& clients, std::int64_t unix_now) {
  key(out, "budgets");
  out.push_back('{');
  for (const config::ClientSettings& client : clients) {
    if (client.daily_budget == 0 && client.monthly_budget == 0) continue;
    const auto found =
        state.clients.find(std::string_view(client.name).substr(0, policy::Ledger::kLongestName));
    const policy::PeriodCosts sums =
        found == state.clients.end() ? policy::PeriodCosts{} : found->second.periods;
    key(out, client.name);
    out.push_back('{');
    budget(out, BudgetPeriod::day, client.daily_budget, sums, unix_now);
    budget(out, BudgetPeriod::month, client.monthly_budget, sums, unix_now);
    out.push_back('}');
  }
  out.push_back('}');
}

void unpriced(std::string& out, const policy::LedgerState& state) {
  key(out, "unpriced_models");
  out.push_back('[');
  bool first = true;
  for (const auto& [name, sum] : state.models) {
    if (sum.unpriced == 0) continue;
    if (!first) out.push_back(',');
    first = false;
    append_json_string(out, scrub_utf8(name));
  }
  out.push_back(']');
}

}  // namespace

std::string render_costs(const policy::LedgerState& state,
                         const std::vector<config::ClientSettings>& clients,
                         std::int64_t unix_now) {
  std::string out = "{";
  spent(out, state.total, "total_");
  if (state.since > 0) text(out, "since", render_instant(state.since));
  const std::int64_t day = policy::accounting_day(state.periods, unix_now);
  text(out, "day", render_date(day));
  text(out, "month", render_month(day));
  periods(out, state.periods, unix_now);
  parts(out, "by_model", state.models);
  parts(out, "by_backend", state.backends);
  by_client(out, state, unix_now);
  budgets(out, state, clients, unix_now);
  unpriced(out, state);
  return out + "}";
}

}  // namespace clasp::exchange
