// Writing tools, tool_choice and the output format as JSON.
#include "base/text.h"
#include "core/translate/messages.h"
#include "core/translate/tools.h"
#include "core/wire/json_reader.h"

namespace clasp::translate {

namespace {

void append_choice(std::string& out, const Translation& t, const ToolPlan& plan) {
  switch (plan.choice) {
    case Choice::automatic:
    case Choice::search:
      return;
    case Choice::none:
      out.append(",\"tool_choice\":\"none\"");
      return;
    case Choice::required:
      out.append(t.dialect.tool_choice == ToolChoice::mistral ? ",\"tool_choice\":\"any\""
                                                              : ",\"tool_choice\":\"required\"");
      return;
    case Choice::named:
      out.append(",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"");
      out.append(plan.choice_name).append("\"}}");
      return;
  }
}

// The backend refused this tool's schema before.
bool is_reduced(const Translation& t, const PlannedTool& tool) {
  const Adjustments* learned = t.target.adjustments;
  if (learned == nullptr) return false;
  for (const std::string& name : learned->reduced_tools)
    if (iequals(name, tool.name)) return true;  // refusals are read in lower case
  return false;
}

}  // namespace

SchemaOutcome append_parameters(std::string& out, Translation& t, SchemaCleaner& cleaner,
                                const PlannedTool& tool) {
  SchemaRules rules;
  rules.keep_refs = t.dialect.keep_refs;
  rules.subset = t.dialect.schema_subset;
  rules.grammar_limits = t.dialect.grammar_limits;
  rules.type_lists = t.dialect.type_lists;
  rules.strict_wanted = tool.strict;
  if (is_reduced(t, tool)) rules.subset = true, rules.keep_refs = false;
  const std::size_t start = out.size();
  out.append(",\"parameters\":");
  const SchemaOutcome outcome = cleaner.append(out, tool.schema_json, rules);
  if (outcome.too_large)
    t.refuse(tool_path(t, *tool.declared, "input_schema"),
             "the schema is too large or nested too deeply");
  if (outcome.empty || outcome.too_large) out.resize(start);
  for (std::string_view warning : outcome.warnings)
    t.warn(warning, tool_path(t, *tool.declared, "input_schema"));
  if (tool.strict && !outcome.strict)
    t.warn("strict-dropped", tool_path(t, *tool.declared, "strict"));
  return outcome;
}

namespace {

void append_tool(std::string& out, Translation& t, SchemaCleaner& cleaner,
                 const PlannedTool& tool) {
  out.append("{\"type\":\"function\",\"function\":{\"name\":\"").append(tool.name).push_back('"');
  if (!tool.description.empty())
    out.append(",\"description\":\"").append(tool.description).push_back('"');
  const SchemaOutcome outcome = append_parameters(out, t, cleaner, tool);
  if (tool.strict) out.append(outcome.strict ? ",\"strict\":true" : ",\"strict\":false");
  out.push_back('}');
  if (!tool.cache_control.empty()) append_cache_control(out, tool.cache_control);
  out.push_back('}');
}

}  // namespace

std::string tool_path(const Translation& t, const wire::Tool& tool, std::string_view member) {
  std::string path = "tools";
  const auto& list = t.request.tools;
  if (!list.empty() && &tool >= list.data() && &tool < list.data() + list.size())
    path += "." + std::to_string(&tool - list.data());
  return member.empty() ? path : path + "." + std::string(member);
}

void append_tools(std::string& out, Translation& t, const ToolPlan& plan) {
  out.append(plan.search_members);
  if (plan.tools.empty()) return;
  SchemaCleaner cleaner(t.facts.schemas);
  out.append(",\"tools\":[");
  for (const PlannedTool& tool : plan.tools) {
    if (&tool != plan.tools.data()) out.push_back(',');
    append_tool(out, t, cleaner, tool);
  }
  out.push_back(']');
  append_choice(out, t, plan);
  if (plan.one_call) out.append(",\"parallel_tool_calls\":false");
}

std::string append_output_format(std::string& out, Translation& t, bool has_tools) {
  const std::string_view format = t.request.output_format_json;
  if (format.empty()) return {};
  if (!wire::raw_equals(wire::json_string_member(format, "type"), "json_schema")) {
    t.refuse("output_config.format.type", "Input should be 'json_schema'");
    return {};
  }
  const std::string_view schema = wire::json_member(format, "schema").value_or("");
  if (schema.empty() || schema == "null") {
    t.refuse("output_config.format.schema", "Field required");
    return {};
  }
  const bool responses = t.target.api == Api::responses;
  const bool busy = t.dialect.plain_schema_output && (has_tools || t.request.stream);
  if (t.dialect.json_output == JsonOutput::json_schema && t.profile.json_schema && !busy) {
    SchemaRules rules;
    rules.tool = false;
    rules.keep_refs = t.dialect.keep_refs;
    rules.subset = t.dialect.schema_subset;
    rules.grammar_limits = t.dialect.grammar_limits;
    rules.type_lists = t.dialect.type_lists;
    out.append(responses ? ",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"output\","
                         : ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{"
                           "\"name\":\"output\",");
    out.append("\"schema\":");
    SchemaCleaner cleaner(t.facts.schemas);
    const SchemaOutcome outcome = cleaner.append(out, schema, rules);
    if (outcome.too_large)
      t.refuse("output_config.format.schema", "the schema is too large or nested too deeply");
    out.append(outcome.strict ? ",\"strict\":true}}" : ",\"strict\":false}}");
    if (!outcome.strict) t.warn("format-not-strict", "output_config.format");
    for (std::string_view warning : outcome.warnings)
      t.warn(warning, "output_config.format.schema");
    return {};
  }
  t.warn("format-emulated", "output_config.format");
  t.reply.strip_fence = true;
  if (t.dialect.json_output != JsonOutput::none && !busy)
    out.append(responses ? ",\"text\":{\"format\":{\"type\":\"json_object\"}}"
                         : ",\"response_format\":{\"type\":\"json_object\"}");
  std::string text =
      "Answer with one JSON value and nothing else; it must match this JSON Schema: ";
  wire::append_compact_json_escaped(text, schema);
  return text;
}

}  // namespace clasp::translate
