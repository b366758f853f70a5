// Which members of an output item count, for all kinds of items in one table: their names do not
// clash, and the kind may stand behind them.
#include "core/wire/openai_items.h"

namespace clasp::wire {

namespace {

using Type = ResponsesItemType;

struct TypeRow {
  std::string_view name;
  Type type;
};

constexpr TypeRow kTypes[] = {
    {"reasoning", Type::reasoning},
    {"message", Type::message},
    {"function_call", Type::function_call},
    {"custom_tool_call", Type::custom_tool_call},
    {"web_search_call", Type::web_search_call},
    {"mcp_call", Type::mcp_call},
    {"mcp_list_tools", Type::mcp_list_tools},
    {"mcp_approval_request", Type::mcp_approval_request},
    {"image_generation_call", Type::image_generation_call},
    {"compaction", Type::compaction},
    {"code_interpreter_call", Type::unasked},
    {"computer_call", Type::unasked},
    {"file_search_call", Type::unasked},
    {"shell_call", Type::unasked},
    {"local_shell_call", Type::unasked},
    {"apply_patch_call", Type::unasked},
    {"tool_search_call", Type::unasked},
    {"tool_search_output", Type::unasked},
    {"additional_tools", Type::unasked},
    {"program", Type::unasked},
    {"program_output", Type::unasked},
};

Type type_of(std::string_view name) {
  for (const TypeRow& row : kTypes)
    if (row.name == name) return row.type;
  return Type::unknown;
}

template <class T>
ChatRange range_since(std::size_t first, const std::vector<T>& list) {
  return {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(list.size())};
}

// What is being read and the event that its lists belong to.
struct PartTarget {
  ResponsesPart part;
  ResponsesEvent& event;
};
struct ItemTarget {
  ResponsesItem item;
  ResponsesEvent& event;
};

void take_annotations(od::value& value, PartTarget& into) {
  std::vector<ChatAnnotation>& list = into.event.annotations;
  const std::size_t first = list.size();
  each(value, [&list](od::value& entry) {
    if (const auto annotation = take_url_citation(entry)) list.push_back(*annotation);
  });
  into.part.annotations = range_since(first, list);
}

constexpr Member<PartTarget> kPart[] = {
    {"type", [](od::value& v, PartTarget& t) { t.part.type = take_raw(v); }},
    {"text", [](od::value& v, PartTarget& t) { t.part.text = take_raw(v); }},
    {"refusal",
     [](od::value& v, PartTarget& t) {
       const RawField refusal = take_raw(v);
       t.part.refusal = refusal.present;
       if (refusal) t.part.text = refusal;
     }},
    {"annotations", take_annotations},
};

ChatRange take_parts(od::value& value, ResponsesEvent& event) {
  // The parts themselves have no parts: the list grows in one piece.
  const std::size_t first = event.parts.size();
  each(value, [&event](od::value& entry) { event.parts.push_back(take_part(entry, event)); });
  return range_since(first, event.parts);
}

constexpr Member<ResponsesSource> kSource[] = {
    {"url", [](od::value& v, ResponsesSource& s) { s.url = take_raw(v); }},
    {"title", [](od::value& v, ResponsesSource& s) { s.title = take_raw(v); }},
};

void take_sources(od::value& value, ItemTarget& into) {
  std::vector<ResponsesSource>& list = into.event.sources;
  const std::size_t first = list.size();
  each(value, [&list](od::value& entry) {
    ResponsesSource source;
    walk_value(entry, kSource, source);
    if (!source.url.empty()) list.push_back(source);
  });
  into.item.sources = range_since(first, list);
}

constexpr Member<ItemTarget> kAction[] = {
    {"type", [](od::value& v, ItemTarget& t) { t.item.action = take_raw(v); }},
    {"query",
     [](od::value& v, ItemTarget& t) {
       if (const RawField query = take_raw(v); !query.empty()) t.item.query = query;
     }},
    {"queries",
     [](od::value& v, ItemTarget& t) {
       each(v, [&t](od::value& entry) {
         if (t.item.query.empty()) t.item.query = take_raw(entry);
       });
     }},
    {"sources", take_sources},
};

constexpr Member<ItemTarget> kItem[] = {
    {"type", [](od::value& v, ItemTarget& t) { t.item.type = type_of(take_raw(v).raw); }},
    {"id", [](od::value& v, ItemTarget& t) { t.item.id = take_raw(v); }},
    {"status", [](od::value& v, ItemTarget& t) { t.item.status = take_raw(v); }},
    {"phase", [](od::value& v, ItemTarget& t) { t.item.phase = take_raw(v); }},
    {"content", [](od::value& v, ItemTarget& t) { t.item.content = take_parts(v, t.event); }},
    {"summary", [](od::value& v, ItemTarget& t) { t.item.summary = take_parts(v, t.event); }},
    {"encrypted_content",
     [](od::value& v, ItemTarget& t) { t.item.encrypted_content = take_raw(v); }},
    {"call_id", [](od::value& v, ItemTarget& t) { t.item.call_id = take_raw(v); }},
    {"name", [](od::value& v, ItemTarget& t) { t.item.name = take_raw(v); }},
    {"arguments",
     [](od::value& v, ItemTarget& t) {
       t.item.arguments = take_raw(v);
       if (!t.item.arguments) t.item.arguments_json = take_json(v);
     }},
    {"input", [](od::value& v, ItemTarget& t) { t.item.input = take_raw(v); }},
    {"action", [](od::value& v, ItemTarget& t) { walk_value(v, kAction, t); }},
    {"server_label", [](od::value& v, ItemTarget& t) { t.item.server_label = take_raw(v); }},
    {"output", [](od::value& v, ItemTarget& t) { t.item.output = take_raw(v); }},
    {"error", [](od::value& v, ItemTarget& t) { t.item.error_json = take_json(v); }},
};

}  // namespace

ResponsesPart take_part(od::value& value, ResponsesEvent& event) {
  PartTarget target{{}, event};
  walk_value(value, kPart, target);
  return target.part;
}

ResponsesItem take_item(od::value& value, ResponsesEvent& event) {
  ItemTarget target{{}, event};
  walk_value(value, kItem, target);
  return target.item;
}

}  // namespace clasp::wire
