// See schema_cache.h.
#include "core/translate/schema_cache.h"

namespace clasp::translate {

namespace {

unsigned rules_key(const SchemaRules& rules) {
  return (rules.keep_refs ? 1u : 0u) | (rules.subset ? 2u : 0u) | (rules.grammar_limits ? 4u : 0u) |
         (rules.tool ? 8u : 0u) | (rules.strict_wanted ? 16u : 0u) | (rules.type_lists ? 32u : 0u);
}

}  // namespace

const SchemaCache::Entry* SchemaCache::find(std::string_view json, const SchemaRules& rules) {
  const unsigned key = rules_key(rules);
  Entry* const before = last_rules_ == key ? last_ : nullptr;
  if (before != nullptr && before->next != nullptr && *before->next_json == json)
    return last_ = before->next;
  const auto entries = entries_.find(key);
  if (entries == entries_.end()) return nullptr;
  const auto found = entries->second.find(json);
  if (found == entries->second.end()) return nullptr;
  last_ = &found->second;
  last_rules_ = key;
  if (before != nullptr) {
    before->next_json = &found->first;
    before->next = last_;
  }
  return last_;
}

void SchemaCache::put(std::string_view json, const SchemaRules& rules, std::string_view cleaned,
                      const SchemaOutcome& outcome) {
  const std::size_t cost = json.size() + cleaned.size() + sizeof(Entry);
  if (cost > kLargest) return;
  if (bytes_ + cost > kMostBytes) {
    entries_.clear();
    last_ = nullptr;
    bytes_ = 0;
  }
  bytes_ += cost;
  entries_[rules_key(rules)].insert_or_assign(
      std::string(json), Entry{std::string(cleaned), outcome, nullptr, nullptr});
}

}  // namespace clasp::translate
