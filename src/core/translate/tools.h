// Tools and tool_choice (translation spec §3). Private to this room.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/translate/schema.h"
#include "core/translate/translation.h"

namespace clasp::translate {

struct PlannedTool {
  std::string_view name;         // on the wire
  std::string_view client_name;  // decoded
  std::string_view description;  // raw, empty: none
  std::string_view schema_json;
  std::string_view cache_control;
  bool strict = false;
  const wire::Tool* declared = nullptr;
};

enum class Choice { automatic, required, named, none };

struct ToolPlan {
  std::vector<PlannedTool> tools;
  Choice choice = Choice::automatic;
  std::string_view choice_name;        // on the wire
  bool one_call = false;               // parallel_tool_calls:false is sent
  std::string search_members;          // plugins or options for web search, beginning with a comma
  std::string_view full_descriptions;  // raw text for the system prompt, of cut descriptions
  bool forced() const { return choice == Choice::required || choice == Choice::named; }
};

// Fills reply.tools and reply.single_tool_call.
ToolPlan plan_tools(Translation& t);

// ,"tools":[…] and what belongs to it; nothing when there are none.
void append_tools(std::string& out, Translation& t, const ToolPlan& plan);

// ,"response_format":… for output_config.format. In emulation returns the text (raw) that has to
// go into the system prompt instead.
std::string append_output_format(std::string& out, Translation& t, bool has_tools);

// Members of the body, beginning with a comma, that make the backend search the web by itself;
// nothing when it cannot. They may be empty.
std::optional<std::string> search_members(Translation& t, const wire::Tool& tool);

// "tools.3.name"; a tool that the conversation defined has no place in the list.
std::string tool_path(const Translation& t, const wire::Tool& tool, std::string_view member = {});

}  // namespace clasp::translate
