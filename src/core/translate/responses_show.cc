// The items of a Responses reply one after the other: when each is begun, what of it can be shown,
// how it ends.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "core/translate/responses_impl.h"

namespace clasp::translate {

bool ResponsesReply::Impl::shows(ItemType type) const {
  switch (type) {
    case ItemType::unknown:
    case ItemType::unasked:
    case ItemType::mcp_list_tools:
      return false;
    case ItemType::web_search_call:
      return context.web_search;
    case ItemType::mcp_call:
      return context.mcp;
    default:
      return true;
  }
}

void ResponsesReply::Impl::advance() {
  while (head < items.size() && state == State::running && !filter.stopped()) {
    Item& item = *items[head];
    if (!item.begun && waits(item)) return;
    if (!item.begun) begin_item(item);
    show_item(item);
    if (!item.over || state != State::running) return;
    end_item(item);
    ++head;
  }
}

// An item that came whole has time until those before it in the output have come, or what is
// behind them: nothing of it is shown in pieces.
bool ResponsesReply::Impl::waits(const Item& item) const {
  return item.early && !ending && item.index > static_cast<std::int64_t>(head);
}

// As long as nothing was said the answer may begin with thinking in tags.
void ResponsesReply::Impl::end_text() {
  if (said) flush_text();
}

void ResponsesReply::Impl::begin_item(Item& item) {
  item.begun = true;
  if (!shows(item.type)) return;
  end_text();
  settle_thinking(item.type == ItemType::message ? std::string_view(item.phase)
                                                 : std::string_view());
  if (item.type == ItemType::reasoning) queue.break_thinking();
}

void ResponsesReply::Impl::show_item(Item& item) {
  const bool call = item.type == ItemType::function_call || item.type == ItemType::custom_tool_call;
  if (call)
    show_call(item);
  else
    show_parts(item);
}

// Parts that are over, and what has come of the next one.
void ResponsesReply::Impl::show_parts(Item& item) {
  if (item.done && item.type == ItemType::reasoning && item.source == PartKind::text) {
    // Nothing was shown yet: a summary counts more than what it sums up.
    for (const Part& part : item.parts)
      if (part.kind == PartKind::summary && !part.pending.empty()) item.source = PartKind::summary;
  }
  for (; item.current < item.parts.size() && !filter.stopped(); ++item.current) {
    Part& part = item.parts[item.current];
    const std::string pending = std::exchange(part.pending, {});
    kept -= std::min(kept, pending.size());
    const bool text = part.kind == PartKind::text;
    if (text && part.done && !part.begun && !part.citations.empty()) {
      show_cited(item, part, pending);
      continue;
    }
    if (!pending.empty()) show_part(item, part, pending);
    if (!part.done) return;
    end_part(part);
  }
}

// A part of a message begins a block of its own.
void ResponsesReply::Impl::begin_text(Item& item) {
  end_text();
  if (!std::exchange(item.spoke, true)) part_messages(item);
  queue.break_text();
  said = true;
}

// Two messages side by side would come back from the client as one, and with one phase. A block
// between them holds what is lost, where the backend gave phases.
void ResponsesReply::Impl::part_messages(const Item& item) {
  if (message == nullptr || (message->phase.empty() && item.phase.empty())) return;
  queue.break_thinking();
  queue.end_thinking(render_border(message->phase, item.phase), true);
}

void ResponsesReply::Impl::show_part(Item& item, Part& part, std::string_view raw) {
  const bool first = !std::exchange(part.begun, true);
  if (part.kind == PartKind::text || part.kind == PartKind::refusal) {
    if (first) begin_text(item);
    if (part.kind == PartKind::text)
      on_text(raw);
    else
      on_refusal(raw);
    return;
  }
  if (item.source == PartKind::text) item.source = part.kind;
  if (item.source != part.kind) return;
  if (first && item.thought) on_thinking("\\n\\n");
  item.thought = true;
  on_thinking(raw);
}

namespace {

std::vector<wire::ChatAnnotation> views_of(const auto& citations) {
  std::vector<wire::ChatAnnotation> out;
  for (const auto& citation : citations) {
    wire::ChatAnnotation& view = out.emplace_back();
    view.url = {citation.url, true};
    view.title = {citation.title, !citation.title.empty()};
    view.content = {citation.content, !citation.content.empty()};
    view.start = citation.start;
    view.end = citation.end;
  }
  return out;
}

}  // namespace

// A text that is whole before any of it was shown: a block for each cited piece.
void ResponsesReply::Impl::show_cited(Item& item, Part& part, std::string_view raw) {
  part.begun = true;
  begin_text(item);
  on_cited_text(raw, views_of(part.citations));
}

void ResponsesReply::Impl::end_part(const Part& part) {
  if (part.kind == PartKind::text || part.kind == PartKind::refusal) {
    end_text();
    if (part.begun && !part.citations.empty()) cite(views_of(part.citations));
    return;
  }
  const std::string_view half = thinking_joiner.finish();
  if (!half.empty()) queue.thinking(half);
}

// A call is told to the queue once it has a name; it must not change afterwards.
void ResponsesReply::Impl::show_call(Item& item) {
  if (!item.announced && item.name.empty()) {
    if (!item.done) return;
    if (item.pending.empty())
      return fail(bad_gateway("backend sent a malformed tool call without a name"));
  }
  if (!item.announced || !item.pending.empty()) {
    const std::string pending = std::exchange(item.pending, {});
    kept -= std::min(kept, pending.size());
    pass_call(item, pending);
  }
  if (!queue.call_done(item.number)) {
    if (!item.done || may_be_cut(item)) return;
    if (const char* problem = queue.end_call(item.number)) return fail(bad_gateway(problem));
  }
  item.over = true;
}

// Whether input that is not whole was cut off is known at the end: some servers call every item
// complete.
bool ResponsesReply::Impl::may_be_cut(const Item& item) const {
  if (item.incomplete) return true;
  return item.type == ItemType::custom_tool_call ? !item.completed : queue.call_open(item.number);
}

void ResponsesReply::Impl::pass_call(Item& item, std::string_view arguments) {
  wire::ChatToolDelta delta;
  delta.index = item.number;
  delta.custom = item.type == ItemType::custom_tool_call;
  if (!item.announced) {
    delta.id = {item.call_id, !item.call_id.empty()};
    delta.name = {item.name, !item.name.empty()};
  }
  if (item.arguments_json)
    delta.arguments_json = arguments;
  else
    delta.arguments = {arguments, true};
  item.announced = said = true;
  queue.tool(delta, 0, 0);
}

void ResponsesReply::Impl::end_item(Item& item) {
  const bool shown = item.announced || item.thought || !item.encrypted.empty() ||
                     !item.blocks.empty() || item.image;
  if (item.spoke || shown) message = item.spoke ? &item : nullptr;
  switch (item.type) {
    case ItemType::reasoning:
      thinking = &item;
      break;
    case ItemType::compaction:
      thinking = &item;
      queue.break_thinking();
      break;
    default:
      for (std::string& block : item.blocks) {
        kept -= std::min(kept, block.size());
        queue.block(std::move(block));
      }
      if (item.image) on_image();
  }
  item.blocks = {};
  item.parts = {};
}

// The last reasoning item is known as far as it will be: its block is closed.
void ResponsesReply::Impl::settle_thinking(std::string_view phase) {
  if (thinking == nullptr) return;
  Item& item = *std::exchange(thinking, nullptr);
  queue.end_thinking(render_state(item, phase, -1), !item.encrypted.empty());
  if (context.keep_states && !item.encrypted.empty()) {
    constexpr std::size_t kMaxStates = 4u << 20;
    const auto calls = std::count_if(queue.calls().begin(), queue.calls().end(),
                                     [](const auto& call) { return !call->discarded; });
    std::string signature = ReasoningState::render_item(context, render_state(item, phase, calls));
    state_bytes += signature.size();
    if (state_bytes <= kMaxStates) states.push_back(std::move(signature));
  }
  kept -= std::min(kept, item.encrypted.size());
  item.encrypted = {};
}

}  // namespace clasp::translate
