// The client's remote MCP servers: on Responses the backend calls them by itself; elsewhere tools
// that are silently missing would be worse than a refusal (translation spec §3.6).
#include <unordered_map>

#include "base/text.h"
#include "core/translate/builtin_tools.h"
#include "core/translate/content.h"
#include "core/translate/tools.h"
#include "core/wire/json_reader.h"

namespace clasp::translate {

namespace {

bool is_off(std::string_view config) {
  return wire::json_member(config, "enabled").value_or("") == "false";
}

// What a client says about the tools of one server.
struct Selection {
  bool off = false;
  bool listed = false;  // only `names`
  std::string names;    // JSON strings, commas between
};

void add_name(Selection& selection, std::string_view raw) {
  if (!selection.names.empty()) selection.names.push_back(',');
  selection.names.append("\"").append(raw).append("\"");
}

// {"enabled":…,"allowed_tools":[…]}
Selection read_configuration(std::string_view config) {
  Selection selection;
  selection.off = is_off(config);
  const auto allowed = wire::json_member(config, "allowed_tools");
  if (!allowed || allowed->front() != '[') return selection;
  selection.listed = true;
  wire::JsonReader reader(*allowed);
  wire::JsonReader::Items items(reader);
  std::string_view raw;
  while (items.next() && reader.string(raw)) add_name(selection, raw);
  return selection;
}

// A toolset: what holds for all tools, and exceptions by name.
Selection read_toolset(Translation& t, const wire::Tool& tool) {
  Selection selection;
  selection.listed = is_off(wire::json_member(tool.json, "default_config").value_or(""));
  const auto configs = wire::json_member(tool.json, "configs");
  if (configs && configs->front() == '{') {
    wire::JsonReader reader(*configs);
    wire::JsonReader::Members members(reader);
    std::string_view name, config;
    while (members.next(name) && reader.skip(config)) {
      const bool on = wire::json_member(config, "enabled").value_or("") == "true";
      if (selection.listed && on) add_name(selection, name);
      if (!selection.listed && is_off(config))
        t.refuse(tool_path(t, tool, "configs"),
                 "single tools of a server cannot be left out on this backend: switch "
                 "default_config off and list those that are wanted");
    }
  }
  selection.off = selection.listed && selection.names.empty();
  return selection;
}

class Servers {
 public:
  explicit Servers(Translation& t) : t_(t) {
    for (const wire::Tool& tool : t.request.tools)
      if (tool_kind(text_of(t, tool.type_raw)) == ToolKind::mcp)
        toolsets_[decode_json_string(wire::json_string_member(tool.json, "mcp_server_name"))] =
            &tool;
  }

  std::vector<std::string> run() {
    std::vector<std::string> out;
    if (t_.request.mcp_servers_json.empty()) return out;
    wire::JsonReader reader(t_.request.mcp_servers_json);
    wire::JsonReader::Items items(reader);
    std::string_view server;
    for (std::size_t index = 0; items.next() && reader.skip(server); ++index)
      add(out, server, index);
    return out;
  }

 private:
  void add(std::vector<std::string>& out, std::string_view server, std::size_t index) {
    const std::string_view name = wire::json_string_member(server, "name");
    const auto toolset = toolsets_.find(decode_json_string(name));
    Selection selection;
    if (toolset != toolsets_.end())
      selection = read_toolset(t_, *toolset->second);
    else if (const auto config = wire::json_member(server, "tool_configuration"))
      selection = read_configuration(*config);
    if (is_off(server) || selection.off) return;
    const std::string path = "mcp_servers." + std::to_string(index);
    if (!t_.dialect.mcp) return t_.refuse(path, "MCP servers are not available on this backend");
    const std::string_view url = wire::json_string_member(server, "url");
    if (name.empty() || url.empty()) return t_.refuse(path, "name and url are required");
    std::string& tool = out.emplace_back("{\"type\":\"mcp\",\"server_label\":\"");
    tool.append(name).append("\",\"server_url\":\"").append(url).push_back('"');
    const std::string_view token = wire::json_string_member(server, "authorization_token");
    if (!token.empty()) tool.append(",\"authorization\":\"").append(token).push_back('"');
    if (selection.listed)
      tool.append(",\"allowed_tools\":[").append(selection.names).push_back(']');
    tool.append(",\"require_approval\":\"never\"}");
  }

  Translation& t_;
  std::unordered_map<std::string, const wire::Tool*> toolsets_;
};

}  // namespace

std::vector<std::string> plan_mcp_servers(Translation& t) {
  return Servers(t).run();
}

}  // namespace clasp::translate
