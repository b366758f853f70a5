// Prices: which row counts, and the arithmetic at its edges.
#include "core/policy/prices.h"

#include <doctest/doctest.h>

#include "config/default_prices.h"

using namespace clasp;
using namespace clasp::policy;

namespace {

config::BackendSettings backend(const char* name, const char* provider) {
  config::BackendSettings out;
  out.name = name;
  out.provider = provider;
  return out;
}

config::PriceRule rule(const char* pattern, std::int64_t input, const char* of = "") {
  config::PriceRule out;
  out.pattern = pattern;
  out.backend = of;
  out.input = out.output = out.cache_read = out.cache_write = input;
  return out;
}

config::Settings shipped() {
  config::Settings settings;
  settings.backends = {backend("main", "openai"), backend("local", "ollama"),
                       backend("gate", "openrouter"), backend("claude", "anthropic")};
  settings.costs.prices = config::default_prices();
  return settings;
}

}  // namespace

TEST_CASE("prices: fresh, cached and written input and output, each at its own") {
  const Price price{2'500'000, 10'000'000, 1'250'000, 3'000'000};
  CHECK(cost_of(price, {1000, 500, 0, 0}) == 7'500'000);  // $0.0075
  CHECK(cost_of(price, {1000, 0, 600, 300}) == 100 * 2500 + 600 * 1250 + 300 * 3000);
  CHECK(cost_of(price, {}) == 0);
}

TEST_CASE("prices: parts of a nano-dollar are rounded, nothing overflows, nonsense costs nothing") {
  CHECK(cost_of({499, 0, 0, 0}, {1, 0, 0, 0}) == 0);
  CHECK(cost_of({500, 0, 0, 0}, {1, 0, 0, 0}) == 1);
  CHECK(cost_of({INT64_MAX, INT64_MAX, 0, 0}, {INT64_MAX, INT64_MAX, 0, 0}) == INT64_MAX);
  CHECK(cost_of({1'000'000, 1'000'000, 1'000'000, 1'000'000}, {-5, -5, -5, -5}) == 0);
  // More from the cache than there was: no fresh ones, not fewer than none.
  CHECK(cost_of({1000, 0, 1000, 0}, {10, 0, 15, 0}) == 15);
}

TEST_CASE("prices: the last row that matches counts, and those of one backend only there") {
  config::Settings settings = shipped();
  settings.costs.prices.push_back(rule("gpt-*", 7));
  settings.costs.prices.push_back(rule("gpt-4o", 8, "GATE"));
  const PriceTable table(settings);
  CHECK(table.find(0, "GPT-4o")->input == 7);
  CHECK(table.find(2, "gpt-4o")->input == 8);
  CHECK(table.find(2, "gpt-5")->input == 7);
  CHECK(table.find(0, "o3")->input == 2'000'000);
}

TEST_CASE("prices: the shipped ones are those of their vendor; unknown models have none") {
  const PriceTable table(shipped());
  const auto price = table.find(0, "gpt-4o-2024-08-06");
  REQUIRE(price);
  CHECK(price->input == 2'500'000);
  CHECK(price->output == 10'000'000);
  CHECK(price->cache_read == 1'250'000);
  CHECK(price->cache_write == 2'500'000);
  CHECK(table.find(0, "gpt-4o-mini")->input == 150'000);
  CHECK(table.find(0, "gpt-4o-2024-05-13")->input == 5'000'000);
  CHECK(table.find(3, "claude-haiku-4-5-20251001")->cache_write == 1'250'000);
  CHECK_FALSE(table.find(0, "gpt-99"));
  CHECK_FALSE(table.find(0, "claude-haiku-4-5"));
  CHECK_FALSE(table.find(2, "gpt-4o"));
  CHECK_FALSE(table.find(9, "gpt-4o"));
  CHECK_FALSE(table.find(0, std::string(100'000, 'g')));
  CHECK(table.find(1, "anything:7b")->output == 0);
  for (const config::PriceRule& one : config::default_prices()) {
    CHECK(one.pattern.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string::npos);
    CHECK(one.cache_read <= one.input);
    CHECK(one.cache_write >= one.cache_read);
  }
}
