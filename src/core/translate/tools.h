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
  bool deferred = false;  // Responses: until the backend's own search finds it
  const wire::Tool* declared = nullptr;
  const wire::Block* brought_by = nullptr;  // Responses: it is an item there, and not in the list
};

enum class Choice { automatic, required, named, none, search };  // search: the backend's own

struct ToolPlan {
  std::vector<PlannedTool> tools;
  Choice choice = Choice::automatic;
  std::string_view choice_name;           // on the wire
  bool one_call = false;                  // parallel_tool_calls:false is sent
  std::vector<std::string> server_tools;  // Responses: whole tools that the backend runs itself
  std::uint64_t max_tool_calls = 0;       // … and how often, 0: no limit
  std::string search_members;          // plugins or options for web search, beginning with a comma
  std::string_view full_descriptions;  // raw text for the system prompt, of cut descriptions
  bool forced() const { return choice != Choice::automatic && choice != Choice::none; }
  bool empty() const { return tools.empty() && server_tools.empty(); }
};

// Fills reply.tools and reply.single_tool_call.
ToolPlan plan_tools(Translation& t);

// ,"tools":[…] and what belongs to it; nothing when there are none.
void append_tools(std::string& out, Translation& t, const ToolPlan& plan);
// The same for Responses.
void append_response_tools(std::string& out, Translation& t, const ToolPlan& plan);

// Takes the tools that the conversation brought out of the plan and into t.additions.
void move_additional_tools(Translation& t, ToolPlan& plan);

// ,"parameters":… of one function.
SchemaOutcome append_parameters(std::string& out, Translation& t, SchemaCleaner& cleaner,
                                const PlannedTool& tool);

// ,"response_format":… (Responses: ,"text":…) for output_config.format. In emulation returns the
// text (raw) that has to go into the system prompt instead.
std::string append_output_format(std::string& out, Translation& t, bool has_tools);

// Members of the body, beginning with a comma, that make the backend search the web by itself;
// nothing when it cannot. They may be empty.
std::optional<std::string> search_members(Translation& t, const wire::Tool& tool);

// The search as a tool among the tools (Responses). `uses` becomes the most searches that the
// client wants, 0: any number.
std::string native_search(Translation& t, const wire::Tool& tool, std::uint64_t& uses);

// The client's MCP servers as tools (Responses), or a refusal where the backend cannot call them.
// Nothing for servers that are switched off.
std::vector<std::string> plan_mcp_servers(Translation& t);

// "tools.3.name"; a tool that the conversation defined has no place in the list.
std::string tool_path(const Translation& t, const wire::Tool& tool, std::string_view member = {});

}  // namespace clasp::translate
