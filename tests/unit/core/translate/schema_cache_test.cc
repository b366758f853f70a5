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
