// The assistant's turn where it is a row of items (Responses): reasoning, messages and calls stand
// where they stood, and the results of all its calls come behind them (translation spec §2.3).
#include "core/translate/content.h"
#include "core/translate/messages_planner.h"
#include "core/translate/responses_replay.h"

namespace clasp::translate {

using wire::Block;
using wire::BlockType;

namespace {

// A message of text, a call, or a sealed item.
class ItemRow {
 public:
  explicit ItemRow(std::vector<PlannedMessage>& messages)
      : messages_(messages), start_(messages.size()) {}

  PlannedMessage& text() { return text_; }

  void close_text() {
    if (text_.parts.empty()) {
      text_.phase = {};
      return;
    }
    push(std::move(text_));
    text_ = PlannedMessage();
  }

  void add_item(const TurnItems::Sealed& sealed) {
    if (sealed.empty()) return;
    if (!sealed.prior.empty()) text_.phase = sealed.prior;
    close_text();
    text_.phase = sealed.phase;  // of what comes next
    if (sealed.item.empty()) return;
    PlannedMessage message;
    message.item = sealed.item;
    push(std::move(message));
  }

  void add_call(const PlannedCall& call) {
    close_text();
    PlannedMessage message;
    message.calls.push_back(call);
    push(std::move(message));
  }

  // True when something is left of the turn.
  bool finish() {
    close_text();
    drop_followerless(messages_, start_);
    return messages_.size() > start_;
  }

 private:
  void push(PlannedMessage message) {
    message.speaker = Speaker::assistant;
    messages_.push_back(std::move(message));
  }

  std::vector<PlannedMessage>& messages_;
  std::size_t start_;
  PlannedMessage text_;
};

}  // namespace

void MessagesPlanner::add_assistant_items(std::size_t index) {
  const Turn& turn = turns_[index];
  const auto calls = pairing_.calls_of(index);
  TurnItems items(t_, turn.blocks, calls);
  std::vector<PlannedCall> planned;
  for (const PairedCall* call : calls)
    planned.push_back({call->wire_id,
                       text_of(t_, call->use->id_raw),
                       call_name(*call->use),
                       call->use->input_json,
                       {}});
  ++step_;
  ItemRow row(plan_.messages);
  std::size_t next_call = 0;
  const Block* previous = nullptr;
  for (const Block* block : turn.blocks) {
    add_assistant_block(row.text(), *block,
                        previous != nullptr && previous->type == BlockType::text);
    row.add_item(items.take(*block));
    if (block->type == BlockType::tool_use && next_call < planned.size()) {
      for (auto item = items.take_before(next_call); !item.empty();
           item = items.take_before(next_call))
        row.add_item({item, {}, {}});
      row.add_call(planned[next_call++]);
    }
    previous = block;
  }
  silent_turn_ = !row.finish();
  media_count_ = 0;
  for (std::size_t i = 0; i < calls.size(); ++i) add_result_message(planned[i], *calls[i]);
}

}  // namespace clasp::translate
