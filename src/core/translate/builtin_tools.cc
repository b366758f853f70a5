// Descriptions and schemas of the tools that have a type of their own.
#include "core/translate/builtin_tools.h"

#include "base/text.h"
#include "core/wire/json_reader.h"

namespace clasp::translate {

namespace {

struct KindRow {
  std::string_view prefix;
  ToolKind kind;
};

// Longer prefixes first where one begins with another.
constexpr KindRow kKinds[] = {
    {"bash_", ToolKind::builtin},
    {"text_editor_", ToolKind::builtin},
    {"memory_", ToolKind::builtin},
    {"computer_toolset_", ToolKind::toolset},
    {"browser_toolset_", ToolKind::toolset},
    {"computer_", ToolKind::builtin},
    {"web_search_", ToolKind::web_search},
    {"web_fetch_", ToolKind::removed},
    {"code_execution_", ToolKind::removed},
    {"advisor_", ToolKind::removed},
    {"tool_search_tool_", ToolKind::tool_search},
    {"mcp_toolset", ToolKind::mcp},
};

// A schema in short: "name:type name?:type …". The types are those of type_schema().
struct Member {
  std::string_view name;
  std::string_view fields;
  std::string_view description;
};

constexpr std::string_view kTarget =
    R"({"anyOf":[{"type":"object","properties":{"type":{"type":"string","enum":["ref"]},)"
    R"("ref":{"type":"string"}},"required":["type","ref"]},{"type":"object","properties":)"
    R"({"type":{"type":"string","enum":["coordinate"]},"x":{"type":"integer"},)"
    R"("y":{"type":"integer"}},"required":["type","x","y"]}]})";
constexpr std::string_view kFlatTarget =
    R"({"type":"object","properties":{"type":{"type":"string","enum":["ref","coordinate"]},)"
    R"("ref":{"type":"string"},"x":{"type":"integer"},"y":{"type":"integer"}},"required":["type"]})";
constexpr std::string_view kPoint =
    R"({"type":"object","properties":{"type":{"type":"string","enum":["coordinate"]},)"
    R"("x":{"type":"integer"},"y":{"type":"integer"}},"required":["type","x","y"]})";

std::string_view type_schema(char type, bool flat_targets) {
  switch (type) {
    case 's':
      return R"({"type":"string"})";
    case 'b':
      return R"({"type":"boolean"})";
    case 'i':
      return R"({"type":"integer"})";
    case 'n':
      return R"({"type":"number"})";
    case 'c':
      return R"({"type":"array","items":{"type":"integer"},"minItems":2,"maxItems":2})";
    case 'r':
      return R"({"type":"array","items":{"type":"integer"},"minItems":4,"maxItems":4})";
    case 'l':
      return R"({"type":"array","items":{"type":"string"}})";
    case 'd':
      return R"({"type":"string","enum":["up","down","left","right"]})";
    case 'f':
      return R"({"type":"string","enum":["all","interactive"]})";
    case 'v':
      return R"({"type":["string","number","boolean"]})";
    case 't':
      return flat_targets ? kFlatTarget : kTarget;
    case 'p':
      return kPoint;
    default:
      return R"({"type":"string"})";
  }
}

// `first` is a property (JSON) that goes before the others, empty for none.
std::string object_schema(std::string_view fields, bool flat_targets, std::string_view first = {},
                          std::string_view first_required = {}) {
  std::string properties(first), required;
  if (!first_required.empty()) required.append("\"").append(first_required).append("\"");
  for (std::string_view field : split(fields, ' ')) {
    const std::size_t colon = field.find(':');
    if (colon == std::string_view::npos) continue;
    std::string_view name = field.substr(0, colon);
    const bool optional = name.ends_with('?');
    if (optional) name.remove_suffix(1);
    if (!properties.empty()) properties.push_back(',');
    properties.append("\"").append(name).append("\":");
    properties.append(type_schema(field[colon + 1], flat_targets));
    if (optional) continue;
    if (!required.empty()) required.push_back(',');
    required.append("\"").append(name).append("\"");
  }
  std::string out = "{\"type\":\"object\",\"properties\":{" + properties + "}";
  if (!required.empty()) out.append(",\"required\":[").append(required).push_back(']');
  return out + "}";
}

std::string choice(std::string_view property, std::string_view values) {
  std::string out = "\"" + std::string(property) + "\":{\"type\":\"string\",\"enum\":[";
  bool first = true;
  for (std::string_view value : split(values, ' ')) {
    out.append(first ? "\"" : ",\"").append(value).append("\"");
    first = false;
  }
  return out + "]}";
}

std::string number_member(std::string_view json, std::string_view name) {
  const auto value = wire::json_member(json, name);
  return value && parse_unsigned(*value) ? std::string(*value) : std::string();
}

BuiltinTool make_bash(std::string_view name) {
  return {std::string(name.empty() ? "bash" : name),
          "Run a command in a bash shell that stays open between calls, so that its directory and "
          "variables persist. Set restart to true to start a new shell.",
          object_schema("command?:s restart?:b", false)};
}

BuiltinTool make_editor(std::string_view type, std::string_view name, std::string_view json) {
  const bool old = type == "text_editor_20241022" || type == "text_editor_20250124";
  std::string commands = "view create str_replace insert";
  if (old) commands += " undo_edit";
  std::string fields = "path:s view_range?:c file_text?:s old_str?:s new_str?:s insert_line?:i";
  if (!old) fields += " insert_text?:s";
  std::string description =
      "View, create and edit text files. view shows a file (lines view_range) or a directory; "
      "create writes file_text; str_replace replaces the one occurrence of old_str by new_str; ";
  description += old ? "insert puts new_str behind line insert_line; undo_edit takes back the last "
                       "change."
                     : "insert puts insert_text behind line insert_line.";
  if (const std::string limit = number_member(json, "max_characters"); !limit.empty())
    description += " A view shows at most " + limit + " characters.";
  const std::string_view usual = old ? "str_replace_editor" : "str_replace_based_edit_tool";
  return {std::string(name.empty() ? usual : name), std::move(description),
          object_schema(fields, false, choice("command", commands), "command")};
}

BuiltinTool make_memory(std::string_view name) {
  return {std::string(name.empty() ? "memory" : name),
          "Keep notes in files under /memories that outlive the conversation. view, create, "
          "str_replace, insert and delete work on path; rename moves old_path to new_path.",
          object_schema("path?:s view_range?:c file_text?:s old_str?:s new_str?:s insert_line?:i "
                        "insert_text?:s old_path?:s new_path?:s",
                        false, choice("command", "view create str_replace insert delete rename"),
                        "command")};
}

BuiltinTool make_computer(std::string_view type, std::string_view name, std::string_view json) {
  std::string actions =
      "key type mouse_move left_click left_click_drag right_click middle_click double_click "
      "screenshot cursor_position";
  if (type != "computer_20241022")
    actions += " hold_key left_mouse_down left_mouse_up triple_click scroll wait";
  const bool zoom = wire::json_member(json, "enable_zoom").value_or("") == "true" &&
                    type != "computer_20241022" && type != "computer_20250124";
  if (zoom) actions += " zoom";
  std::string description = "Use the mouse and keyboard of a computer and take screenshots.";
  const std::string width = number_member(json, "display_width_px");
  const std::string height = number_member(json, "display_height_px");
  if (!width.empty() && !height.empty())
    description += " The screen is " + width + " by " + height +
                   " pixels; coordinates are [x, y] from the top left corner.";
  std::string fields =
      "coordinate?:c start_coordinate?:c text?:s scroll_direction?:d "
      "scroll_amount?:i duration?:n";
  if (zoom) fields += " region?:r";
  return {std::string(name.empty() ? "computer" : name), std::move(description),
          object_schema(fields, false, choice("action", actions), "action")};
}

constexpr Member kComputerMembers[] = {
    {"key", "text:s repeat?:i", "Press a key or a combination such as ctrl+s."},
    {"hold_key", "text:s duration:n", "Hold a key down for a number of seconds."},
    {"type", "text:s", "Type text."},
    {"cursor_position", "", "Tell where the mouse pointer is."},
    {"mouse_move", "coordinate:c", "Move the mouse pointer."},
    {"left_mouse_down", "", "Press the left mouse button and keep it down."},
    {"left_mouse_up", "", "Release the left mouse button."},
    {"left_click", "coordinate?:c text?:s", "Click, with the keys in text held down."},
    {"right_click", "coordinate?:c text?:s", "Click with the right button."},
    {"middle_click", "coordinate?:c text?:s", "Click with the middle button."},
    {"double_click", "coordinate?:c text?:s", "Click twice."},
    {"triple_click", "coordinate?:c text?:s", "Click three times."},
    {"left_click_drag", "start_coordinate:c coordinate:c text?:s",
     "Drag from one point to another."},
    {"scroll", "scroll_direction:d scroll_amount:i coordinate?:c text?:s", "Scroll at a point."},
    {"wait", "duration:n", "Wait for a number of seconds."},
    {"screenshot", "", "Take a screenshot."},
    {"zoom", "region:r", "Show a region of the screen, [x1, y1, x2, y2], in detail."},
};

constexpr Member kBrowserMembers[] = {
    {"navigate", "url:s tab_id?:i", "Open a URL."},
    {"list_tabs", "", "List the open tabs."},
    {"new_tab", "", "Open a new tab."},
    {"switch_tab", "tab_id:i", "Make a tab the active one."},
    {"close_tab", "tab_id:i", "Close a tab."},
    {"read_page", "depth?:i filter?:f ref?:s tab_id?:i", "Read the page as a tree of elements."},
    {"get_page_text", "tab_id?:i", "Read the text of the page."},
    {"read_console", "tab_id?:i", "Read the console messages of the page."},
    {"read_network", "tab_id?:i", "Read the network requests of the page."},
    {"find", "query:s tab_id?:i", "Find elements by a description."},
    {"form_input", "target:t value:v tab_id?:i", "Set the value of a form field."},
    {"file_upload", "target:t paths?:l document_ids?:l tab_id?:i", "Choose files to upload."},
    {"scroll_to", "target:t tab_id?:i", "Scroll until an element can be seen."},
    {"screenshot", "tab_id?:i", "Take a screenshot of the page."},
    {"zoom", "region:r tab_id?:i", "Show a region of the page, [x1, y1, x2, y2], in detail."},
    {"left_click", "target:t modifiers?:l tab_id?:i", "Click."},
    {"right_click", "target:t modifiers?:l tab_id?:i", "Click with the right button."},
    {"middle_click", "target:t modifiers?:l tab_id?:i", "Click with the middle button."},
    {"double_click", "target:t modifiers?:l tab_id?:i", "Click twice."},
    {"triple_click", "target:t modifiers?:l tab_id?:i", "Click three times."},
    {"hover", "target:t tab_id?:i", "Move the pointer over an element."},
    {"left_click_drag", "from:p target:p tab_id?:i", "Drag from one point to another."},
    {"left_mouse_down", "target:p tab_id?:i", "Press the left button and keep it down."},
    {"left_mouse_up", "target:p tab_id?:i", "Release the left button."},
    {"mouse_move", "target:p tab_id?:i", "Move the pointer."},
    {"scroll", "target:p scroll_direction:d scroll_amount?:i tab_id?:i", "Scroll at a point."},
    {"type", "text:s tab_id?:i", "Type text."},
    {"key", "text:s repeat?:i tab_id?:i", "Press a key or a combination such as ctrl+s."},
    {"hold_key", "text:s duration:n tab_id?:i", "Hold a key down for a number of seconds."},
    {"wait", "duration:n tab_id?:i", "Wait for a number of seconds."},
    {"javascript_exec", "text:s tab_id?:i", "Run JavaScript in the page and return its value."},
};

bool member_enabled(std::string_view json, std::string_view member, bool usual) {
  bool enabled = usual;
  const auto read = [&enabled](std::string_view config) {
    const auto value = wire::json_member(config, "enabled");
    if (value) enabled = *value == "true";
  };
  read(wire::json_member(json, "default_config").value_or(""));
  const auto configs = wire::json_member(json, "configs");
  if (configs) read(wire::json_member(*configs, member).value_or(""));
  return enabled;
}

}  // namespace

ToolKind tool_kind(std::string_view type) {
  if (type.empty() || type == "custom") return ToolKind::custom;
  for (const KindRow& row : kKinds)
    if (type.starts_with(row.prefix)) return row.kind;
  return ToolKind::custom;
}

BuiltinTool make_builtin(std::string_view type, std::string_view name, std::string_view json) {
  if (type.starts_with("bash_")) return make_bash(name);
  if (type.starts_with("text_editor_")) return make_editor(type, name, json);
  if (type.starts_with("memory_")) return make_memory(name);
  return make_computer(type, name, json);
}

std::string_view toolset_name(std::string_view type) {
  return type.starts_with("browser_") ? "browser" : "computer";
}

std::vector<BuiltinTool> make_toolset(std::string_view type, std::string_view json,
                                      bool flat_targets) {
  std::vector<BuiltinTool> tools;
  const auto add = [&](const Member& member, bool usual) {
    if (!member_enabled(json, member.name, usual)) return;
    tools.push_back({std::string(member.name), std::string(member.description),
                     object_schema(member.fields, flat_targets)});
  };
  if (toolset_name(type) == "computer") {
    for (const Member& member : kComputerMembers) add(member, true);
  } else {
    // The two that reach furthest have to be switched on.
    for (const Member& member : kBrowserMembers)
      add(member, member.name != "javascript_exec" && member.name != "file_upload");
  }
  return tools;
}

}  // namespace clasp::translate
