// Text and thinking blocks, and the pump that emits what has become ready. Tool calls find their
// block in tool_slots.cc.
#include "core/translate/slots.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace clasp::translate {

namespace {

constexpr std::size_t kMaxBuffered = 32u << 20;
constexpr int kMaxBlocks = 10'000;
constexpr std::size_t kMaxSpace = 64u << 10;

}  // namespace

// ---- receiving ---------------------------------------------------------------------------------

BlockQueue::Slot* BlockQueue::last(Kind kind) {
  return !slots_.empty() && slots_.back().kind == kind ? &slots_.back() : nullptr;
}

BlockQueue::Slot& BlockQueue::push(Kind kind) {
  if (next_index_ + static_cast<int>(slots_.size()) >= kMaxBlocks) overflow_ = true;
  space_.clear();
  thinking_space_.clear();
  break_text_ = break_thinking_ = false;
  Slot& slot = slots_.emplace_back();
  slot.kind = kind;
  return slot;
}

// Whether so many bytes more may be kept.
bool BlockQueue::charge(std::size_t bytes) {
  buffered_ += bytes;
  overflow_ = overflow_ || buffered_ > kMaxBuffered;
  return !overflow_;
}

void BlockQueue::buffer(std::string& into, std::string_view bytes) {
  if (charge(bytes.size())) into.append(bytes);
}

void BlockQueue::text(std::string_view raw) {
  if (raw.empty()) return;
  output_bytes_ += raw.size();
  Slot* slot = break_text_ ? nullptr : last(Kind::text);
  if (slot != nullptr) thinking_space_.clear();
  if (slot != nullptr && context_.web_search) buffer(slot->shown, raw);
  if (slot != nullptr && slot->open) {
    sink_.text_delta(next_index_ - 1, raw);
    return;
  }
  if (slot == nullptr) {
    if (is_space_raw(raw)) {
      if (space_.size() + raw.size() <= kMaxSpace) space_.append(raw);
      return;
    }
    std::string start = std::exchange(space_, {});
    slot = &push(Kind::text);
    buffer(slot->pending, start);
    if (context_.web_search) buffer(slot->shown, start.append(raw));
  }
  buffer(slot->pending, raw);
}

void BlockQueue::thinking(std::string_view raw) {
  if (raw.empty()) return;
  output_bytes_ += raw.size();
  if (context_.keep_states) states_.add_text(raw);
  if (context_.thinking_disabled) return;
  Slot* slot = break_thinking_ ? nullptr : last(Kind::thinking);
  if (slot != nullptr) space_.clear();
  if (slot != nullptr && slot->open && !context_.thinking_omitted) {
    sink_.thinking_delta(next_index_ - 1, raw);
    return;
  }
  if (slot == nullptr) {
    if (is_space_raw(raw)) {
      if (thinking_space_.size() + raw.size() <= kMaxSpace) thinking_space_.append(raw);
      return;
    }
    std::string start = std::exchange(thinking_space_, {});
    slot = &push(Kind::thinking);
    if (context_.thinking_omitted)
      state_of(*slot).add_text(start);
    else
      buffer(slot->pending, start);
  }
  if (context_.thinking_omitted)
    state_of(*slot).add_text(raw);
  else
    buffer(slot->pending, raw);
}

void BlockQueue::cite(std::string json) {
  Slot* slot = last(Kind::text);
  if (slot == nullptr) return;
  if (charge(json.size())) slot->citations.push_back(std::move(json));
}

const std::string* BlockQueue::cited_text() const {
  if (slots_.empty() || slots_.back().kind != Kind::text) return nullptr;
  return &slots_.back().shown;
}

ReasoningState& BlockQueue::state_of(Slot& slot) {
  if (!slot.state) slot.state = std::make_unique<ReasoningState>();
  return *slot.state;
}

// Where state goes that came without text; nothing when it is too late for a block.
BlockQueue::Slot* BlockQueue::thinking_slot() {
  if (context_.thinking_disabled) return nullptr;
  if (Slot* slot = last(Kind::thinking)) return slot;
  return calls_.empty() ? &push(Kind::thinking) : nullptr;
}

void BlockQueue::add_detail(const wire::ChatReasoningDetail& detail) {
  if (context_.keep_states) states_.add_detail(detail);
  if (Slot* slot = thinking_slot())
    state_of(*slot).add_detail(detail);
  else if (context_.keep_states)
    late_states_.add_detail(detail);
}

