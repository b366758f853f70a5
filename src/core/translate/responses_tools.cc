// Tools and tool_choice as the Responses API has them: flat functions with an explicit strict, and
// tools that the backend runs by itself (translation spec §3).
#include <map>

#include "core/translate/tools.h"

namespace clasp::translate {

namespace {

void append_function(std::string& out, Translation& t, SchemaCleaner& cleaner,
                     const PlannedTool& tool) {
  out.append("{\"type\":\"function\",\"name\":\"").append(tool.name).push_back('"');
  if (!tool.description.empty())
    out.append(",\"description\":\"").append(tool.description).push_back('"');
  const SchemaOutcome outcome = append_parameters(out, t, cleaner, tool);
  if (outcome.empty) out.append(",\"parameters\":{\"type\":\"object\",\"properties\":{}}");
  // Left out it would mean true, and the server would make every property required.
  const bool strict = tool.strict && outcome.strict;
  out.append(strict ? ",\"strict\":true" : ",\"strict\":false");
  if (tool.deferred) out.append(",\"defer_loading\":true");
  out.push_back('}');
}

void append_choice(std::string& out, const ToolPlan& plan) {
  switch (plan.choice) {
    case Choice::automatic:
      return;
    case Choice::none:
      out.append(",\"tool_choice\":\"none\"");
      return;
    case Choice::required:
      out.append(",\"tool_choice\":\"required\"");
      return;
    case Choice::named:
      out.append(",\"tool_choice\":{\"type\":\"function\",\"name\":\"");
      out.append(plan.choice_name).append("\"}");
      return;
    case Choice::search:
      out.append(
          ",\"tool_choice\":{\"type\":\"allowed_tools\",\"mode\":\"required\","
          "\"tools\":[{\"type\":\"web_search\"}]}");
      return;
  }
}

}  // namespace

// What is forced must stand in the list. One item for what one block brought.
void move_additional_tools(Translation& t, ToolPlan& plan) {
  const auto moves = [&plan](const PlannedTool& tool) {
    return tool.brought_by != nullptr &&
           !(plan.choice == Choice::named && tool.name == plan.choice_name);
  };
  SchemaCleaner cleaner(t.facts.schemas);
  std::map<const wire::Block*, std::string> items;
  for (const PlannedTool& tool : plan.tools) {
    if (!moves(tool)) continue;
    std::string& item = items[tool.brought_by];
    item.append(item.empty() ? R"({"type":"additional_tools","role":"developer","tools":[)" : ",");
    append_function(item, t, cleaner, tool);
  }
  for (auto& [block, item] : items) t.additions.push_back({block, t.keep(item + "]}")});
  std::erase_if(plan.tools, moves);
}

void append_response_tools(std::string& out, Translation& t, const ToolPlan& plan) {
  if (plan.empty()) return;
  SchemaCleaner cleaner(t.facts.schemas);
  out.append(",\"tools\":[");
  bool first = true;
  const auto next = [&] {
    if (!first) out.push_back(',');
    first = false;
  };
  for (const PlannedTool& tool : plan.tools) {
    next();
    append_function(out, t, cleaner, tool);
  }
  for (const std::string& tool : plan.server_tools) {
    next();
    out.append(tool);
  }
  out.push_back(']');
  append_choice(out, plan);
  if (t.profile.parallel)
    out.append(plan.one_call ? ",\"parallel_tool_calls\":false" : ",\"parallel_tool_calls\":true");
  if (plan.max_tool_calls > 0)
    out.append(",\"max_tool_calls\":").append(std::to_string(plan.max_tool_calls));
}

}  // namespace clasp::translate
