// Which tools a call declares, under which names, and what the model is forced to.
#include "core/translate/tools.h"

#include <algorithm>
#include <iterator>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"
#include "core/translate/active_tools.h"
#include "core/translate/builtin_tools.h"
#include "core/translate/content.h"
#include "core/translate/tool_names.h"
#include "core/wire/json_reader.h"

namespace clasp::translate {

namespace {

using wire::Tool;
using wire::ToolChoiceKind;

constexpr std::size_t kMaxExamples = 2048;
constexpr std::string_view kToolSearch = "{\"type\":\"tool_search\"}";

// At most `limit` characters of plain text, ending at a word where that is not far.
std::string cut_at_word(const std::string& text, std::size_t limit) {
  std::size_t at = 0, characters = 0;
  while (at < text.size() && characters < limit) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
    ++characters;
  }
  if (at == text.size()) return text;
  const std::size_t space = text.find_last_of(" \n\t", at);
  return text.substr(0, space != std::string::npos && space + 80 > at && space > 0 ? space : at);
}

std::size_t count_characters(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

class ToolPlanner {
 public:
  explicit ToolPlanner(Translation& t) : t_(t) {}
  ToolPlan run();

 private:
  void add(const Tool& tool);
  void add_function(PlannedTool planned, std::string_view toolset, const Tool& tool);
  void add_web_search(const Tool& tool);
  void add_builtin(const Tool& tool, std::string_view type);
  void drop(std::string_view type, const Tool& tool);
  std::string_view description_of(const Tool& tool);
  void cut_description(PlannedTool& tool);
  void limit(const std::vector<ActiveTool>& active);
  void add_servers();
  void choose();
  void choose_named();

  Translation& t_;
  ToolPlan plan_;
  std::unordered_map<std::string, std::string> toolset_of_;  // wire name -> toolset
  std::unordered_set<std::string> removed_;                  // client names of removed tools
  std::string search_name_;  // of the tool that became the backend's own search
  std::string full_descriptions_;
  std::size_t declared_ = 0;
  std::uint64_t most_searches_ = 0;
  bool searches_tools_ = false;  // the backend finds deferred tools itself
};

std::string_view ToolPlanner::description_of(const Tool& tool) {
  if (tool.examples_json.empty()) return tool.description_raw;
  std::string lines;
  wire::JsonReader reader(tool.examples_json);
  wire::JsonReader::Items items(reader);
  std::string_view example;
  while (items.next() && reader.skip(example)) {
    std::string line(kNewlineRaw);
    wire::append_compact_json_escaped(line, example);
    if (lines.size() + line.size() > kMaxExamples) continue;
    lines += line;
  }
  if (lines.empty()) return tool.description_raw;
  std::string text(tool.description_raw);
  if (!text.empty()) text.append(kBlankLineRaw);
  return t_.keep(text.append("Examples:").append(lines));
}

// The cut text keeps the call possible; the whole one goes into the system prompt.
void ToolPlanner::cut_description(PlannedTool& tool) {
  const auto limit = static_cast<std::size_t>(t_.dialect.max_description);
  if (limit == 0 || tool.description.size() <= limit) return;
  const std::string text = decode_json_string(tool.description);
  if (count_characters(text) <= limit) return;
  full_descriptions_.append(kBlankLineRaw).append("## ").append(tool.name);
  full_descriptions_.append(kNewlineRaw).append(tool.description);
  tool.description = t_.keep_escaped(cut_at_word(text, limit));
}

void ToolPlanner::add_function(PlannedTool planned, std::string_view toolset, const Tool& tool) {
  planned.declared = &tool;
  planned.name = t_.keep(tool_wire_name(planned.client_name, toolset, t_.dialect));
  const std::string name(planned.name);
  const auto [place, fresh] = toolset_of_.emplace(name, std::string(toolset));
  if (!fresh) {
    wire::ApiError error =
        wire::refuse_request(tool_path(t_, tool, "name") +
                             ": Tool names must be unique: " + std::string(planned.client_name));
    if (place->second != toolset) error.details_code = "tool_name_conflict";
    return t_.refuse(std::move(error));
  }
  ReplyContext::ToolName& known = t_.reply.tools[name];
  known = {std::string(planned.client_name), std::string(toolset), {}};
  if (t_.dialect.parse_text_tools) known.schema = std::string(tool.schema_json);
  if (!t_.dialect.cache_control) planned.cache_control = {};
  cut_description(planned);
  plan_.tools.push_back(planned);
}

void ToolPlanner::drop(std::string_view type, const Tool& tool) {
  t_.warn("tool-removed:" + std::string(type), tool_path(t_, tool));
}

void ToolPlanner::add_web_search(const Tool& tool) {
  if (t_.profile.web_search == WebSearch::native) {
    t_.reply.web_search = true;
    plan_.server_tools.push_back(native_search(t_, tool, most_searches_));
    search_name_ = decode_json_string(tool.name_raw);
    return;
  }
  if (auto members = search_members(t_, tool)) {
    t_.reply.web_search = true;
    plan_.search_members = std::move(*members);
    search_name_ = decode_json_string(tool.name_raw);
    return;
  }
  // A search without results looks like a failure to the client that asked for nothing else.
  if (declared_ == 1)
    return t_.refuse(tool_path(t_, tool), "web search is not available on this backend");
  drop("web_search", tool);
}

void ToolPlanner::add_builtin(const Tool& tool, std::string_view type) {
  const auto add_one = [&](BuiltinTool built, std::string_view toolset) {
    PlannedTool planned;
    planned.client_name = t_.keep(std::move(built.name));
    planned.description = t_.keep_escaped(built.description);
    planned.schema_json = t_.keep(std::move(built.schema_json));
    planned.cache_control = toolset.empty() ? tool.cache_control_json : std::string_view();
    add_function(planned, toolset, tool);
  };
  if (tool_kind(type) == ToolKind::builtin)
    return add_one(make_builtin(type, text_of(t_, tool.name_raw), tool.json), {});
  for (BuiltinTool& member : make_toolset(type, tool.json, t_.dialect.schema_subset))
    add_one(std::move(member), toolset_name(type));
}

void ToolPlanner::add(const Tool& tool) {
  const std::string_view type = text_of(t_, tool.type_raw);
  const std::size_t before = plan_.tools.size();
  ToolKind kind = tool_kind(type);
  // Claude's own tools bring no schema: one that does is a client's tool of a similar name.
  if (kind == ToolKind::builtin && !tool.schema_json.empty()) kind = ToolKind::custom;
  switch (kind) {
    case ToolKind::custom: {
      if (!type.empty() && type != "custom" && tool.schema_json.empty()) {
        drop(type, tool);
        break;
      }
      if (tool.name_raw.empty()) return t_.refuse(tool_path(t_, tool, "name"), "Field required");
      PlannedTool planned;
      planned.client_name = text_of(t_, tool.name_raw);
      planned.description = description_of(tool);
      planned.schema_json = tool.schema_json;
      planned.cache_control = tool.cache_control_json;
      planned.strict = tool.strict.value_or(false);
      return add_function(planned, {}, tool);
    }
    case ToolKind::builtin:
    case ToolKind::toolset:
      add_builtin(tool, type);
      break;
    case ToolKind::web_search:
      add_web_search(tool);
      break;
    case ToolKind::tool_search:
      if (searches_tools_) {
        // One search serves all kinds of them.
        if (std::find(plan_.server_tools.begin(), plan_.server_tools.end(), kToolSearch) ==
            plan_.server_tools.end())
          plan_.server_tools.emplace_back(kToolSearch);
        return;
      }
      drop("tool_search", tool);
      break;
    case ToolKind::mcp:
      if (t_.dialect.mcp) return;  // a part of its server
      return t_.refuse(tool_path(t_, tool), "MCP servers are not available on this backend");
    case ToolKind::removed:
      drop(type, tool);
      break;
  }
  if (plan_.tools.size() == before && !tool.name_raw.empty())
    removed_.insert(decode_json_string(tool.name_raw));
}

// Too many tools: those that wait to be found go first, none of the others is left out silently.
void ToolPlanner::limit(const std::vector<ActiveTool>& active) {
  const auto max = static_cast<std::size_t>(t_.dialect.max_tools);
  if (max == 0 || plan_.tools.size() <= max) return;
  std::unordered_set<const Tool*> waiting;
  for (const ActiveTool& tool : active)
    if (tool.deferred && !tool.referenced) waiting.insert(tool.tool);
  std::erase_if(plan_.tools, [&](const PlannedTool& tool) {
    if (!waiting.contains(tool.declared)) return false;
    t_.reply.tools.erase(std::string(tool.name));
    return true;
  });
  if (plan_.tools.size() > max)
    t_.refuse("tools", std::to_string(plan_.tools.size()) +
                           " tools are too many: this backend takes " + std::to_string(max));
}

void ToolPlanner::choose_named() {
  const std::string name = decode_json_string(t_.request.tool_choice_name_raw);
  for (const PlannedTool& tool : plan_.tools) {
    if (tool.client_name != name) continue;
    plan_.choice = Choice::named;
    plan_.choice_name = tool.name;
    return;
  }
  if (t_.reply.web_search && name == search_name_ && !plan_.server_tools.empty()) {
    plan_.choice =
        plan_.tools.empty() && plan_.server_tools.size() == 1 ? Choice::required : Choice::search;
    return;
  }
  // The search runs by itself, whatever is called: there is nothing left to force.
  if (t_.reply.web_search && name == search_name_) return;
  t_.refuse("tool_choice.name", removed_.contains(name)
                                    ? "this backend cannot run the tool: " + name
                                    : "no tool has this name: " + name);
}

void ToolPlanner::choose() {
  if (declared_ == 0) return;
  switch (t_.request.tool_choice) {
    case ToolChoiceKind::absent:
    case ToolChoiceKind::automatic:
      break;
    case ToolChoiceKind::any:
      plan_.choice = Choice::required;
      break;
    case ToolChoiceKind::none:
      plan_.choice = Choice::none;
      break;
    case ToolChoiceKind::tool:
      choose_named();
      break;
  }
  if (plan_.empty()) {
    plan_.choice = Choice::automatic;
    return;
  }
  if (plan_.choice == Choice::none && t_.dialect.drop_tools_on_none) {
    plan_.tools.clear();
    plan_.server_tools.clear();
    plan_.choice = Choice::automatic;
    return;
  }
  const Adjustments* learned = t_.target.adjustments;
  if (plan_.forced() && learned != nullptr && learned->auto_tool_choice) {
    plan_.choice = Choice::automatic;
    t_.warn("tool-choice-dropped", "tool_choice");
  }
  // Without a way to name the tool, it is the only one that is offered.
  if (plan_.choice == Choice::named && t_.dialect.tool_choice == ToolChoice::strings) {
    std::erase_if(plan_.tools,
                  [&](const PlannedTool& tool) { return tool.name != plan_.choice_name; });
    plan_.choice = Choice::required;
  }
  if (!t_.request.disable_parallel_tool_use || plan_.choice == Choice::none) return;
  t_.reply.single_tool_call = true;
  plan_.one_call = t_.profile.parallel;
  if (!plan_.one_call) t_.warn("parallel-tool-calls", "tool_choice.disable_parallel_tool_use");
}

void ToolPlanner::add_servers() {
  std::vector<std::string> servers = plan_mcp_servers(t_);
  t_.reply.mcp = !servers.empty();
  if (most_searches_ > 0 && servers.empty()) plan_.max_tool_calls = most_searches_;
  if (most_searches_ > 0 && !servers.empty()) t_.warn("search-options", "tools");
  std::move(servers.begin(), servers.end(), std::back_inserter(plan_.server_tools));
}

ToolPlan ToolPlanner::run() {
  const std::vector<ActiveTool> active = active_tools(t_);
  declared_ = active.size();
  plan_.tools.reserve(active.size());
  for (const ActiveTool& tool : active)
    searches_tools_ =
        searches_tools_ || (t_.dialect.tool_search &&
                            tool_kind(text_of(t_, tool.tool->type_raw)) == ToolKind::tool_search);
  for (const ActiveTool& tool : active) {
    const std::size_t before = plan_.tools.size();
    add(*tool.tool);
    for (std::size_t i = before; i < plan_.tools.size(); ++i) {
      plan_.tools[i].deferred = searches_tools_ && tool.deferred && !tool.referenced;
      plan_.tools[i].brought_by = tool.brought_by;
    }
  }
  limit(active);
  add_servers();
  choose();
  if (t_.dialect.additional_tools && t_.target.api == Api::responses)
    move_additional_tools(t_, plan_);
  if (!full_descriptions_.empty())
    plan_.full_descriptions = t_.keep("# Full tool descriptions" + full_descriptions_);
  return std::move(plan_);
}

}  // namespace

ToolPlan plan_tools(Translation& t) {
  ToolPlanner planner(t);
  return planner.run();
}

}  // namespace clasp::translate
