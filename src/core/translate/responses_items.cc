// The output items of a Responses reply: which of them an event means, its place among the others
// and what is known of it.
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
  if (there == nullptr || there->type != type) return add_item(type, id, index, sign);
  const bool same_call = !call_id.empty() && there->call_id == call_id;
  const bool other_id = !id.empty() && !there->id.empty() && !same_call;
  if (other_id && (there->done || sign == Sign::added)) return add_item(type, id, index, sign);
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
  return add_item(item.type, id, index, Sign::added);
}

// Behind all that was begun or has no place, and behind those with a lower one.
std::size_t ResponsesReply::Impl::place_of(std::int64_t index) const {
  std::size_t at = items.size();
  const std::size_t first = head < items.size() && items[head]->begun ? head + 1 : head;
  while (index >= 0 && at > first && items[at - 1]->index > index) --at;
  return at;
}

ResponsesReply::Impl::Item* ResponsesReply::Impl::add_item(ItemType type, std::string_view id,
                                                           std::int64_t index, Sign sign) {
  if (items.size() >= kMaxItems) {
    too_large();
    return nullptr;
  }
  const auto number = static_cast<std::int64_t>(items.size());
  const auto at = items.begin() + static_cast<std::ptrdiff_t>(place_of(index));
  Item& item = **items.insert(at, std::make_unique<Item>());
  item.type = type;
  item.id.assign(id);
  item.index = index;
  item.number = number;
  item.early = sign == Sign::done && index >= 0;
  // A server that tells of a later one before it is whole has left out what is missing before it.
  for (std::size_t i = head; i < items.size() && !item.early; ++i)
    if (index < 0 || items[i]->index < index) items[i]->early = false;
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
  // Its block ends where the next one begins.
  for (Part& before : item.parts) before.done = before.done || before.whole;
  Part& part = item.parts.emplace_back();
  part.kind = kind;
  part.index = std::max<std::int64_t>(index, 0);
  return &part;
}

// ---- what comes in -----------------------------------------------------------------------------

bool ResponsesReply::Impl::is_current(const Item& item, const Part& part) const {
  return item.begun && head < items.size() && items[head].get() == &item && part.pending.empty() &&
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
  if (part == nullptr) return;
  for (std::uint32_t i = annotations.first; i < annotations.end; ++i)
    add_citation(*part, event.annotations[i]);
  if (part->done) return;
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
  // Citations may still come behind the text, with the item at the latest.
  part->done = !context.web_search || kind != PartKind::text;
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
  // The whole of a text tells again what came by itself.
  const auto known = [&annotation](const Citation& citation) {
    return citation.start == annotation.start && citation.end == annotation.end &&
           citation.url == annotation.url.raw;
  };
  if (std::any_of(part.citations.begin(), part.citations.end(), known)) return;
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
  item.completed = found.status.raw == "completed";
  for (Part& part : item.parts) part.done = true;
  item.done = item.over = true;
}

}  // namespace clasp::translate
