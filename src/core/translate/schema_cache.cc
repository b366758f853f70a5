// See schema_cache.h.
#include "core/translate/schema_cache.h"

namespace clasp::translate {

namespace {

unsigned rules_key(const SchemaRules& rules) {
  return (rules.keep_refs ? 1u : 0u) | (rules.subset ? 2u : 0u) | (rules.grammar_limits ? 4u : 0u) |
         (rules.tool ? 8u : 0u) | (rules.strict_wanted ? 16u : 0u) | (rules.type_lists ? 32u : 0u);
}

}  // namespace

const SchemaCache::Entry* SchemaCache::find(std::string_view json, const SchemaRules& rules) const {
  const auto entries = entries_.find(rules_key(rules));
  if (entries == entries_.end()) return nullptr;
  const auto found = entries->second.find(json);
  return found == entries->second.end() ? nullptr : &found->second;
}

void SchemaCache::put(std::string_view json, const SchemaRules& rules, std::string_view cleaned,
                      const SchemaOutcome& outcome) {
  const std::size_t cost = json.size() + cleaned.size() + sizeof(Entry);
  if (cost > kLargest) return;
  if (bytes_ + cost > kMostBytes) {
    entries_.clear();
    bytes_ = 0;
  }
  bytes_ += cost;
  entries_[rules_key(rules)].insert_or_assign(std::string(json),
                                              Entry{std::string(cleaned), outcome});
}

}  // namespace clasp::translate
