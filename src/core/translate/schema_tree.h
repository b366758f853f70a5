// A small tree for JSON schemas that have to be changed: nodes in one vector, keys and scalars as
// slices of the input. Used for tool schemas and output formats only; both are short. Private to
// this room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "core/wire/json_reader.h"

namespace clasp::translate {

class SchemaTree {
 public:
  using Id = std::int32_t;
  static constexpr Id kNone = -1;
  static constexpr std::size_t kMaxBytes = 1 << 20;
  static constexpr int kMaxDepth = 192;  // of JSON; three for one level of a schema
  static constexpr std::size_t kMaxNodes = 200'000;
  enum class Kind : std::uint8_t { object, array, string, scalar };

  struct Node {
    Kind kind = Kind::scalar;
    std::uint16_t key_tag = 0;  // of `key`, see tag_of()
    Id first = kNone, last = kNone, next = kNone;
    std::string_view key;  // raw, of object members
    std::string_view raw;  // string: the inside; scalar: as written
  };

  // False when the schema is larger or deeper than the limits. `json` must be valid and outlive
  // the use of the tree.
  bool parse(std::string_view json);
  Id root() const { return root_; }
  // Something was changed since parse().
  bool changed() const { return changed_; }
  // As parsed, it may have references or definitions. False is certain.
  bool may_refer() const { return may_refer_; }
  void write(std::string& out, Id node) const;
  void write(std::string& out) const { write(out, root_); }

  const Node& at(Id id) const { return nodes_[static_cast<std::size_t>(id)]; }
  bool is(Id id, Kind kind) const { return id != kNone && at(id).kind == kind; }
  bool is_object(Id id) const { return is(id, Kind::object); }
  bool is_text(Id id, std::string_view text) const;
  bool is_scalar(Id id, std::string_view raw) const {
    return is(id, Kind::scalar) && at(id).raw == raw;
  }
  std::size_t size() const { return nodes_.size(); }

  // The member of that name, kNone when missing or when `object` is none. Of repeated names the
  // last one.
  Id find(Id object, std::string_view name) const;
  std::size_t count(Id parent) const;
  // Decoded names of an object's members; texts of an array's strings.
  std::unordered_set<std::string> names(Id parent) const;

  // New nodes. Keys and texts are JSON-safe and kept by the caller or by keep().
  Id make(Kind kind, std::string_view raw = {});
  Id make_string(std::string_view raw) { return make(Kind::string, raw); }
  // A deep copy; kNone when the tree would grow over its limits.
  Id copy(Id from, int depth = 0);
  void append(Id parent, Id child);
  void append(Id parent, std::string_view key, Id child);
  void prepend(Id parent, std::string_view key, Id child);
  // Sets or replaces the member.
  void set(Id object, std::string_view key, Id value);
  bool remove(Id object, std::string_view key);
  // Turns `id` into an empty node of the kind.
  void reset(Id id, Kind kind, std::string_view raw = {});
  // `id` takes over kind and content of `other`, but stays where it is.
  void replace(Id id, Id other);
  void mark_changed() { changed_ = true; }
  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

  // Removes the children for which `drop(child)` holds.
  template <class Drop>
  bool remove_if(Id parent, Drop drop) {
    bool any = false;
    Id previous = kNone;
    for (Id child = at(parent).first; child != kNone;) {
      const Id next = at(child).next;
      if (drop(child)) {
        (previous == kNone ? edit(parent).first : edit(previous).next) = next;
        any = changed_ = true;
      } else {
        previous = child;
      }
      child = next;
    }
    edit(parent).last = previous;
    return any;
  }
  // Children in order; `visit` may change the child but not its siblings.
  template <class Visit>
  void each(Id parent, Visit visit) const {
    if (parent == kNone) return;
    for (Id child = at(parent).first; child != kNone; child = at(child).next) visit(child);
  }

 private:
  // Tells most names apart without comparing them. Zero for a name with an escape, which says
  // nothing about it.
  static std::uint16_t tag_of(std::string_view key);
  void set_key(Id id, std::string_view key) {
    edit(id).key = key;
    edit(id).key_tag = tag_of(key);
  }
  Node& edit(Id id) { return nodes_[static_cast<std::size_t>(id)]; }
  Id read(wire::JsonReader& reader, int depth);

  std::vector<Node> nodes_;
  std::deque<std::string> texts_;
  Id root_ = kNone;
  bool changed_ = false;
  bool may_refer_ = false;
};

}  // namespace clasp::translate
