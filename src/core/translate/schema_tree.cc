// The tree behind schema clean-up: reading, writing and the few edits that it needs.
#include "core/translate/schema_tree.h"

#include "base/text.h"

namespace clasp::translate {

namespace {

// `tag` is that of `name`. Zero on either side decides nothing.
bool same_key(const SchemaTree::Node& node, std::uint16_t tag, std::string_view name) {
  if (node.key_tag != tag && node.key_tag != 0 && tag != 0) return false;
  return wire::raw_equals(node.key, name);
}

}  // namespace

// Length and both ends. Never zero: bit 15 is set.
std::uint16_t SchemaTree::tag_of(std::string_view key) {
  if (key.find('\\') != std::string_view::npos) return 0;
  const auto byte = [&key](std::size_t i) { return static_cast<unsigned char>(key[i]); };
  const unsigned ends = key.empty() ? 0 : byte(0) * 31u + byte(key.size() - 1);
  return static_cast<std::uint16_t>(0x8000u | ((key.size() * 251u + ends) & 0x7fffu));
}

bool SchemaTree::parse(std::string_view json) {
  nodes_.clear();
  texts_.clear();
  changed_ = may_refer_ = false;
  root_ = kNone;
  if (json.size() > kMaxBytes) return false;
  wire::JsonReader reader(json);
  root_ = read(reader, 0);
  return root_ != kNone;
}

SchemaTree::Id SchemaTree::read(wire::JsonReader& reader, int depth) {
  if (depth > kMaxDepth || nodes_.size() >= kMaxNodes) return kNone;
  using wire::JsonReader;
  const auto found = reader.kind();
  const Id id = make(Kind::scalar);
  if (found == JsonReader::Kind::string) {
    std::string_view raw;
    if (!reader.string(raw)) return kNone;
    reset(id, Kind::string, raw);
    return id;
  }
  if (found != JsonReader::Kind::object && found != JsonReader::Kind::array) {
    std::string_view raw;
    if (!reader.skip(raw)) return kNone;
    edit(id).raw = raw;
    return id;
  }
  if (found == JsonReader::Kind::object) {
    edit(id).kind = Kind::object;
    JsonReader::Members members(reader);
    std::string_view key;
    while (members.next(key)) {
      const Id child = read(reader, depth + 1);
      if (child == kNone) return kNone;
      append(id, key, child);
      may_refer_ = may_refer_ || key == "$ref" || key == "$defs" || key == "definitions" ||
                   at(child).key_tag == 0;
    }
  } else {
    edit(id).kind = Kind::array;
    JsonReader::Items items(reader);
    while (items.next()) {
      const Id child = read(reader, depth + 1);
      if (child == kNone) return kNone;
      append(id, child);
    }
  }
  changed_ = false;
  return reader.ok() ? id : kNone;
}

void SchemaTree::write(std::string& out, Id id) const {
  const Node& node = at(id);
  switch (node.kind) {
    case Kind::scalar:
      out.append(node.raw);
      return;
    case Kind::string:
      out.append("\"").append(node.raw).push_back('"');
      return;
    case Kind::object:
    case Kind::array:
      break;
  }
  const bool object = node.kind == Kind::object;
  out.push_back(object ? '{' : '[');
  for (Id child = node.first; child != kNone; child = at(child).next) {
    if (child != node.first) out.push_back(',');
    if (object) out.append("\"").append(at(child).key).append("\":");
    write(out, child);
  }
  out.push_back(object ? '}' : ']');
}

bool SchemaTree::is_text(Id id, std::string_view text) const {
  return is(id, Kind::string) && wire::raw_equals(at(id).raw, text);
}

SchemaTree::Id SchemaTree::find(Id object, std::string_view name) const {
  Id found = kNone;
  if (!is_object(object)) return found;
  const std::uint16_t tag = tag_of(name);
  for (Id child = at(object).first; child != kNone; child = at(child).next)
    if (same_key(at(child), tag, name)) found = child;
  return found;
}

std::size_t SchemaTree::count(Id parent) const {
  std::size_t n = 0;
  each(parent, [&n](Id) { ++n; });
  return n;
}

std::unordered_set<std::string> SchemaTree::names(Id parent) const {
  std::unordered_set<std::string> out;
  const bool object = is_object(parent);
  each(parent, [&](Id child) {
    if (object)
      out.insert(decode_json_string(at(child).key));
    else if (at(child).kind == Kind::string)
      out.insert(decode_json_string(at(child).raw));
  });
  return out;
}

SchemaTree::Id SchemaTree::make(Kind kind, std::string_view raw) {
  Node node;
  node.kind = kind;
  node.raw = raw;
  nodes_.push_back(node);
  return static_cast<Id>(nodes_.size() - 1);
}

SchemaTree::Id SchemaTree::copy(Id from, int depth) {
  if (nodes_.size() >= kMaxNodes || depth > kMaxDepth) return kNone;
  const Id id = make(at(from).kind, at(from).raw);
  edit(id).key = at(from).key;
  edit(id).key_tag = at(from).key_tag;
  for (Id child = at(from).first; child != kNone; child = at(child).next) {
    const Id twin = copy(child, depth + 1);
    if (twin == kNone) return kNone;
    append(id, twin);
  }
  return id;
}

void SchemaTree::append(Id parent, Id child) {
  changed_ = true;
  edit(child).next = kNone;
  const Id last = at(parent).last;
  (last == kNone ? edit(parent).first : edit(last).next) = child;
  edit(parent).last = child;
}

void SchemaTree::append(Id parent, std::string_view key, Id child) {
  set_key(child, key);
  append(parent, child);
}

void SchemaTree::prepend(Id parent, std::string_view key, Id child) {
  changed_ = true;
  set_key(child, key);
  edit(child).next = at(parent).first;
  edit(parent).first = child;
  if (at(parent).last == kNone) edit(parent).last = child;
}

void SchemaTree::set(Id object, std::string_view key, Id value) {
  const Id old = find(object, key);
  if (old == kNone) return append(object, key, value);
  replace(old, value);
}

bool SchemaTree::remove(Id object, std::string_view key) {
  const std::uint16_t tag = tag_of(key);
  return remove_if(object, [&](Id child) { return same_key(at(child), tag, key); });
}

void SchemaTree::reset(Id id, Kind kind, std::string_view raw) {
  Node& node = edit(id);
  node.kind = kind;
  node.first = node.last = kNone;
  node.raw = raw;
}

void SchemaTree::replace(Id id, Id other) {
  changed_ = true;
  Node& node = edit(id);
  node.kind = at(other).kind;
  node.first = at(other).first;
  node.last = at(other).last;
  node.raw = at(other).raw;
}

}  // namespace clasp::translate
