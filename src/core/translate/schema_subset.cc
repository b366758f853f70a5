// Gemini's reduced JSON Schema: what it knows stays, what it spells differently is rewritten, the
// rest goes. Every node gets a type.
#include <string>
#include <vector>

#include "base/text.h"
#include "core/translate/schema.h"

namespace clasp::translate {

namespace {

using Id = SchemaTree::Id;
using Kind = SchemaTree::Kind;
constexpr Id kNone = SchemaTree::kNone;

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> list) {
  for (std::string_view item : list)
    if (item == text) return true;
  return false;
}

bool kept_keyword(std::string_view key) {
  return is_one_of(key, {"type", "format", "title", "description", "nullable", "enum", "items",
                         "properties", "required", "minItems", "maxItems", "minimum", "maximum",
                         "minLength", "maxLength", "pattern", "anyOf", "propertyOrdering"});
}

void set_text(SchemaTree& tree, Id node, std::string_view key, std::string_view raw) {
  tree.set(node, key, tree.make_string(raw));
}
void set_nullable(SchemaTree& tree, Id node) {
  tree.set(node, "nullable", tree.make(Kind::scalar, "true"));
}

void add_note(SchemaTree& tree, Id node, std::string note) {
  if (const Id old = tree.find(node, "description"); tree.is(old, Kind::string))
    note = std::string(tree.at(old).raw) + " " + note;
  set_text(tree, node, "description", tree.keep(std::move(note)));
}

// const -> enum of one; oneOf -> anyOf; exclusive bounds -> bounds.
void rename_keywords(SchemaTree& tree, Id node) {
  if (const Id value = tree.find(node, "const"); value != kNone) {
    const Id list = tree.make(Kind::array);
    const Id item = tree.copy(value);
    if (item != kNone) tree.append(list, item);
    tree.remove(node, "const");
    tree.set(node, "enum", list);
  }
  if (const Id branches = tree.find(node, "oneOf"); branches != kNone) {
    const Id twin = tree.copy(branches);
    tree.remove(node, "oneOf");
    if (twin != kNone && tree.find(node, "anyOf") == kNone) tree.append(node, "anyOf", twin);
  }
  const bool integer = tree.is_text(tree.find(node, "type"), "integer");
  const auto bound = [&](std::string_view from, std::string_view to, int step) {
    const Id value = tree.find(node, from);
    if (!tree.is(value, Kind::scalar) || tree.find(node, to) != kNone) return;
    std::string text(tree.at(value).raw);
    const bool negative = text.starts_with('-');
    const auto whole = parse_unsigned(std::string_view(text).substr(negative ? 1 : 0));
    if (integer && whole && *whole < (1u << 30)) {
      const auto number = static_cast<std::int64_t>(*whole) * (negative ? -1 : 1);
      text = std::to_string(number + step);
    }
    if (text != "true" && text != "false")
      tree.append(node, to, tree.make(Kind::scalar, tree.keep(std::move(text))));
  };
  bound("exclusiveMinimum", "minimum", 1);
  bound("exclusiveMaximum", "maximum", -1);
}

// What a branch says, said by the node itself, whose own words win.
void merge_branch(SchemaTree& tree, Id node, Id branch) {
  merge_properties(tree, node, branch);
  auto own = tree.names(node);
  std::vector<Id> members;
  tree.each(branch, [&](Id member) { members.push_back(member); });
  for (const Id member : members) {
    const std::string_view key = tree.at(member).key;
    const Id twin = tree.copy(member);
    if (twin == kNone) continue;
    if (key == "required" && tree.is(tree.find(node, "required"), Kind::array)) {
      const Id required = tree.find(node, "required");
      auto there = tree.names(required);
      std::vector<std::string_view> names;
      tree.each(twin, [&](Id item) { names.push_back(tree.at(item).raw); });
      for (std::string_view raw : names)
        if (there.insert(decode_json_string(raw)).second)
          tree.append(required, tree.make_string(raw));
    } else if (key != "properties" && own.insert(decode_json_string(key)).second) {
      tree.append(node, key, twin);
    }
  }
}

void merge_all_of(SchemaTree& tree, Id node) {
  const Id list = tree.find(node, "allOf");
  if (!tree.is(list, Kind::array)) return;
  std::vector<Id> branches;
  tree.each(list, [&](Id branch) {
    if (tree.is_object(branch)) branches.push_back(branch);
  });
  for (const Id branch : branches) merge_branch(tree, node, branch);
  tree.remove(node, "allOf");
}

// ["string","null"] -> string, nullable; several types -> anyOf.
void split_types(SchemaTree& tree, Id node) {
  const Id type = tree.find(node, "type");
  if (!tree.is(type, Kind::array)) return;
  std::vector<std::string_view> names;
  bool nullable = false;
  tree.each(type, [&](Id item) {
    if (tree.is_text(item, "null"))
      nullable = true;
    else if (tree.is(item, Kind::string))
      names.push_back(tree.at(item).raw);
  });
  tree.remove(node, "type");
  if (nullable) set_nullable(tree, node);
  if (names.size() <= 1 || tree.find(node, "anyOf") != kNone) {
    set_text(tree, node, "type", names.empty() ? std::string_view("string") : names[0]);
    return;
  }
  const Id branches = tree.make(Kind::array);
  for (std::string_view name : names) {
    const Id branch = tree.make(Kind::object);
    tree.append(branch, "type", tree.make_string(name));
    if (name == "array") {
      const Id items = tree.make(Kind::object);
      tree.append(items, "type", tree.make_string("string"));
      tree.append(branch, "items", items);
    }
    tree.append(branches, branch);
  }
  tree.append(node, "anyOf", branches);
}

// A branch that only says null makes the whole nullable; one branch left is no choice.
void simplify_any_of(SchemaTree& tree, Id node) {
  const Id list = tree.find(node, "anyOf");
  if (!tree.is(list, Kind::array)) return;
  if (tree.remove_if(list, [&](Id branch) {
        return tree.is_text(tree.find(branch, "type"), "null") || !tree.is_object(branch);
      }))
    set_nullable(tree, node);
  const std::size_t left = tree.count(list);
  if (left > 1) return;
  const Id branch = left == 1 ? tree.at(list).first : kNone;
  tree.remove(node, "anyOf");
  if (branch != kNone) merge_branch(tree, node, branch);
}

void clean_enum(SchemaTree& tree, Id node) {
  const Id list = tree.find(node, "enum");
  if (!tree.is(list, Kind::array)) return;
  if (tree.remove_if(list, [&](Id item) { return tree.is_scalar(item, "null"); }))
    set_nullable(tree, node);
  bool other = false;
  tree.each(list, [&](Id item) {
    if (tree.is(item, Kind::string)) return;
    std::string text, raw;
    tree.write(text, item);
    append_json_escaped(raw, text);
    tree.reset(item, Kind::string, tree.keep(std::move(raw)));
    other = true;
  });
  if (tree.count(list) == 0) {
    tree.remove(node, "enum");
    return;
  }
  if (other) add_note(tree, node, "(The listed values are not texts; give them as text here.)");
  tree.set(node, "type", tree.make_string("string"));
}

void give_type(SchemaTree& tree, Id node) {
  if (tree.find(node, "type") != kNone || tree.find(node, "anyOf") != kNone) return;
  std::string_view type = "string";
  if (tree.find(node, "properties") != kNone) type = "object";
  if (tree.find(node, "items") != kNone) type = "array";
  tree.prepend(node, "type", tree.make_string(type));
}

}  // namespace

