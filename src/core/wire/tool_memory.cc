// See tool_memory.h.
#include "core/wire/tool_memory.h"

namespace clasp::wire {

namespace {

constexpr std::string_view Tool::*kViews[] = {
    &Tool::type_raw,    &Tool::name_raw,           &Tool::description_raw,
    &Tool::schema_json, &Tool::cache_control_json, &Tool::examples_json,
    &Tool::json,
};

std::size_t cost_of(std::string_view json, std::size_t tools) {
  return json.size() + tools * sizeof(Tool);
}

}  // namespace

std::vector<Tool> moved_tools(const std::vector<Tool>& tools, const char* from, const char* to) {
  std::vector<Tool> out(tools);
  for (Tool& tool : out)
    for (const auto view : kViews)
      if ((tool.*view).data() != nullptr)
        tool.*view = {to + ((tool.*view).data() - from), (tool.*view).size()};
  return out;
}

const ToolMemory::Known* ToolMemory::find(std::string_view text) {
  for (auto known = lists_.begin(); known != lists_.end(); ++known) {
    if (!text.starts_with(known->json)) continue;
    lists_.splice(lists_.begin(), lists_, known);
    return &lists_.front();
  }
  return nullptr;
}

std::shared_ptr<ToolNotes> ToolMemory::put(std::string_view json, const std::vector<Tool>& tools,
                                           JsonReader::Spelling spelling) {
  if (json.size() < kShortest || json.size() > kLongest || tools.size() > kMostTools)
    return nullptr;
  Known& known = lists_.emplace_front();
  known.json = json;
  known.spelling = spelling;
  known.tools = moved_tools(tools, json.data(), known.json.data());
  known.notes = std::make_shared<ToolNotes>();
  bytes_ += cost_of(json, tools.size());
  while (lists_.size() > kMostLists || bytes_ > kMostBytes) {
    bytes_ -= cost_of(lists_.back().json, lists_.back().tools.size());
    lists_.pop_back();
  }
  return known.notes;
}

}  // namespace clasp::wire
