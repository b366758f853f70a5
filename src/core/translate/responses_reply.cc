// The state machine of Responses replies: what an event means, and a whole Response.
#include "core/translate/responses_reply.h"

#include <optional>
#include <utility>

#include "base/text.h"
#include "core/translate/responses_impl.h"
#include "core/translate/usage.h"

namespace clasp::translate {

namespace {

using wire::ResponsesEvent;
using Type = wire::ResponsesEventType;

}  // namespace

ResponsesReply::ResponsesReply(ReplyContext context, ReplyParser& parser, wire::EventSink& sink,
                               Random& random)
    : ReplyBase(std::make_unique<Impl>(std::move(context), *parser.responses_, sink, random)) {}

ResponsesReply::Impl::Impl(ReplyContext reply_context, wire::ResponsesParser& events,
                           wire::EventSink& event_sink, Random& random_source)
    : ReplyCore(std::move(reply_context), event_sink, random_source), parser(events) {}

// ---- events ------------------------------------------------------------------------------------

bool ResponsesReply::Impl::read_event(std::string_view data, std::size_t slack,
                                      std::string_view name) {
  if (!parser.parse_event(data, slack, name)) return false;
  const ResponsesEvent& event = parser.event();
  if (!repeats(event, data)) on_parsed(event, data);
  if (state == State::running) advance();
  return true;
}

// The same event once more. Only of a server that counts its events can that be told.
bool ResponsesReply::Impl::repeats(const ResponsesEvent& event, std::string_view data) {
  if (event.sequence < 0) return false;
  const std::size_t hash = std::hash<std::string_view>()(data);
  const bool counts = sequence_before >= 0 && last_sequence > sequence_before;
  if (counts && event.sequence == last_sequence && hash == last_event) return true;
  sequence_before = last_sequence;
  last_sequence = event.sequence;
  last_event = hash;
  return false;
}

void ResponsesReply::Impl::on_parsed(const ResponsesEvent& event, std::string_view data) {
  switch (event.type) {
    case Type::response:
      on_response(event);
      break;
    case Type::item_added:
      if (!event.has_item) break;
      if (Item* item = resolve(event.item.type, event.item.id.raw, event.output_index, Sign::added,
                               event.item.call_id.raw))
        if (!item->done) take_members(*item, event.item);
      break;
    case Type::item_done:
      if (!event.has_item) break;
      if (Item* item = resolve(event.item.type, event.item.id.raw, event.output_index, Sign::done,
                               event.item.call_id.raw))
        take_done(*item, event.item, event);
      break;
    case Type::completed:
      on_terminal(event, "completed");
      break;
    case Type::incomplete:
      on_terminal(event, "incomplete");
      break;
    case Type::failed:
      on_terminal(event, "failed");
      break;
    case Type::cancelled:
      on_terminal(event, "cancelled");
      break;
    case Type::error:
      on_error(data);
      break;
    case Type::other:
      if (!event.typed && is_real_error(event.error_json)) on_error(data);
      break;
    default:
      on_part_event(event);
  }
}

// Pieces of an item, and the whole of a piece.
void ResponsesReply::Impl::on_part_event(const ResponsesEvent& event) {
  const auto whole = [&](ItemType type, PartKind kind, std::int64_t index, std::string_view raw,
                         wire::ChatRange annotations = {}) {
    if (Item* item = resolve(type, event.item_id.raw, event.output_index, Sign::piece))
      on_whole(*item, kind, index, raw, event, annotations);
  };
  const auto arguments = [&](ItemType type, std::string_view raw, bool is_json, bool done) {
    Item* item = resolve(type, event.item_id.raw, event.output_index, Sign::piece);
    if (item == nullptr || item->done) return;
    if (done)
      on_whole_arguments(*item, raw, is_json);
    else
      on_arguments(*item, raw, is_json);
  };
  const std::int64_t content = event.content_index, part = event.summary_index;
  switch (event.type) {
    case Type::text_delta:
      return on_piece(event, ItemType::message, PartKind::text, content);
    case Type::refusal_delta:
      return on_piece(event, ItemType::message, PartKind::refusal, content);
    case Type::summary_delta:
      return on_piece(event, ItemType::reasoning, PartKind::summary, part);
    case Type::reasoning_delta:
      return on_piece(event, ItemType::reasoning, PartKind::reasoning, content);
    case Type::text_done:
      return whole(ItemType::message, PartKind::text, content, event.text.raw);
    case Type::refusal_done:
      return whole(ItemType::message, PartKind::refusal, content, event.text.raw);
    case Type::summary_done:
      return whole(ItemType::reasoning, PartKind::summary, part, event.text.raw);
    case Type::reasoning_done:
      return whole(ItemType::reasoning, PartKind::reasoning, content, event.text.raw);
    case Type::summary_part_done:
      return whole(ItemType::reasoning, PartKind::summary, part, event.part.text.raw);
    case Type::part_done:
      if (event.part.type.raw == "reasoning_text")
        return whole(ItemType::reasoning, PartKind::reasoning, content, event.part.text.raw);
      if (event.part.text)
        whole(ItemType::message, event.part.refusal ? PartKind::refusal : PartKind::text, content,
              event.part.text.raw, event.part.annotations);
      return;
    case Type::annotation:
      if (Item* item =
              resolve(ItemType::message, event.item_id.raw, event.output_index, Sign::piece);
          item != nullptr && !item->done && !event.annotations.empty())
        if (Part* text = part_of(*item, PartKind::text, content))
          add_citation(*text, event.annotations.front());
      return;
    case Type::arguments_delta:
      return arguments(ItemType::function_call, event.delta.raw, false, false);
    case Type::input_delta:
      return arguments(ItemType::custom_tool_call, event.delta.raw, false, false);
    case Type::arguments_done:
      if (event.text) return arguments(ItemType::function_call, event.text.raw, false, true);
      return arguments(ItemType::function_call, event.arguments_json, true, true);
    case Type::input_done:
      return arguments(ItemType::custom_tool_call, event.text.raw, false, true);
    default:
      return;
  }
}

// ---- the Response ------------------------------------------------------------------------------

void ResponsesReply::Impl::on_response(const ResponsesEvent& event) {
  constexpr std::size_t kMaxId = 256;
  remember_usage(report, event.usage);
  if (upstream_id.empty() && !event.id.empty() && event.id.raw.size() <= kMaxId)
    upstream_id.assign(event.id.raw);
  if (!event.service_tier.empty()) service_tier = translate_service_tier(event.service_tier.raw);
}

void ResponsesReply::Impl::on_failed(const ResponsesEvent& event) {
  if (is_real_error(event.error_json))
    on_error("{\"error\":" + std::string(event.error_json) + "}");
  else
    fail(bad_gateway("backend ended the answer with an error"));
}

// `status`: what the event's name says, where the Response has none.
void ResponsesReply::Impl::on_terminal(const ResponsesEvent& event, std::string_view status) {
  on_response(event);
  if (!event.status.empty()) status = event.status.raw;
  if (status == "failed" || is_real_error(event.error_json)) return on_failed(event);
  if (status == "cancelled") return fail(bad_gateway("backend aborted the answer"));
  if (status == "in_progress" || status == "queued")
    return fail(bad_gateway("backend answered before the answer was there"));
  if (!event.has_output && event.status.empty() && items.empty() && status == "completed")
    return fail(bad_gateway("backend returned no output"));
  finish = Finish::stop;
  if (status == "incomplete") {
    finish = Finish::length;
    if (event.incomplete_reason.raw == "content_filter")
      finish = Finish::content_filter;
    else if (event.incomplete_reason.raw != "max_output_tokens")
      note("unknown reason of an incomplete answer");
  } else if (status != "completed") {
    note("unknown status");
  }
  finish_seen = true;
  reconcile(event);
  if (state == State::running && !in_document) end_normally();
}

// The final output repeats what the stream showed, or is all there is.
void ResponsesReply::Impl::reconcile(const ResponsesEvent& event) {
  std::unordered_set<std::string_view> ids;
  for (const wire::ResponsesItem& item : event.output)
    if (!item.id.empty()) ids.insert(item.id.raw);
  for (std::size_t i = 0; i < event.output.size() && state == State::running; ++i) {
    Item* item = resolve_output(event.output[i], i, ids);
    if (item == nullptr) return;
    item->matched = true;
    take_done(*item, event.output[i], event);
    advance();
  }
}

bool ResponsesReply::Impl::read_document(std::string_view text, std::size_t slack) {
  // A large answer gets a parser of its own: the shared one would keep the memory.
  constexpr std::size_t kLarge = 1u << 20;
  std::optional<wire::ResponsesParser> own;
  wire::ResponsesParser& reader = text.size() > kLarge ? own.emplace() : parser;
  if (!reader.parse_response(text, slack)) return false;
  const ResponsesEvent& found = reader.event();
  in_document = true;
  if (!found.has_output && found.status.empty()) {
    if (is_real_error(found.error_json) || found.bare_error)
      on_error(text);
    else
      fail(bad_gateway("backend returned no output"));
    return true;
  }
  on_terminal(found, "completed");
  return true;
}

// ---- the end -----------------------------------------------------------------------------------

void ResponsesReply::Impl::before_end() {
  ending = true;
  for (const auto& item : items) {
    if (!item->done && finish != Finish::stop) item->incomplete = true;
    // A part whose end nobody told must not hide those behind it.
    for (Part& part : item->parts) part.done = true;
    item->done = item->over = true;
  }
  advance();
  settle_thinking({});
}

void ResponsesReply::Impl::after_text() {
  if (report.web_searches < 0) report.web_searches = searches;
}

void ResponsesReply::Impl::collect_states() {
  if (!context.keep_states || states.empty() || !queue.tool_emitted()) return;
  for (const auto& call : queue.calls())
    if (call->started) call_states.tool_ids.push_back(call->id);
  for (const std::string& signature : states) {
    if (!call_states.state.whole.empty()) call_states.state.whole.push_back(' ');
    call_states.state.whole.append(signature);
  }
}

}  // namespace clasp::translate