void BlockQueue::end_thinking(std::string_view item_json, bool alone) {
  if (context_.thinking_disabled) return;
  thinking_space_.clear();
  Slot* slot = break_thinking_ ? nullptr : last(Kind::thinking);
  break_thinking_ = true;
  if (slot == nullptr && !alone) return;
  if (slot == nullptr) slot = &push(Kind::thinking);
  if (!item_json.empty()) state_of(*slot).set_item(item_json);
  slot->over = true;
  break_thinking_ = true;
}

void BlockQueue::block(std::string json) {
  const std::size_t bytes = json.size();
  Slot& slot = push(Kind::whole);
  if (charge(bytes)) slot.pending = std::move(json);
}

void BlockQueue::add_text_signature(std::string_view raw) {
  if (context_.replay_kind() != ReasoningReplay::gemini) return;
  if (context_.keep_states) states_.add_thought_signature("text", raw);
  // Going back with it is optional, so it is not worth a block of its own.
  if (Slot* slot = last(Kind::thinking)) state_of(*slot).add_thought_signature("text", raw);
}

// ---- emitting ----------------------------------------------------------------------------------

bool BlockQueue::can_start(const Slot& slot) const {
  if (slot.kind == Kind::whole) return !slot.pending.empty();
  if (slot.kind != Kind::tool) return true;
  const ToolCall& call = *slot.call;
  if (call.discarded || call.name.empty()) return false;
  if (context_.plain) return call.done();
  return call.declared != nullptr || call.has_arguments || call.done();
}

bool BlockQueue::wants_open() const {
  for (const Slot& slot : slots_) {
    if (slot.kind == Kind::tool && slot.call->discarded) continue;
    return can_start(slot);
  }
  return false;
}

void BlockQueue::start(Slot& slot) {
  slot.open = true;
  const int index = next_index_++;
  switch (slot.kind) {
    case Kind::text:
      sink_.text_start(index);
      break;
    case Kind::thinking:
      sink_.thinking_start(index);
      break;
    case Kind::tool: {
      ToolCall& call = *slot.call;
      call.started = true;
      ++tools_emitted_;
      sink_.tool_start(index, client_id(call), shown_name(call),
                       call.declared != nullptr ? call.declared->toolset : std::string_view());
      break;
    }
    case Kind::whole:
      sink_.whole_block(index, slot.pending);
      break;
  }
}

void BlockQueue::emit_pending(Slot& slot) {
  std::string& pending = slot.kind == Kind::tool ? slot.call->pending : slot.pending;
  if (pending.empty()) return;
  const int index = next_index_ - 1;
  switch (slot.kind) {
    case Kind::text:
      sink_.text_delta(index, pending);
      break;
    case Kind::thinking:
      sink_.thinking_delta(index, pending);
      break;
    case Kind::tool:
      sink_.input_delta(index, pending);
      slot.call->sent += pending.size();
      break;
    case Kind::whole:
      break;  // it went out when it was started
  }
  buffered_ -= std::min(buffered_, pending.size());
  pending.clear();
}

void BlockQueue::close(Slot& slot) {
  const int index = next_index_ - 1;
  switch (slot.kind) {
    case Kind::text:
      for (const std::string& citation : slot.citations) sink_.citation_delta(index, citation);
      break;
    case Kind::thinking:
      sink_.signature_delta(
          index, (slot.state ? *slot.state : ReasoningState()).render_signature(context_));
      break;
    case Kind::tool:
      if (slot.call->sent == 0) sink_.input_delta(index, "{}");
      break;
    case Kind::whole:
      return;
  }
  sink_.block_stop(index);
}

void BlockQueue::pump() {
  step_thinking_ = nullptr;
  while (!slots_.empty()) {
    Slot& head = slots_.front();
    const bool is_tool = head.kind == Kind::tool;
    if (is_tool && head.call->discarded) {
      slots_.pop_front();
      continue;
    }
    if (!head.open) {
      if (!can_start(head)) return;
      start(head);
    }
    emit_pending(head);
    bool over = ending_ || slots_.size() > 1 || head.over || head.kind == Kind::whole;
    if (is_tool) over = head.call->done();
    if (!over) return;
    close(head);
    slots_.pop_front();
  }
}

}  // namespace clasp::translate
