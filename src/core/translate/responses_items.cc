// The output items of a Responses reply: which of them an event means, what is known of it, and
// how the items come one after the other into blocks.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "core/translate/responses_impl.h"

namespace clasp::translate {

namespace {

using wire::ResponsesEvent;
using wire::ResponsesItem;

constexpr std::size_t kMaxItems = 4096;
constexpr std::size_t kMaxParts = 1000;
constexpr std::size_t kMaxCitations = 200;   // of one part
constexpr std::size_t kMaxKept = 32u << 20;  // bytes that wait
constexpr std::size_t kMaxName = 512;
constexpr std::size_t kMaxId = 1024;

std::string_view at_most(std::string_view text, std::size_t size) {
  return text.size() <= size ? text : std::string_view();
}

}  // namespace

void ResponsesReply::Impl::too_large() {
  fail(bad_gateway("backend's answer is too large"));
}

bool ResponsesReply::Impl::keep(std::string& into, std::string_view bytes) {
  kept += bytes.size();
  if (kept > kMaxKept) {
    too_large();
    return false;
  }
  into.append(bytes);
  return true;
}

// ---- which item --------------------------------------------------------------------------------

ResponsesReply::Impl::Item* ResponsesReply::Impl::find_by_id(std::string_view id) {
  if (id.empty()) return nullptr;
  for (std::size_t i = items.size(); i-- > 0;)
    if (items[i]->id == id) return items[i].get();
  return nullptr;
}

// By id, else by index: some servers give an item another id in every event, others number all
// items 0. Nothing only when there are too many.
ResponsesReply::Impl::Item* ResponsesReply::Impl::resolve(ItemType type, std::string_view id,
                                                          std::int64_t index, Sign sign,
                                                          std::string_view call_id) {
  id = at_most(id, kMaxId);
  if (Item* known = find_by_id(id); known != nullptr && known->type == type) return known;
  Item* there = nullptr;
  for (std::size_t i = items.size(); i-- > 0 && there == nullptr;) {
    Item& item = *items[i];
    const bool same = index >= 0 ? item.index == index : item.type == type && !item.done;
    if (same) there = &item;
  }
  if (there == nullptr || there->type != type) return add_item(type, id, index);
  const bool same_call = !call_id.empty() && there->call_id == call_id;
  const bool other_id = !id.empty() && !there->id.empty() && !same_call;
  if (other_id && (there->done || sign == Sign::added)) return add_item(type, id, index);
  return there;
}

// The item that an entry of the final output repeats; else a new one.
ResponsesReply::Impl::Item* ResponsesReply::Impl::resolve_output(
    const ResponsesItem& item, std::size_t position,
    const std::unordered_set<std::string_view>& ids) {
  const std::string_view id = at_most(item.id.raw, kMaxId);
  const auto index = static_cast<std::int64_t>(position);
  const auto fits = [&item](const Item& known) {
    return !known.matched && known.type == item.type;
  };
  if (position < items.size() && fits(*items[position]) && !id.empty() && items[position]->id == id)
    return items[position].get();
  if (Item* known = find_by_id(id); known != nullptr && fits(*known)) return known;
  for (const auto& known : items) {
    if (!fits(*known)) continue;
    if (known->index == index || known->id.empty() || id.empty()) return known.get();
  }
  // What was shown stands somewhere in the output: under this id, if its own is not there.
  for (const auto& known : items) {
    if (!fits(*known) || ids.contains(known->id)) continue;
    const bool other_call = !known->call_id.empty() && known->call_id != item.call_id.raw;
    if (!other_call) return known.get();
  }
  return add_item(item.type, id, index);
}

ResponsesReply::Impl::Item* ResponsesReply::Impl::add_item(ItemType type, std::string_view id,
                                                           std::int64_t index) {
  if (items.size() >= kMaxItems) {
    too_large();
    return nullptr;
  }
  Item& item = *items.emplace_back(std::make_unique<Item>());
  item.type = type;
  item.id.assign(id);
  item.index = index;
  item.position = static_cast<std::int64_t>(items.size()) - 1;
  // What nobody will see holds up nothing.
  item.over = !shows(type);
  return &item;
}

ResponsesReply::Impl::Part* ResponsesReply::Impl::part_of(Item& item, PartKind kind,
                                                          std::int64_t index) {
  for (std::size_t i = item.parts.size(); i-- > 0;) {
    Part& part = item.parts[i];
    if (part.kind == kind && (part.index == index || index < 0)) return &part;
  }
  if (item.parts.size() >= kMaxParts) {
    too_large();
    return nullptr;
  }
  Part& part = item.parts.emplace_back();
  part.kind = kind;
  part.index = std::max<std::int64_t>(index, 0);
  return &part;
}

// ---- what comes in -----------------------------------------------------------------------------

bool ResponsesReply::Impl::is_current(const Item& item, const Part& part) const {
  return item.begun && item.position == static_cast<std::int64_t>(head) && part.pending.empty() &&
         item.current < item.parts.size() && &item.parts[item.current] == &part;
}

void ResponsesReply::Impl::on_piece(const ResponsesEvent& event, ItemType type, PartKind kind,
                                    std::int64_t index) {
  const std::string_view raw = event.delta.raw;
  if (raw.empty()) return;
  Item* item = resolve(type, event.item_id.raw, event.output_index, Sign::piece);
  if (item == nullptr || item->done) return;
  Part* part = part_of(*item, kind, index);
  if (part == nullptr || part->done || part->whole) return;
  part->seen.add(raw);
  if (!is_current(*item, *part))
    keep(part->pending, raw);
  else
    show_part(*item, *part, raw);
}

// All of a part's text: what the pieces lacked is new.
void ResponsesReply::Impl::on_whole(Item& item, PartKind kind, std::int64_t index,
                                    std::string_view raw, const ResponsesEvent& event,
                                    wire::ChatRange annotations) {
  if (item.done) return;
  Part* part = part_of(item, kind, index);
  if (part == nullptr || part->done) return;
  if (part->citations.empty())
    for (std::uint32_t i = annotations.first; i < annotations.end; ++i)
      add_citation(*part, event.annotations[i]);
  if (!part->whole) {
    const auto rest = part->seen.rest(raw);
    if (!rest && !raw.empty()) note("whole text that differs from its pieces");
    if (rest && !rest->empty()) {
      part->seen.add(*rest);
      if (is_current(item, *part) && (part->begun || part->citations.empty()))
        show_part(item, *part, *rest);
      else
        keep(part->pending, *rest);
    }
  }
  part->whole = true;
  // Citations may still come behind the text.
  part->done = event.type != wire::ResponsesEventType::text_done || !context.web_search;
}

void ResponsesReply::Impl::on_arguments(Item& item, std::string_view raw, bool is_json) {
  if (raw.empty()) return;
  item.arguments.add(raw);
  item.arguments_json = is_json;
  if (item.announced && item.pending.empty())
    pass_call(item, raw);
  else
    keep(item.pending, raw);
}

void ResponsesReply::Impl::on_whole_arguments(Item& item, std::string_view raw, bool is_json) {
  if (item.arguments_done) return;
  const bool pieces = !item.arguments.equals("");
  if (is_json) {
    if (!pieces) on_arguments(item, raw, true);
  } else if (const auto rest = item.arguments.rest(raw)) {
    on_arguments(item, *rest, false);
  } else if (!raw.empty()) {
    note("whole input that differs from its pieces");
  }
  item.arguments_done = true;
}

void ResponsesReply::Impl::add_citation(Part& part, const wire::ChatAnnotation& annotation) {
  if (!context.web_search || part.citations.size() >= kMaxCitations) return;
  Citation citation;
  if (!keep(citation.url, annotation.url.raw) || !keep(citation.title, annotation.title.raw) ||
      !keep(citation.content, annotation.content.raw))
    return;
  citation.start = annotation.start;
  citation.end = annotation.end;
  if (!found_addresses.contains(plain_address(citation.url)))
    sources.add(citation.url, citation.title);
  part.citations.push_back(std::move(citation));
}

// What any event may say of an item.
void ResponsesReply::Impl::take_members(Item& item, const ResponsesItem& found) {
  constexpr std::size_t kMaxBlob = 4u << 20;  // the client sends it back with every turn
  if (item.id.empty()) item.id.assign(at_most(found.id.raw, kMaxId));
  if (!found.phase.empty()) item.phase.assign(at_most(found.phase.raw, kMaxName));
  if (item.call_id.empty()) item.call_id.assign(at_most(found.call_id.raw, kMaxId));
  if (item.name.empty()) item.name.assign(at_most(found.name.raw, kMaxName));
  // Servers that seal nothing take the text back under its id.
  if (item.type == ItemType::reasoning && item.encrypted.empty())
    item.label.assign(at_most(found.id.raw, kMaxId));
  if (found.encrypted_content.empty()) return;
  // The first version may be incomplete; id and blob belong together.
  kept -= std::min(kept, item.encrypted.size());
  item.encrypted.clear();
  item.label.assign(at_most(found.id.raw, kMaxId));
  if (found.encrypted_content.raw.size() <= kMaxBlob)
    keep(item.encrypted, found.encrypted_content.raw);
}

void ResponsesReply::Impl::take_done(Item& item, const ResponsesItem& found,
                                     const ResponsesEvent& event) {
  if (item.done) return;
  take_members(item, found);
  const auto wholes = [&](wire::ChatRange range, PartKind kind) {
    for (std::uint32_t i = range.first; i < range.end; ++i) {
      const wire::ResponsesPart& part = event.parts[i];
      on_whole(item, part.refusal ? PartKind::refusal : kind, i - range.first, part.text.raw, event,
               part.annotations);
    }
  };
  const auto has_text = [&](wire::ChatRange range) {
    return std::any_of(event.parts.begin() + range.first, event.parts.begin() + range.end,
                       [](const wire::ResponsesPart& part) { return !part.text.empty(); });
  };
  switch (item.type) {
    case ItemType::message:
      wholes(found.content, PartKind::text);
      break;
    case ItemType::reasoning:
      if (has_text(found.summary))
        wholes(found.summary, PartKind::summary);
      else
        wholes(found.content, PartKind::reasoning);
      break;
    case ItemType::function_call:
      on_whole_arguments(item, found.arguments ? found.arguments.raw : found.arguments_json,
                         !found.arguments);
      break;
    case ItemType::custom_tool_call:
      on_whole_arguments(item, found.input.raw, false);
      break;
    case ItemType::web_search_call:
      take_search(item, found, event);
      break;
    case ItemType::mcp_call:
      take_mcp_call(item, found);
      break;
    default:
      take_other(item, found);
  }
  item.incomplete = found.status.raw == "incomplete";
  for (Part& part : item.parts) part.done = true;
  item.done = item.over = true;
}

// ---- one after the other -----------------------------------------------------------------------

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
    if (!item.begun) begin_item(item);
    show_item(item);
    if (!item.over || state != State::running) return;
    end_item(item);
    ++head;
  }
}

