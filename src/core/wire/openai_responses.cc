// Walks an event with simdjson's on-demand parser and notes where things are. Output items have a
// file of their own (openai_items).
#include "core/wire/openai_responses.h"

#include <algorithm>
#include <utility>

#include "core/wire/openai_items.h"

namespace clasp::wire {

namespace {

using Type = ResponsesEventType;

struct TypeRow {
  std::string_view name;
  Type type;
};

// The most frequent ones first.
constexpr TypeRow kTypes[] = {
    {"response.output_text.delta", Type::text_delta},
    {"response.function_call_arguments.delta", Type::arguments_delta},
    {"response.reasoning_summary_text.delta", Type::summary_delta},
    {"response.reasoning_text.delta", Type::reasoning_delta},
    {"response.custom_tool_call_input.delta", Type::input_delta},
    {"response.output_item.added", Type::item_added},
    {"response.output_item.done", Type::item_done},
    {"response.output_text.done", Type::text_done},
    {"response.output_text.annotation.added", Type::annotation},
    {"response.content_part.done", Type::part_done},
    {"response.refusal.delta", Type::refusal_delta},
    {"response.refusal.done", Type::refusal_done},
    {"response.reasoning_summary_part.added", Type::summary_part},
    {"response.reasoning_summary_part.done", Type::summary_part_done},
    {"response.reasoning_summary_text.done", Type::summary_done},
    {"response.reasoning_text.done", Type::reasoning_done},
    {"response.function_call_arguments.done", Type::arguments_done},
    {"response.custom_tool_call_input.done", Type::input_done},
    {"response.created", Type::response},
    {"response.in_progress", Type::response},
    {"response.queued", Type::response},
    {"response.completed", Type::completed},
    {"response.done", Type::completed},  // of whatever status it says
    {"response.incomplete", Type::incomplete},
    {"response.failed", Type::failed},
    {"response.cancelled", Type::cancelled},
    {"error", Type::error},
};

Type type_of(std::string_view name) {
  for (const TypeRow& row : kTypes)
    if (row.name == name) return row.type;
  return Type::other;
}

constexpr Member<ResponsesEvent> kIncompleteDetails[] = {
    {"reason", [](od::value& v, ResponsesEvent& e) { e.incomplete_reason = take_raw(v); }},
};
constexpr Member<ResponsesEvent> kSearchUsage[] = {
    {"num_requests",
     [](od::value& v, ResponsesEvent& e) {
       e.usage.web_searches = std::min(take_count(v), kMostTokens);
     }},
};
constexpr Member<ResponsesEvent> kToolUsage[] = {
    {"web_search", [](od::value& v, ResponsesEvent& e) { walk_value(v, kSearchUsage, e); }},
};

void take_output(od::value& value, ResponsesEvent& into) {
  if (!is_type(value, od::json_type::array)) return;
  into.has_output = true;
  into.output.clear();
  each(value, [&into](od::value& entry) {
    if (is_type(entry, od::json_type::object)) into.output.push_back(take_item(entry, into));
  });
}

// The report of tokens may come before or behind that of the searches.
void take_response_usage(od::value& value, ResponsesEvent& into) {
  const std::int64_t searches = into.usage.web_searches;
  take_usage(value, into.usage);
  into.usage.web_searches = std::max(into.usage.web_searches, searches);
}

constexpr Member<ResponsesEvent> kResponse[] = {
    {"id", [](od::value& v, ResponsesEvent& e) { e.id = take_raw(v); }},
    {"status", [](od::value& v, ResponsesEvent& e) { e.status = take_raw(v); }},
    {"output", take_output},
    {"usage", take_response_usage},
    {"service_tier", [](od::value& v, ResponsesEvent& e) { e.service_tier = take_raw(v); }},
    {"incomplete_details",
     [](od::value& v, ResponsesEvent& e) { walk_value(v, kIncompleteDetails, e); }},
    {"error", [](od::value& v, ResponsesEvent& e) { e.error_json = take_json(v); }},
    {"tool_usage", [](od::value& v, ResponsesEvent& e) { walk_value(v, kToolUsage, e); }},
};

// Some servers put the members of the Response beside the type of its event. Those of a Response in
// its own place count more.
template <int Row>
void take_beside(od::value& value, ResponsesEvent& into) {
  if (!into.has_response) kResponse[Row].take(value, into);
}
template <int Row>
constexpr Member<ResponsesEvent> beside() {
  return {kResponse[Row].name, take_beside<Row>};
}

void take_arguments(od::value& value, ResponsesEvent& into) {
  into.text = take_raw(value);
  if (!into.text) into.arguments_json = take_json(value);
}

void take_event_item(od::value& value, ResponsesEvent& into) {
  if (!is_type(value, od::json_type::object)) return;
  into.has_item = true;
  into.item = take_item(value, into);
}

void take_event_annotation(od::value& value, ResponsesEvent& into) {
  if (const auto annotation = take_url_citation(value)) into.annotations.push_back(*annotation);
}

constexpr Member<ResponsesEvent> kEvent[] = {
    {"type",
     [](od::value& v, ResponsesEvent& e) {
       const RawField type = take_raw(v);
       e.typed = type.present;
       e.type = type_of(type.raw);
     }},
    {"delta", [](od::value& v, ResponsesEvent& e) { e.delta = take_raw(v); }},
    {"item_id", [](od::value& v, ResponsesEvent& e) { e.item_id = take_raw(v); }},
    {"output_index", [](od::value& v, ResponsesEvent& e) { e.output_index = take_count(v); }},
    {"content_index", [](od::value& v, ResponsesEvent& e) { e.content_index = take_count(v); }},
    {"summary_index", [](od::value& v, ResponsesEvent& e) { e.summary_index = take_count(v); }},
    {"sequence_number", [](od::value& v, ResponsesEvent& e) { e.sequence = take_count(v); }},
    {"text", [](od::value& v, ResponsesEvent& e) { e.text = take_raw(v); }},
    {"refusal", [](od::value& v, ResponsesEvent& e) { e.text = take_raw(v); }},
    {"input", [](od::value& v, ResponsesEvent& e) { e.text = take_raw(v); }},
    {"arguments", take_arguments},
    {"item", take_event_item},
    {"part", [](od::value& v, ResponsesEvent& e) { e.part = take_part(v, e); }},
    {"annotation", take_event_annotation},
    {"response",
     [](od::value& v, ResponsesEvent& e) {
       e.has_response = is_type(v, od::json_type::object);
       walk_value(v, kResponse, e);
     }},
    {"error", [](od::value& v, ResponsesEvent& e) { e.error_json = take_json(v); }},
    {"message", [](od::value& v, ResponsesEvent& e) { e.bare_error = bool(take_raw(v)); }},
    beside<0>(),
    beside<1>(),
    beside<2>(),
    beside<3>(),
    beside<4>(),
    beside<5>(),
    beside<7>(),
};

// A document has the members of the Response at the top, or those of an error.
constexpr Member<ResponsesEvent> kDocument[] = {
    kResponse[0],
    kResponse[1],
    kResponse[2],
    kResponse[3],
    kResponse[4],
    kResponse[5],
    kResponse[6],
    kResponse[7],
    {"object",
     [](od::value& v, ResponsesEvent& e) {
       e.bare_error = e.bare_error || take_raw(v).raw == "error";
     }},
    {"type", [](od::value& v,
                ResponsesEvent& e) { e.bare_error = e.bare_error || take_raw(v).raw == "error"; }},
    {"message",
     [](od::value& v, ResponsesEvent& e) { e.bare_error = e.bare_error || take_raw(v); }},
    {"detail",
     [](od::value& v, ResponsesEvent& e) { e.bare_error = e.bare_error || !take_json(v).empty(); }},
};

template <class T>
void reuse(std::vector<T>& list, std::vector<T>& from) {
  constexpr std::size_t kKeep = 256;
  if (from.capacity() > kKeep) return;
  list.swap(from);
  list.clear();
}

}  // namespace

// Lists of ordinary length keep their memory: as many entries come again.
void ResponsesEvent::clear() {
  ResponsesEvent fresh;
  reuse(fresh.output, output);
  reuse(fresh.parts, parts);
  reuse(fresh.annotations, annotations);
  reuse(fresh.sources, sources);
  *this = std::move(fresh);
}

struct ResponsesParser::Impl {
  ObjectParser parser;
  ResponsesEvent event;
};

ResponsesParser::ResponsesParser() : impl_(std::make_unique<Impl>()) {}
ResponsesParser::~ResponsesParser() = default;

bool ResponsesParser::parse_event(std::string_view json, std::size_t slack, std::string_view name) {
  ResponsesEvent& event = impl_->event;
  const bool parsed = impl_->parser.parse(json, slack, [&event](od::object object) {
    event.clear();
    return walk(object, kEvent, event);
  });
  if (!event.typed) event.type = type_of(name);
  return parsed;
}

bool ResponsesParser::parse_response(std::string_view json, std::size_t slack) {
  ResponsesEvent& event = impl_->event;
  return impl_->parser.parse(json, slack, [&event](od::object object) {
    event.clear();
    event.has_response = true;
    return walk(object, kDocument, event);
  });
}

const ResponsesEvent& ResponsesParser::event() const {
  return impl_->event;
}

}  // namespace clasp::wire
