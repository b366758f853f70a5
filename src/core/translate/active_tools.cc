// The active tool set: declared tools, minus deferred ones nobody asked for, plus and minus what
// the conversation added and removed.
#include "core/translate/active_tools.h"

#include <string>
#include <unordered_map>

#include "base/text.h"
#include "core/translate/builtin_tools.h"
#include "core/translate/content.h"
#include "core/wire/json_reader.h"

namespace clasp::translate {

namespace {

using wire::Block;
using wire::BlockType;
using wire::Tool;

// What the conversation says about tools, by name; the last word counts.
class Ledger {
 public:
  explicit Ledger(Translation& t) : t_(t) {
    for (const Block& block : t.request.blocks) {
      reading_ = &block;
      read(block);
      for (std::uint32_t i = block.first_child; i < block.end_child; ++i)
        read(t.request.children[i]);
    }
  }
  bool added(const std::string& name) const { return brought_by(name) != nullptr; }
  // The first block since its last removal that named it.
  const Block* brought_by(const std::string& name) const {
    const auto found = said_.find(name);
    return found != said_.end() ? found->second : nullptr;
  }
  bool removed(const std::string& name) const {
    const auto found = said_.find(name);
    return found != said_.end() && found->second == nullptr;
  }

 private:
  void add(const std::string& name) {
    const Block*& by = said_[name];
    if (by == nullptr) by = reading_;
  }
  void read(const Block& block) {
    switch (block.type) {
      case BlockType::tool_reference:
        return add(decode_json_string(block.name_raw));
      case BlockType::server_tool_result:
        if (block.type_raw == "tool_search_tool_result") read_references(block.content_json);
        return;
      case BlockType::tool_addition:
        return read_change(block.json, true);
      case BlockType::tool_removal:
        return read_change(block.json, false);
      case BlockType::compaction: {
        wire::JsonReader reader(wire::json_member(block.json, "tool_changes").value_or("[]"));
        if (reader.kind() != wire::JsonReader::Kind::array) return;
        wire::JsonReader::Items items(reader);
        std::string_view change;
        while (items.next() && reader.skip(change))
          read_change(change, wire::json_string_member(change, "type") != "tool_removal");
        return;
      }
      default:
        return;
    }
  }

  void read_references(std::string_view content) {
    const auto list = wire::json_member(content, "tool_references");
    const std::string_view json = list ? *list : content;
    wire::JsonReader reader(json);
    if (reader.kind() != wire::JsonReader::Kind::array) return;
    wire::JsonReader::Items items(reader);
    std::string_view reference;
    while (items.next() && reader.skip(reference)) {
      const std::string_view name = wire::json_string_member(reference, "tool_name");
      if (!name.empty()) add(decode_json_string(name));
    }
  }

  // {"tool_name":…} or {"name":…} or a whole definition.
  void read_change(std::string_view json, bool added) {
    const auto definition = wire::json_member(json, "tool_definition");
    std::string_view name = wire::json_string_member(json, "tool_name");
    if (name.empty()) name = wire::json_string_member(json, "name");
    if (definition && name.empty()) name = wire::json_string_member(*definition, "name");
    if (name.empty()) return;
    const std::string key = decode_json_string(name);
    if (added)
      add(key);
    else
      said_[key] = nullptr;
    if (added && definition) t_.inline_tools[key] = wire::parse_tool(*definition);
  }

  Translation& t_;
  const Block* reading_ = nullptr;
  std::unordered_map<std::string, const Block*> said_;  // nothing: removed
};

bool mentions_tools(const wire::MessagesRequest& request) {
  for (const Tool& tool : request.tools)
    if (tool.defer_loading) return true;
  for (const Block& block : request.blocks)
    if (block.type == BlockType::tool_addition || block.type == BlockType::tool_removal ||
        block.type == BlockType::compaction)
      return true;
  return false;
}

}  // namespace

std::vector<ActiveTool> active_tools(Translation& t) {
  std::vector<ActiveTool> active;
  active.reserve(t.request.tools.size());
  if (!mentions_tools(t.request)) {
    for (const Tool& tool : t.request.tools) active.push_back({&tool, false, false, nullptr});
    return active;
  }
  const Ledger ledger(t);
  bool searchable = false;
  for (const Tool& tool : t.request.tools)
    searchable = searchable || tool_kind(text_of(t, tool.type_raw)) == ToolKind::tool_search;
  for (const Tool& tool : t.request.tools) {
    const std::string name = decode_json_string(tool.name_raw);
    t.inline_tools.erase(name);  // a declaration wins
    if (ledger.removed(name)) continue;
    // Where a search tool was declared but cannot be served, a tool that is not sent could never
    // be found.
    const bool forced = t.request.tool_choice == wire::ToolChoiceKind::tool &&
                        decode_json_string(t.request.tool_choice_name_raw) == name;
    const bool referenced = ledger.added(name) || forced;
    if (!tool.defer_loading || referenced || searchable)
      active.push_back(
          {&tool, tool.defer_loading, referenced,
           tool.defer_loading && !searchable && !forced ? ledger.brought_by(name) : nullptr});
  }
  for (const auto& [name, tool] : t.inline_tools)
    if (!ledger.removed(name)) active.push_back({&tool, false, true, ledger.brought_by(name)});
  return active;
}

}  // namespace clasp::translate
