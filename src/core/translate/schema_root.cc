// References and combinators of a schema: what cannot stand at the root of a function's parameters
// is merged into it, and local references are put in place for servers that follow none.
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "core/translate/schema.h"

namespace clasp::translate {

namespace {

using Id = SchemaTree::Id;
using Kind = SchemaTree::Kind;
constexpr Id kNone = SchemaTree::kNone;

// Follows "#/$defs/Name". kNone when it leads nowhere.
Id resolve(const SchemaTree& tree, std::string_view ref_raw) {
  const std::string ref = decode_json_string(ref_raw);
  if (ref == "#") return tree.root();
  if (!ref.starts_with("#/")) return kNone;
  Id node = tree.root();
  for (std::string_view step : split(std::string_view(ref).substr(2), '/')) {
    std::string name;
    for (std::size_t i = 0; i < step.size(); ++i) {
      const bool escape = step[i] == '~' && i + 1 < step.size();
      if (escape && step[i + 1] == '1')
        name.push_back('/'), ++i;
      else if (escape && step[i + 1] == '0')
        name.push_back('~'), ++i;
      else
        name.push_back(step[i]);
    }
    node = tree.find(node, name);
    if (node == kNone) return kNone;
  }
  return node;
}

std::vector<Id> children(const SchemaTree& tree, Id parent) {
  std::vector<Id> out;
  tree.each(parent, [&out](Id child) { out.push_back(child); });
  return out;
}

class RefInliner {
 public:
  RefInliner(SchemaTree& tree, SchemaOutcome& outcome) : tree_(tree), outcome_(outcome) {}

  void visit(Id node, int depth) {
    if (!tree_.is_object(node)) return;
    if (depth > SchemaTree::kMaxDepth) {
      if (tree_.remove(node, "$ref")) cut(node);
      return;
    }
    std::size_t opened = 0;
    for (Id ref = tree_.find(node, "$ref"); ref != kNone; ref = tree_.find(node, "$ref")) {
      if (!expand(node, ref)) break;
      ++opened;
    }
    // Definitions stay as they are: they are copied where they are used, then they go.
    for (const Id member : children(tree_, node)) {
      const std::string_view key = tree_.at(member).key;
      if (key == "$defs" || key == "definitions") continue;
      each_in_member(tree_, member, [&](Id child) { visit(child, depth + 1); });
    }
    open_.resize(open_.size() - opened);
  }

 private:
  // Puts the referenced schema into `node`; members beside the reference win.
  bool expand(Id node, Id ref) {
    const std::string_view target =
        tree_.is(ref, Kind::string) ? tree_.at(ref).raw : std::string_view();
    tree_.remove(node, "$ref");
    for (std::string_view open : open_)
      if (open == target) return to_object(node);
    // References that multiply each other: what is left of them says little.
    if (tree_.size() > SchemaTree::kMaxNodes / 4) return cut(node);
    const Id definition = resolve(tree_, target);
    const Id twin = definition == kNone ? kNone : tree_.copy(definition);
    if (twin == kNone) {
      outcome_.warnings.push_back("schema-ref");
      return false;
    }
    open_.push_back(target);
    const auto own = tree_.names(node);
    for (const Id member : children(tree_, twin)) {
      const std::string_view key = tree_.at(member).key;
      const bool definitions = key == "$defs" || key == "definitions";
      if (!definitions && !own.contains(decode_json_string(key))) tree_.append(node, key, member);
    }
    return true;
  }

  bool to_object(Id node) {
    if (tree_.find(node, "type") == kNone) tree_.append(node, "type", tree_.make_string("object"));
    return false;
  }
  bool cut(Id node) {
    outcome_.warnings.push_back("schema-ref");
    return to_object(node);
  }

