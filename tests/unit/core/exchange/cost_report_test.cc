// What GET /costs says.
#include "core/exchange/cost_report.h"

#include <doctest/doctest.h>

#include "base/calendar.h"
#include "core/wire/json_reader.h"

using namespace clasp;
using namespace clasp::exchange;

namespace {
bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}
}  // namespace

TEST_CASE("costs: an empty ledger has the promised names") {
  const std::string out = render_costs({}, {}, 0);
  CHECK(wire::is_valid_json(out));
  for (const char* part : {"\"total_cost_usd\":0,", "\"total_input_tokens\":0,",
                           "\"total_output_tokens\":0,", "\"by_model\":{}", "\"budgets\":{}"})
    CHECK_MESSAGE(has(out, part), out);
  CHECK_FALSE(has(out, "since"));
}

TEST_CASE("costs: parts, budgets and models without a price") {
  policy::Ledger ledger;
  const std::int64_t now = day_from_civil({2026, 11, 28}) * kSecondsPerDay + 60;
  ledger.add({.client = "alice",
              .model = "m\"1\xff",
              .backend = "main",
              .input_tokens = 1000,
              .output_tokens = 20,
              .cached_tokens = 300,
              .cost = 1'500'000'000},
             now);
  ledger.add({.client = "",
              .model = "odd",
              .backend = "main",
              .input_tokens = 1,
              .output_tokens = 1,
              .cost = 0,
              .priced = false},
             now);
  config::ClientSettings alice, bob, carol;
  alice.name = "alice";
  alice.daily_budget = 1'000'000;
  alice.monthly_budget = 10'000'000;
  bob.name = "bob";
  bob.monthly_budget = 2'000'000;
  carol.name = "carol";
  const std::string out = render_costs(ledger.state(), {alice, bob, carol}, now);
  CHECK_MESSAGE(wire::is_valid_json(out), out);
  for (const char* part :
       {"\"total_cost_usd\":1.5,", "\"total_requests\":2,", "\"since\":\"2026-11-28T00:01:00Z\"",
        "\"day\":\"2026-11-28\"", "\"month\":\"2026-11\"", "\"month_cost_usd\":1.5",
        "\"m\\\"1\xef\xbf\xbd\":{\"cost_usd\":1.5,\"requests\":1,\"input_tokens\":1000,"
        "\"output_tokens\":20,\"cached_tokens\":300,\"unpriced_requests\":0}",
        "\"(anonymous)\":{\"cost_usd\":0,",
        "\"alice\":{\"daily\":{\"budget_usd\":1,\"spent_usd\":1.5,\"left_usd\":0,\"renewed_at\":"
        "\"2026-11-29T00:00:00Z\"},\"monthly\":{\"budget_usd\":10,\"spent_usd\":1.5,"
        "\"left_usd\":8.5,\"renewed_at\":\"2026-12-01T00:00:00Z\"}}",
        "\"bob\":{\"monthly\":{\"budget_usd\":2,\"spent_usd\":0,\"left_usd\":2",
        "\"unpriced_models\":[\"odd\"]"})
    CHECK_MESSAGE(has(out, part), part << " is not in " << out);
  CHECK_FALSE(has(out, "carol"));
}
