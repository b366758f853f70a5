// See responses_replay.h.
#include "core/translate/responses_replay.h"

#include <algorithm>
#include <unordered_set>

#include "base/text.h"
#include "core/translate/content.h"
#include "core/translate/plan.h"
#include "core/translate/raw_string.h"
#include "core/translate/signature.h"
#include "core/wire/json_reader.h"

namespace clasp::translate {

namespace {

using wire::Block;
using wire::BlockType;

// A reply with more items than this is none of ours.
constexpr std::size_t kMostItems = 256;

bool is_thinking(const Block& block) {
  return block.type == BlockType::thinking || block.type == BlockType::redacted_thinking;
}

// "openai/gpt-x" -> "openai".
std::string_view vendor(std::string_view model) {
  const std::size_t slash = model.find('/');
  return slash == std::string_view::npos ? std::string_view() : model.substr(0, slash);
}

void append_raw(std::string& out, std::string_view name, std::string_view raw) {
  out.append(",\"").append(name).append("\":\"");
  append_clean_raw(out, raw);
  out.push_back('"');
}

// Signatures pass through the client: no other word of theirs gets into a request.
std::string_view known_phase(std::string_view phase) {
  for (const std::string_view known : {"commentary", "final_answer"})
    if (phase == known) return known;
  return {};
}

// The id of an item that was planned; every item begins with its type and id.
std::string_view id_of(std::string_view item) {
  return wire::json_string_member(item, "id");
}

}  // namespace

// A model without reasoning refuses the items of one that has some; what clear_thinking took out
// stays out.
bool TurnItems::is_off(const std::vector<const Block*>& blocks) const {
  if (t_.profile.replay != ReasoningReplay::items || t_.profile.no_reasoning) return true;
  return !blocks.empty() && blocks.front() < t_.thinking_from;
}

TurnItems::TurnItems(Translation& t, const std::vector<const Block*>& blocks,
                     const std::vector<const PairedCall*>& calls)
    : t_(t) {
  if (is_off(blocks)) return;
  bool any_item = false;
  for (const Block* block : blocks) {
    if (!is_thinking(*block) || !is_own_signature(block->signature_raw)) continue;
    const Sealed sealed = render(decode_json_string(block->signature_raw), block->text_raw);
    if (!sealed.empty()) items_.emplace_back(block, sealed);
    any_item = any_item || !sealed.item.empty();
  }
  if (!any_item) remember(calls);
}

TurnItems::Sealed TurnItems::render(std::string_view signature, std::string_view visible_raw,
                                    std::size_t* at) {
  const auto state = decode_signature(signature);
  const bool here = state && state->kind == 'r' && state->backend == t_.target.base_url_hash &&
                    vendor(state->model) == vendor(t_.target.model);
  if (!here) return {};
  const std::string_view json = state->state_json;
  const std::string_view encrypted = wire::json_string_member(json, "ec");
  const std::string_view id = wire::json_string_member(json, "id");
  if (at != nullptr) {
    const auto number = wire::json_member(json, "at");
    *at = number ? static_cast<std::size_t>(parse_unsigned(*number).value_or(0)) : 0;
  }
  const bool summary_of_all = wire::json_string_member(json, "type") == "compaction";
  // Servers of open models give the text of their reasoning instead of a sealed copy.
  const bool plain =
      encrypted.empty() && !summary_of_all && !t_.dialect.openai_families && !visible_raw.empty();
  Sealed sealed{{},
                known_phase(wire::json_string_member(json, "phase")),
                known_phase(wire::json_string_member(json, "prior"))};
  if (encrypted.empty() && !plain) return sealed;
  std::string item = summary_of_all ? "{\"type\":\"compaction\"" : "{\"type\":\"reasoning\"";
  const Adjustments* learned = t_.target.adjustments;
  const bool with_id = !id.empty() && (learned == nullptr || !learned->no_item_ids);
  if (with_id) append_raw(item, "id", id);
  if (!summary_of_all) item.append(",\"summary\":[]");
  if (plain)
    item.append(",\"content\":[{\"type\":\"reasoning_text\",\"text\":\"")
        .append(visible_raw)
        .append("\"}]");
  if (!encrypted.empty()) append_raw(item, "encrypted_content", encrypted);
  sealed.item = t_.keep(item + "}");
  return sealed;
}

// The secondary store, for clients that send no thinking blocks back.
void TurnItems::remember(const std::vector<const PairedCall*>& calls) {
  if (t_.facts.replay == nullptr) return;
  std::unordered_set<const KeptState*> seen;  // the calls of one reply share its state
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const KeptStatePtr kept = t_.facts.replay->find(text_of(t_, calls[i]->use->id_raw));
    if (!kept || !seen.insert(kept.get()).second) continue;
    for (const std::string_view signature : split(kept->whole, ' ')) {
      std::size_t at = 0;
      const std::string_view item = render(signature, {}, &at).item;
      if (item.empty() || remembered_.size() >= kMostItems) continue;
      // The first call that is still there is the one that was found.
      remembered_.push_back({std::min(i + at, calls.size() - 1), item});
    }
  }
  std::stable_sort(remembered_.begin(), remembered_.end(),
                   [](const Remembered& a, const Remembered& b) { return a.call < b.call; });
}