  SchemaTree& tree_;
  SchemaOutcome& outcome_;
  std::vector<std::string_view> open_;  // references being expanded
};

// What a branch of anyOf says about itself, for the description.
std::string branch_text(const SchemaTree& tree, Id branch) {
  constexpr std::size_t kMaxText = 400;
  if (const Id text = tree.find(branch, "description"); tree.is(text, Kind::string))
    return std::string(tree.at(text).raw);
  std::string out = "members ";
  tree.each(tree.find(branch, "properties"), [&](Id property) {
    if (out.size() > kMaxText) return;
    if (!out.ends_with(' ')) out += ", ";
    out.append(tree.at(property).key);
  });
  return out;
}

// Adds those names to `required` that it lacks.
void add_required(SchemaTree& tree, Id node, const std::vector<std::string_view>& names_raw) {
  if (names_raw.empty()) return;
  Id required = tree.find(node, "required");
  if (!tree.is(required, Kind::array)) {
    tree.remove(node, "required");
    required = tree.make(Kind::array);
    tree.append(node, "required", required);
  }
  auto there = tree.names(required);
  for (std::string_view raw : names_raw)
    if (there.insert(decode_json_string(raw)).second) tree.append(required, tree.make_string(raw));
}

std::vector<std::string_view> required_names(const SchemaTree& tree, Id node) {
  std::vector<std::string_view> names;
  tree.each(tree.find(node, "required"), [&](Id item) {
    if (tree.is(item, Kind::string)) names.push_back(tree.at(item).raw);
  });
  return names;
}

// The branches of a combinator if all of them are object schemas, else none.
std::vector<Id> object_branches(const SchemaTree& tree, Id list) {
  std::vector<Id> branches;
  bool all = tree.is(list, Kind::array);
  tree.each(list, [&](Id item) {
    Id branch = item;
    if (const Id ref = tree.find(item, "$ref"); tree.is(ref, Kind::string))
      branch = resolve(tree, tree.at(ref).raw);
    const bool object = tree.is_text(tree.find(branch, "type"), "object") ||
                        tree.is_object(tree.find(branch, "properties")) ||
                        (tree.is_object(branch) && tree.find(branch, "type") == kNone &&
                         tree.find(branch, "required") != kNone);
    all = all && object && branch != tree.root();
    branches.push_back(branch);
  });
  if (!all || branches.size() > 64) branches.clear();
  return branches;
}

void merge_choice(SchemaTree& tree, Id root, const std::vector<Id>& branches, bool exactly_one) {
  std::string text = exactly_one ? "Exactly one of these forms: " : "One of these forms: ";
  std::vector<std::string_view> common = required_names(tree, branches[0]);
  for (std::size_t i = 0; i < branches.size(); ++i) {
    text.append(i == 0 ? "" : "; ").append(std::to_string(i + 1)).append(") ");
    text.append(branch_text(tree, branches[i]));
    const auto names = tree.names(tree.find(branches[i], "required"));
    std::erase_if(common,
                  [&](std::string_view raw) { return !names.contains(decode_json_string(raw)); });
    merge_properties(tree, root, branches[i]);
  }
  add_required(tree, root, common);
  if (const Id old = tree.find(root, "description"); tree.is(old, Kind::string))
    text = std::string(tree.at(old).raw) + "\\n\\n" + text;
  tree.set(root, "description", tree.make_string(tree.keep(std::move(text))));
}

}  // namespace

void inline_refs(SchemaTree& tree, SchemaOutcome& outcome) {
  if (!tree.may_refer()) return;
  RefInliner(tree, outcome).visit(tree.root(), 0);
  if (!tree.is_object(tree.root())) return;
  tree.remove(tree.root(), "$defs");
  tree.remove(tree.root(), "definitions");
}

void merge_properties(SchemaTree& tree, Id into, Id from) {
  const Id source = tree.find(from, "properties");
  if (!tree.is_object(source)) return;
  Id target = tree.find(into, "properties");
  if (!tree.is_object(target)) {
    tree.remove(into, "properties");
    target = tree.make(Kind::object);
    tree.append(into, "properties", target);
  }
  auto there = tree.names(target);
  for (const Id member : children(tree, source)) {
    const std::string_view key = tree.at(member).key;
    if (!there.insert(decode_json_string(key)).second) continue;
    if (const Id twin = tree.copy(member); twin != kNone) tree.append(target, key, twin);
  }
}

void flatten_root(SchemaTree& tree, SchemaOutcome& outcome) {
  const Id root = tree.root();
  bool flattened = false;
  for (std::string_view key : {"allOf", "anyOf", "oneOf", "not", "enum", "const"}) {
    const Id list = tree.find(root, key);
    if (list == kNone) continue;
    flattened = true;
    const std::vector<Id> branches =
        key.ends_with("Of") ? object_branches(tree, list) : std::vector<Id>();
    if (!branches.empty() && key == "allOf") {
      for (const Id branch : branches) {
        merge_properties(tree, root, branch);
        add_required(tree, root, required_names(tree, branch));
      }
    } else if (!branches.empty()) {
      merge_choice(tree, root, branches, key == "oneOf");
    }
    tree.remove(root, key);
  }
  if (flattened) outcome.warnings.push_back("schema-root");
}

}  // namespace clasp::translate
