// Does a schema satisfy the strict subset of structured outputs, as it is or after closing its
// objects? Nothing optional is ever made required for it.
#include <string>

#include "base/text.h"
#include "core/translate/schema.h"

namespace clasp::translate {

namespace {

using Id = SchemaTree::Id;
using Kind = SchemaTree::Kind;
constexpr Id kNone = SchemaTree::kNone;

constexpr int kMaxLevels = 10;
constexpr std::size_t kMaxProperties = 5000;

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> list) {
  for (std::string_view item : list)
    if (item == text) return true;
  return false;
}

bool allowed_keyword(std::string_view key) {
  return is_one_of(key, {"type",
                         "properties",
                         "required",
                         "items",
                         "enum",
                         "const",
                         "anyOf",
                         "$ref",
                         "$defs",
                         "definitions",
                         "description",
                         "pattern",
                         "format",
                         "minimum",
                         "maximum",
                         "exclusiveMinimum",
                         "exclusiveMaximum",
                         "multipleOf",
                         "minItems",
                         "maxItems",
                         "additionalProperties"});
}

bool allowed_format(std::string_view format) {
  return is_one_of(format, {"date-time", "time", "date", "duration", "email", "hostname", "ipv4",
                            "ipv6", "uuid"});
}

class StrictCheck {
 public:
  StrictCheck(const SchemaTree& tree, bool may_close) : tree_(tree), may_close_(may_close) {}

  bool run() {
    const Id root = tree_.root();
    return tree_.is_text(tree_.find(root, "type"), "object") &&
           tree_.find(root, "anyOf") == kNone && node(root, 0);
  }

 private:
  bool node(Id id, int level) {
    if (!tree_.is_object(id) || level > kMaxLevels) return false;
    bool good = true;
    // close_objects() takes defaults away; where nothing may be changed they are refused.
    tree_.each(id, [&](Id member) {
      const std::string_view key = tree_.at(member).key;
      good = good && (allowed_keyword(key) || (may_close_ && key == "default"));
    });
    const Id format = tree_.find(id, "format");
    if (format != kNone && !allowed_format(tree_.at(format).raw)) return false;
    if (!good || !object_rules(id)) return false;
    each_subschema(tree_, id, [&](Id child) {
      if (tree_.at(child).key == "additionalProperties" && tree_.is_scalar(child, "false")) return;
      good = good && node(child, level + 1);
    });
    return good;
  }

  bool object_rules(Id id) {
    const Id properties = tree_.find(id, "properties");
    bool object = properties != kNone;
    const Id type = tree_.find(id, "type");
    if (tree_.is_text(type, "object")) object = true;
    tree_.each(type, [&](Id item) { object = object || tree_.is_text(item, "object"); });
    if (!object) return true;
    const Id more = tree_.find(id, "additionalProperties");
    if (more == kNone ? !may_close_ : !tree_.is_scalar(more, "false")) return false;
    const auto required = tree_.names(tree_.find(id, "required"));
    bool all = true;
    tree_.each(properties, [&](Id property) {
      ++properties_;
      all = all && required.contains(decode_json_string(tree_.at(property).key));
    });
    return all && properties_ <= kMaxProperties;
  }

  const SchemaTree& tree_;
  const bool may_close_;
  std::size_t properties_ = 0;
};

}  // namespace

bool is_strict(const SchemaTree& tree, bool may_close) {
  return StrictCheck(tree, may_close).run();
}

void close_objects(SchemaTree& tree, Id node, int depth) {
  if (!tree.is_object(node) || depth > SchemaTree::kMaxDepth) return;
  if (tree.find(node, "default") != kNone) tree.remove(node, "default");
  if (tree.find(node, "properties") != kNone && tree.find(node, "additionalProperties") == kNone)
    tree.append(node, "additionalProperties", tree.make(Kind::scalar, "false"));
  each_subschema(tree, node, [&](Id child) { close_objects(tree, child, depth + 1); });
}

}  // namespace clasp::translate