void ResponsesReply::Impl::begin_item(Item& item) {
  item.begun = true;
  if (!shows(item.type)) return;
  flush_text();
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
      show_cited(part, pending);
      continue;
    }
    if (!pending.empty()) show_part(item, part, pending);
    if (!part.done) return;
    end_part(part);
  }
}

void ResponsesReply::Impl::show_part(Item& item, Part& part, std::string_view raw) {
  const bool first = !std::exchange(part.begun, true);
  if (part.kind == PartKind::text || part.kind == PartKind::refusal) {
    if (first) {
      flush_text();
      queue.break_text();
    }
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
void ResponsesReply::Impl::show_cited(Part& part, std::string_view raw) {
  part.begun = true;
  flush_text();
  queue.break_text();
  on_cited_text(raw, views_of(part.citations));
}

void ResponsesReply::Impl::end_part(const Part& part) {
  if (part.kind == PartKind::text || part.kind == PartKind::refusal) {
    flush_text();
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
  if (!queue.call_done(item.position)) {
    // Whether input that is not whole was cut off is known with the item.
    if (!item.done || item.incomplete) return;
    if (const char* problem = queue.end_call(item.position)) return fail(bad_gateway(problem));
  }
  item.over = true;
}

void ResponsesReply::Impl::pass_call(Item& item, std::string_view arguments) {
  wire::ChatToolDelta delta;
  delta.index = item.position;
  delta.custom = item.type == ItemType::custom_tool_call;
  if (!item.announced) {
    delta.id = {item.call_id, !item.call_id.empty()};
    delta.name = {item.name, !item.name.empty()};
  }
  if (item.arguments_json)
    delta.arguments_json = arguments;
  else
    delta.arguments = {arguments, true};
  item.announced = true;
  queue.tool(delta, 0, 0);
}

void ResponsesReply::Impl::end_item(Item& item) {
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
