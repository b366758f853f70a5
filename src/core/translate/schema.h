// JSON schemas made fit for a backend (translation spec §3.4). What may stay, stays byte by byte;
// `required` is never loosened. Private to this room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/translate/schema_tree.h"

namespace clasp::translate {

struct SchemaRules {
  bool keep_refs = true;
  bool subset = false;          // gemini
  bool grammar_limits = false;  // llamacpp
  bool tool = true;             // parameters of a function; else an output format
  bool strict_wanted = false;   // additionalProperties:false may be added to be strict
  bool type_lists = true;       // "type" may be a list; else its first one that is not null
};

struct SchemaOutcome {
  bool too_large = false;  // nothing was written
  bool empty = false;      // subset: the function has no parameters, nothing was written
  bool strict = false;     // it satisfies the strict subset
  std::vector<std::string_view> warnings;
};

class SchemaCache;

class SchemaCleaner {
 public:
  // `cache` is not owned and may be missing.
  explicit SchemaCleaner(SchemaCache* cache = nullptr) : cache_(cache) {}
  // Appends the cleaned schema. `json` may be empty (a tool without a schema).
  SchemaOutcome append(std::string& out, std::string_view json, const SchemaRules& rules);

 private:
  SchemaOutcome clean(std::string& out, std::string_view json, const SchemaRules& rules);

  SchemaCache* cache_;
  SchemaTree tree_;  // kept for its memory
};

// Steps of the clean-up.
void clean_required(SchemaTree& tree, SchemaTree::Id node);
void inline_refs(SchemaTree& tree, SchemaOutcome& outcome);
void drop_remote_refs(SchemaTree& tree, SchemaOutcome& outcome);
void flatten_root(SchemaTree& tree, SchemaOutcome& outcome);
void reduce_to_subset(SchemaTree& tree, SchemaTree::Id node, int depth);
bool is_strict(const SchemaTree& tree, bool may_close);
void close_objects(SchemaTree& tree, SchemaTree::Id node, int depth);

// Adds properties and required of `from` to `into`; existing properties win.
void merge_properties(SchemaTree& tree, SchemaTree::Id into, SchemaTree::Id from);

enum class Subschema { none, single, list, map, single_or_list };
Subschema subschema_kind(std::string_view key_raw);

// Calls `visit(child)` for every subschema in one member of a schema.
template <class Visit>
void each_in_member(const SchemaTree& tree, SchemaTree::Id member, Visit visit) {
  using Kind = SchemaTree::Kind;
  switch (subschema_kind(tree.at(member).key)) {
    case Subschema::none:
      return;
    case Subschema::single:
      return visit(member);
    case Subschema::map:
      if (tree.is(member, Kind::object)) tree.each(member, visit);
      return;
    case Subschema::list:
      if (tree.is(member, Kind::array)) tree.each(member, visit);
      return;
    case Subschema::single_or_list:
      if (tree.is(member, Kind::array)) return tree.each(member, visit);
      return visit(member);
  }
}

// … and in all members of `node`.
template <class Visit>
void each_subschema(const SchemaTree& tree, SchemaTree::Id node, Visit visit) {
  tree.each(node, [&](SchemaTree::Id member) { each_in_member(tree, member, visit); });
}

}  // namespace clasp::translate
