// The clean-up that every backend gets, and its order. References, root combinators, the strict
// check and gemini's subset have files of their own.
#include "core/translate/schema.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <unordered_set>

#include "base/text.h"
#include "core/translate/schema_cache.h"
#include "core/translate/translation.h"

namespace clasp::translate {

namespace {

using Id = SchemaTree::Id;
using Kind = SchemaTree::Kind;
constexpr Id kNone = SchemaTree::kNone;

constexpr std::string_view kEmptySchema = R"({"type":"object","properties":{}})";
constexpr std::size_t kGrammarBound = 2000;
constexpr std::size_t kFewNames = 16;

struct Place {
  std::string_view key;
  Subschema kind;
};

// By length, so that a name is compared with few of them.
constexpr Place kPlaces[] = {
    {"if", Subschema::single},
    {"not", Subschema::single},
    {"then", Subschema::single},
    {"else", Subschema::single},
    {"items", Subschema::single_or_list},
    {"anyOf", Subschema::list},
    {"oneOf", Subschema::list},
    {"allOf", Subschema::list},
    {"$defs", Subschema::map},
    {"contains", Subschema::single},
    {"properties", Subschema::map},
    {"definitions", Subschema::map},
    {"prefixItems", Subschema::list},
    {"propertyNames", Subschema::single},
    {"additionalItems", Subschema::single},
    {"dependentSchemas", Subschema::map},
    {"unevaluatedItems", Subschema::single},
    {"patternProperties", Subschema::map},
    {"additionalProperties", Subschema::single},
    {"unevaluatedProperties", Subschema::single},
};
constexpr std::size_t kLongestPlace = 21;

// [n]: how many places are shorter than n.
constexpr auto kPlacesShorter = [] {
  std::array<std::uint8_t, kLongestPlace + 2> shorter{};
  for (std::size_t n = 0; n < shorter.size(); ++n)
    for (const Place& place : kPlaces) shorter[n] += place.key.size() < n;
  return shorter;
}();
static_assert(std::ranges::is_sorted(kPlaces, {},
                                     [](const Place& place) { return place.key.size(); }));
static_assert(kPlacesShorter.back() == std::size(kPlaces));

bool has_type(const SchemaTree& tree, Id node, std::string_view name) {
  const Id type = tree.find(node, "type");
  if (tree.is_text(type, name)) return true;
  bool found = false;
  if (tree.is(type, Kind::array))
    tree.each(type, [&](Id item) { found = found || tree.is_text(item, name); });
  return found;
}

// Boolean subschemas: true is {}, false takes the property away. Whether more members are allowed
// stays a boolean.
void clean_booleans(SchemaTree& tree, Id node) {
  tree.each(node, [&](Id member) {
    const std::string_view key = tree.at(member).key;
    const Subschema kind = subschema_kind(key);
    if (kind == Subschema::map || kind == Subschema::list)
      tree.remove_if(member, [&](Id child) { return tree.is_scalar(child, "false"); });
  });
  tree.remove_if(node, [&](Id member) {
    return tree.at(member).key == "items" && tree.is_scalar(member, "false");
  });
  each_subschema(tree, node, [&](Id child) {
    const std::string_view key = tree.at(child).key;
    if (key == "additionalProperties" || key.starts_with("unevaluated") || key == "additionalItems")
      return;
    if (!tree.is_scalar(child, "true")) return;
    tree.reset(child, Kind::object);
    tree.mark_changed();
  });
}

void clean_pattern(SchemaTree& tree, Id node, const SchemaRules& rules, SchemaOutcome& outcome) {
  const Id pattern = tree.find(node, "pattern");
  if (!tree.is(pattern, Kind::string)) return;
  const std::string text = decode_json_string(tree.at(pattern).raw);
  // Unicode classes are refused by most servers.
  bool drop = text.find("\\p{") != std::string::npos || text.find("\\P{") != std::string::npos;
  if (rules.grammar_limits)
    drop = drop || !text.starts_with('^') || !text.ends_with('$') ||
           text.find("(?") != std::string::npos;
  if (!drop) return;
  tree.remove(node, "pattern");
  outcome.warnings.push_back("schema-pattern");
}

void clean_bounds(SchemaTree& tree, Id node, SchemaOutcome& outcome) {
  for (std::string_view key : {"maxLength", "maxItems", "minLength", "minItems"}) {
    const Id bound = tree.find(node, key);
    if (!tree.is(bound, Kind::scalar)) continue;
    const auto value = parse_unsigned(tree.at(bound).raw);
    if (value && *value <= kGrammarBound) continue;
    tree.remove(node, key);
    outcome.warnings.push_back("schema-limits");
  }
}

// For servers that know one type only: the first that is not null.
void clean_type_list(SchemaTree& tree, Id node) {
  const Id list = tree.find(node, "type");
  if (!tree.is(list, Kind::array)) return;
  std::string_view first;
  tree.each(list, [&](Id item) {
    if (first.empty() && tree.is(item, Kind::string) && !tree.is_text(item, "null"))
      first = tree.at(item).raw;
  });
  if (first.empty()) {
    tree.remove(node, "type");
  } else {
    tree.replace(list, tree.make_string(first));
  }
}

void clean_node(SchemaTree& tree, Id node, const SchemaRules& rules, SchemaOutcome& outcome,
                int depth) {
  if (!tree.is_object(node) || depth > SchemaTree::kMaxDepth) return;
  if (tree.is_scalar(tree.find(node, "type"), "null")) tree.remove(node, "type");
  if (!rules.type_lists) clean_type_list(tree, node);
  clean_booleans(tree, node);
  clean_pattern(tree, node, rules, outcome);
  if (rules.grammar_limits) clean_bounds(tree, node, outcome);
  if (has_type(tree, node, "object") && tree.find(node, "properties") == kNone)
    tree.append(node, "properties", tree.make(Kind::object));
  clean_required(tree, node);
  if (has_type(tree, node, "array") && tree.find(node, "items") == kNone) {
    const Id items = tree.make(Kind::object);
    if (rules.subset) tree.append(items, "type", tree.make_string("string"));
    tree.append(node, "items", items);
  }
  each_subschema(tree, node, [&](Id child) { clean_node(tree, child, rules, outcome, depth + 1); });
}

void clean_tool_root(SchemaTree& tree, SchemaOutcome& outcome) {
  const Id root = tree.root();
  if (!tree.is_object(root)) {
    tree.reset(root, Kind::object);
    tree.mark_changed();
  }
  flatten_root(tree, outcome);
  if (!has_type(tree, root, "object")) {
    tree.remove(root, "type");
    tree.prepend(root, "type", tree.make_string("object"));
  }
}

bool is_local_ref(const SchemaTree& tree, Id ref) {
  return tree.is(ref, Kind::string) && tree.at(ref).raw.starts_with('#');
}

void drop_remote(SchemaTree& tree, Id node, SchemaOutcome& outcome, int depth) {
  if (!tree.is_object(node) || depth > SchemaTree::kMaxDepth) return;
  const Id ref = tree.find(node, "$ref");
  if (ref != kNone && !is_local_ref(tree, ref)) {
    tree.remove(node, "$ref");
    outcome.warnings.push_back("schema-ref");
  }
  each_subschema(tree, node, [&](Id child) { drop_remote(tree, child, outcome, depth + 1); });
}

}  // namespace

// Names in `required` that no property has are removed: some servers refuse them. Where properties
// may come from elsewhere nothing is known, and nothing is done.
void clean_required(SchemaTree& tree, Id node) {
  const Id required = tree.find(node, "required");
  if (required == kNone) return;
  if (tree.is_scalar(required, "null")) {
    tree.remove(node, "required");
    return;
  }
  const Id properties = tree.find(node, "properties");
  if (!tree.is(required, Kind::array) || !tree.is_object(properties)) return;
  for (std::string_view key : {"patternProperties", "anyOf", "oneOf", "allOf", "$ref"})
    if (tree.find(node, key) != kNone) return;
  // Few names are looked up one by one; many would take time that grows with their square.
  const bool few = tree.count(required) <= kFewNames;
  const auto names = few ? std::unordered_set<std::string>() : tree.names(properties);
  tree.remove_if(required, [&](Id item) {
    if (!tree.is(item, Kind::string)) return true;
    const std::string name = decode_json_string(tree.at(item).raw);
    return few ? tree.find(properties, name) == kNone : !names.contains(name);
  });
}

Subschema subschema_kind(std::string_view key_raw) {
  if (key_raw.empty() || key_raw.size() > kLongestPlace) return Subschema::none;
  for (std::size_t i = kPlacesShorter[key_raw.size()]; i < kPlacesShorter[key_raw.size() + 1]; ++i)
    if (kPlaces[i].key[0] == key_raw[0] && kPlaces[i].key == key_raw) return kPlaces[i].kind;
  return Subschema::none;
}

void drop_remote_refs(SchemaTree& tree, SchemaOutcome& outcome) {
  if (!tree.may_refer()) return;
  drop_remote(tree, tree.root(), outcome, 0);
}

SchemaOutcome SchemaCleaner::append(std::string& out, std::string_view json,
                                    const SchemaRules& rules) {
  if (cache_ == nullptr) return clean(out, json, rules);
  if (const SchemaCache::Entry* known = cache_->find(json, rules)) {
    out.append(known->cleaned);
    return known->outcome;
  }
  const std::size_t start = out.size();
  SchemaOutcome outcome = clean(out, json, rules);
  cache_->put(json, rules, std::string_view(out).substr(start), outcome);
  return outcome;
}

SchemaOutcome SchemaCleaner::clean(std::string& out, std::string_view json,
                                   const SchemaRules& rules) {
  SchemaOutcome outcome;
  if (json.empty()) json = kEmptySchema;
  if (!tree_.parse(json)) {
    outcome.too_large = true;
    return outcome;
  }
  const bool object_root = has_type(tree_, tree_.root(), "object");
  if (rules.tool || object_root) {
    if (rules.keep_refs) {
      drop_remote_refs(tree_, outcome);
    } else {
      inline_refs(tree_, outcome);
    }
    for (std::string_view key : {"$schema", "$id", "$comment"}) tree_.remove(tree_.root(), key);
    if (rules.tool) clean_tool_root(tree_, outcome);
    clean_node(tree_, tree_.root(), rules, outcome, 0);
    if (rules.subset) reduce_to_subset(tree_, tree_.root(), 0);
  }
  if (rules.subset && rules.tool && tree_.count(tree_.find(tree_.root(), "properties")) == 0) {
    outcome.empty = true;
    return outcome;
  }
  outcome.strict = is_strict(tree_, rules.strict_wanted);
  if (outcome.strict && rules.strict_wanted) close_objects(tree_, tree_.root(), 0);
  if (tree_.changed()) {
    tree_.write(out);
  } else {
    out.append(json);
  }
  return outcome;
}

}  // namespace clasp::translate