TurnItems::Sealed TurnItems::take(const Block& block) {
  const bool next = next_item_ < items_.size() && items_[next_item_].first == &block;
  return next ? items_[next_item_++].second : Sealed();
}

std::string_view TurnItems::take_before(std::size_t call) {
  const bool next =
      next_remembered_ < remembered_.size() && remembered_[next_remembered_].call == call;
  return next ? remembered_[next_remembered_++].item : std::string_view();
}

void drop_followerless(std::vector<PlannedMessage>& messages, std::size_t from) {
  while (messages.size() > from && messages.back().item.starts_with("{\"type\":\"reasoning\""))
    messages.pop_back();
}

void drop_summed_up(const Translation& t, std::vector<PlannedMessage>& messages) {
  if (!t.dialect.compaction || t.target.api != Api::responses) return;
  std::size_t at = messages.size();
  while (at > 0 && !messages[at - 1].item.starts_with("{\"type\":\"compaction\"")) --at;
  if (at == 0) return;
  const bool head = messages[0].speaker == Speaker::system && messages[0].item.empty();
  // Tools that were added before are still there.
  const auto gone = [](const PlannedMessage& message) {
    return message.speaker != Speaker::system || message.item.empty();
  };
  const auto end = messages.begin() + static_cast<std::ptrdiff_t>(at - 1);
  messages.erase(std::remove_if(messages.begin() + (head ? 1 : 0), end, gone), end);
  // Results of calls that went with it.
  std::unordered_set<std::string_view> calls;
  for (const PlannedMessage& message : messages)
    for (const PlannedCall& call : message.calls) calls.insert(call.id);
  std::erase_if(messages, [&calls](const PlannedMessage& message) {
    return message.speaker == Speaker::tool && !calls.contains(message.tool_id);
  });
}

void drop_refused_items(const Translation& t, std::vector<PlannedMessage>& messages) {
  const Adjustments* learned = t.target.adjustments;
  if (learned == nullptr || (learned->drop_reasoning.empty() && learned->drop_item.empty())) return;
  std::size_t end = 0;  // reasoning before this goes
  for (std::size_t i = 0; i < messages.size() && !learned->drop_reasoning.empty(); ++i)
    if (iequals(id_of(messages[i].item), learned->drop_reasoning)) end = i + 1;
  // One that is not named, or not found, may be any of them.
  if (!learned->drop_reasoning.empty() && end == 0) end = messages.size();
  std::vector<PlannedMessage> kept;
  kept.reserve(messages.size());
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const bool sealed = !messages[i].item.empty() && messages[i].speaker == Speaker::assistant;
    const bool named = sealed && !learned->drop_item.empty() &&
                       iequals(id_of(messages[i].item), learned->drop_item);
    if (sealed && (i < end || named)) continue;
    kept.push_back(std::move(messages[i]));
  }
  messages = std::move(kept);
}

}  // namespace clasp::translate
