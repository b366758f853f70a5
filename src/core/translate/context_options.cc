// See context_options.h.
#include "core/translate/context_options.h"

#include "base/text.h"
#include "core/wire/anthropic_request.h"
#include "core/wire/json_reader.h"

namespace clasp::translate {

namespace {

using wire::JsonReader;

// One edit being read; the first thing that is wrong counts.
class EditReader {
 public:
  EditReader(std::string_view json, std::size_t index)
      : json_(json), path_("context_management.edits." + std::to_string(index)) {}

  ToolUseEdit tool_uses();
  ThinkingEdit thinking();
  CompactEdit compact(bool& others);
  std::optional<wire::ApiError> error;

 private:
  // A member that is neither missing nor null.
  std::optional<std::string_view> member(std::string_view name) const {
    const auto found = wire::json_member(json_, name);
    return found && *found != "null" ? found : std::nullopt;
  }
  void refuse(std::string_view name, std::string_view problem) {
    if (!error)
      error = wire::refuse_request(path_ + "." + std::string(name) + ": " + std::string(problem));
  }
  // {"type": one of `types`, "value": N}; the type that it was.
  std::string_view count(std::string_view name, std::initializer_list<std::string_view> types,
                         std::int64_t& value);
  void names(std::string_view name, std::string_view list, std::set<std::string>& into);

  std::string_view json_;
  std::string path_;
};

std::string_view EditReader::count(std::string_view name,
                                   std::initializer_list<std::string_view> types,
                                   std::int64_t& value) {
  const auto object = member(name);
  if (!object) return {};
  const std::string_view type = wire::json_string_member(*object, "type");
  const auto digits = wire::json_member(*object, "value");
  const auto number = digits ? parse_unsigned(*digits) : std::nullopt;
  for (const std::string_view known : types) {
    if (type != known) continue;
    if (number && *number <= static_cast<std::uint64_t>(INT32_MAX)) {
      value = static_cast<std::int64_t>(*number);
    } else {
      refuse(name, "value: Input should be a valid integer, not negative");
    }
    return known;
  }
  refuse(name, "Input should be an object with a known type");
  return {};
}

void EditReader::names(std::string_view name, std::string_view list, std::set<std::string>& into) {
  JsonReader reader(list);
  if (reader.kind() != JsonReader::Kind::array)
    return refuse(name, "Input should be a list of tool names");
  JsonReader::Items items(reader);
  while (items.next()) {
    std::string_view raw;
    if (reader.kind() != JsonReader::Kind::string || !reader.string(raw))
      return refuse(name, "Input should be a list of tool names");
    into.insert(decode_json_string(raw));
  }
}

ToolUseEdit EditReader::tool_uses() {
  ToolUseEdit edit;
  edit.trigger_by_uses =
      count("trigger", {"input_tokens", "tool_uses"}, edit.trigger) == "tool_uses";
  count("keep", {"tool_uses"}, edit.keep);
  count("clear_at_least", {"input_tokens"}, edit.clear_at_least);
  if (const auto list = member("exclude_tools")) names("exclude_tools", *list, edit.exclude);
  if (const auto inputs = member("clear_tool_inputs")) {
    edit.clear_all_inputs = *inputs == "true";
    if (*inputs != "true" && *inputs != "false")
      names("clear_tool_inputs", *inputs, edit.clear_inputs);
  }
  return edit;
}

ThinkingEdit EditReader::thinking() {
  ThinkingEdit edit;
  const auto keep = member("keep");
  if (!keep) return edit;
  if (const auto word = wire::json_string(*keep)) {
    edit.keep_all = *word == "all";
    if (!edit.keep_all) refuse("keep", "Input should be 'all' or an object");
    return edit;
  }
  edit.keep_all = wire::json_string_member(*keep, "type") == "all";
  if (!edit.keep_all) count("keep", {"thinking_turns"}, edit.keep);
  if (edit.keep == 0) refuse("keep", "value: Input should be greater than 0");
  return edit;
}

// How a backend of another API sums up is its own affair, and it goes on at once.
CompactEdit EditReader::compact(bool& others) {
  CompactEdit edit;
  count("trigger", {"input_tokens"}, edit.trigger);
  others = others || member("instructions") || member("pause_after_compaction") == "true";
  return edit;
}

}  // namespace

Result<ContextOptions, wire::ApiError> parse_context_options(std::string_view json) {
  ContextOptions options;
  const auto edits = json.empty() ? std::nullopt : wire::json_member(json, "edits");
  if (!edits || *edits == "null") return options;
  JsonReader reader(*edits);
  if (reader.kind() != JsonReader::Kind::array)
    return tl::unexpected(
        wire::refuse_request("context_management.edits: Input should be a valid list"));
  JsonReader::Items items(reader);
  std::string_view edit;
  for (std::size_t i = 0; items.next() && reader.skip(edit); ++i) {
    EditReader one(edit, i);
    const std::string_view type = wire::json_string_member(edit, "type");
    if (type == "clear_tool_uses_20250919") {
      options.tool_uses = one.tool_uses();
    } else if (type == "clear_thinking_20251015") {
      options.thinking = one.thinking();
    } else if (type == "compact_20260112") {
      options.compact = one.compact(options.others);
    } else {
      options.others = true;
    }
    if (one.error) return tl::unexpected(std::move(*one.error));
  }
  return options;
}

}  // namespace clasp::translate
