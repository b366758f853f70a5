// Tools that clients declare by type only, because the Anthropic models know them: here they get
// the description and schema that other models need (translation spec §3.1, §3.3).
// Private to this room.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace clasp::translate {

enum class ToolKind {
  custom,   // the client describes it
  builtin,  // executed by the client, described here
  toolset,  // several functions
  web_search,
  tool_search,  // only matters for deferred tools
  mcp,
  removed,  // server tools that nothing here can do
};

ToolKind tool_kind(std::string_view type);

struct BuiltinTool {
  std::string name;
  std::string description;
  std::string schema_json;
};

// The function for a built-in tool; `json` is the client's declaration.
BuiltinTool make_builtin(std::string_view type, std::string_view name, std::string_view json);

// The functions of a toolset, disabled members left out; `name` is the member's. Flat targets are
// for backends that have no anyOf worth the name.
std::vector<BuiltinTool> make_toolset(std::string_view type, std::string_view json,
                                      bool flat_targets);
// "computer" or "browser".
std::string_view toolset_name(std::string_view type);

}  // namespace clasp::translate
