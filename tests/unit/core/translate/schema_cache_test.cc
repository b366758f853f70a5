#include "core/translate/schema_cache.h"

#include <doctest/doctest.h>

using namespace clasp::translate;

TEST_CASE("schema cache: the same bytes come out, with and without it") {
  const std::string schema =
      R"({"$schema":"x","type":"object","properties":{"a":{"type":"array"}},"required":["a","b"]})";
  SchemaRules rules;
  SchemaCache cache;
  std::string plain, first, second;
  SchemaCleaner bare, cached(&cache);
  const SchemaOutcome expected = bare.append(plain, schema, rules);
  cached.append(first, schema, rules);
  CHECK(cache.size() == 1);
  second = "before ";
  const SchemaOutcome again = cached.append(second, schema, rules);
  CHECK(first == plain);
  CHECK(second == "before " + plain);
  CHECK(again.strict == expected.strict);
  CHECK(again.warnings == expected.warnings);
}

TEST_CASE("schema cache: other rules are another schema") {
  const std::string schema = R"({"type":"object","properties":{"a":{"const":1}}})";
  SchemaCache cache;
  SchemaCleaner cleaner(&cache);
  SchemaRules usual, subset;
  subset.subset = true;
  std::string a, b, c;
  cleaner.append(a, schema, usual);
  cleaner.append(b, schema, subset);
  cleaner.append(c, schema, usual);
  CHECK(a != b);
  CHECK(a == c);
}

TEST_CASE("schema cache: its memory is bounded") {
  SchemaCache cache;
  SchemaRules rules;
  const std::string text(10'000, 'x');
  for (int i = 0; i < 1000; ++i) cache.put(text + std::to_string(i), rules, text, {});
  int kept = 0;
  for (int i = 0; i < 1000; ++i) kept += cache.find(text + std::to_string(i), rules) != nullptr;
  CHECK(kept > 10);
  CHECK(kept * 20'000 <= static_cast<int>(SchemaCache::kMostBytes));
  CHECK(cache.find(text + "999", rules) != nullptr);
  const std::string huge(SchemaCache::kLargest, 'y');
  cache.put(huge, rules, "z", {});
  CHECK(cache.find(huge, rules) == nullptr);
}

TEST_CASE("schema cache: whatever the order in which they come, each finds its own") {
  SchemaCache cache;
  SchemaRules usual, other;
  other.subset = true;
  const auto schema = [](int i) { return R"({"title":")" + std::to_string(i % 7) + "\"}"; };
  const auto cleaned = [&](int i, bool subset) { return schema(i) + (subset ? "s" : "u"); };
  for (int i = 0; i < 7; ++i)
    for (const bool subset : {false, true})
      cache.put(schema(i), subset ? other : usual, cleaned(i, subset), {});
  for (const int step : {1, 1, 3, 6, 0, 2, 1}) {
    for (int i = 0; i < 21; ++i) {
      const bool subset = step % 2 == 0 && i % 3 == 0;
      const auto* found = cache.find(schema(i * step), subset ? other : usual);
      REQUIRE(found != nullptr);
      CHECK(found->cleaned == cleaned(i * step, subset));
      CHECK(cache.find(schema(i) + " ", usual) == nullptr);
    }
  }
  // Forgotten as a whole, it follows no trace of what was.
  const std::string text(SchemaCache::kLargest / 2, 'x');
  for (int i = 0; i < 40; ++i) cache.put(text + std::to_string(i), usual, "", {});
  CHECK(cache.find(schema(1), usual) == nullptr);
  CHECK(cache.find(schema(2), usual) == nullptr);
}
