// A tool's schema from arbitrary bytes, cleaned for every kind of backend: the outcome is valid
// JSON, and cleaning it once more changes nothing where nothing had to be decided.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/translate/schema.h"
#include "core/wire/json_reader.h"

using namespace clasp;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

// First byte: which rules. The rest: the schema.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string schema(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (!wire::is_valid_json(schema)) return 0;
  translate::SchemaRules rules;
  rules.keep_refs = (data[0] & 1) != 0;
  rules.subset = (data[0] & 2) != 0;
  rules.grammar_limits = (data[0] & 4) != 0;
  rules.tool = (data[0] & 8) != 0;
  rules.strict_wanted = (data[0] & 16) != 0;
  translate::SchemaCleaner cleaner;
  std::string out;
  const auto outcome = cleaner.append(out, schema, rules);
  if (outcome.too_large || outcome.empty) {
    require(out.empty());
    return 0;
  }
  require(wire::is_valid_json(out));
  if (rules.tool) require(out.find('{') != std::string::npos);
  // A strict schema is one: asked again, the answer is the same.
  if (outcome.strict) {
    std::string again;
    require(cleaner.append(again, out, rules).strict && again == out);
  }
  return 0;
}