void reduce_to_subset(SchemaTree& tree, Id node, int depth) {
  if (!tree.is_object(node)) {
    tree.reset(node, Kind::object);
    tree.mark_changed();
  }
  if (depth > SchemaTree::kMaxDepth) {
    tree.reset(node, Kind::object);
    set_text(tree, node, "type", "string");
    return;
  }
  rename_keywords(tree, node);
  merge_all_of(tree, node);
  split_types(tree, node);
  simplify_any_of(tree, node);
  // Now that all properties are known: one that is required and not declared is refused.
  clean_required(tree, node);
  clean_enum(tree, node);
  if (const Id format = tree.find(node, "format");
      format != kNone &&
      !is_one_of(tree.at(format).raw, {"enum", "date-time", "int32", "int64", "float", "double"}))
    tree.remove(node, "format");
  tree.remove_if(node, [&](Id member) { return !kept_keyword(tree.at(member).key); });
  // A list of item schemas has no counterpart: the first one stands for all.
  if (const Id items = tree.find(node, "items"); tree.is(items, Kind::array)) {
    const Id first = tree.at(items).first;
    if (first != kNone)
      tree.replace(items, first);
    else
      tree.reset(items, Kind::object);
  }
  give_type(tree, node);
  const Id properties = tree.find(node, "properties");
  if (depth > 0 && properties != kNone && tree.count(properties) == 0) {
    tree.remove(node, "properties");
    tree.remove(node, "required");
    add_note(tree, node, "(Any JSON object.)");
  }
  if (tree.is_text(tree.find(node, "type"), "array") && tree.find(node, "items") == kNone) {
    const Id items = tree.make(Kind::object);
    tree.append(items, "type", tree.make_string("string"));
    tree.append(node, "items", items);
  }
  each_subschema(tree, node, [&](Id child) { reduce_to_subset(tree, child, depth + 1); });
}

}  // namespace clasp::translate
