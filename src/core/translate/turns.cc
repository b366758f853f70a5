// Merging turns and pairing tool calls with results.
#include "core/translate/turns.h"

#include <optional>
#include <unordered_map>

#include "base/text.h"
#include "core/translate/content.h"
#include "core/translate/tool_names.h"

namespace clasp::translate {

namespace {

using wire::Block;
using wire::BlockType;
using wire::Message;
using wire::Role;

// The blocks of a message that say something.
std::vector<const Block*> kept_blocks(const Translation& t, const Message& message) {
  std::vector<const Block*> kept;
  const std::uint32_t count = message.end_block - message.first_block;
  kept.reserve(count);
  for (std::uint32_t i = message.first_block; i < message.end_block; ++i) {
    const Block& block = t.request.blocks[i];
    const bool drop = block.type == BlockType::text &&
                      (block.text_raw.empty() || (count > 1 && is_blank_raw(block.text_raw)));
    if (!drop) kept.push_back(&block);
  }
  return kept;
}

void append_turn(std::vector<Turn>& turns, Role role, const Message& message,
                 std::vector<const Block*> blocks) {
  if (role != Role::system && !turns.empty() && turns.back().role == role) {
    Turn& last = turns.back();
    last.blocks.insert(last.blocks.end(), blocks.begin(), blocks.end());
    return;
  }
  turns.push_back({role, std::move(blocks), &message});
}

// A summary that stands in an assistant turn is told by the user: what was before it in that turn
// stays, what follows becomes a turn of its own.
void append_with_summaries(std::vector<Turn>& turns, const Message& message,
                           const std::vector<const Block*>& blocks) {
  std::vector<const Block*> run;
  for (const Block* block : blocks) {
    if (block->type != BlockType::compaction) {
      run.push_back(block);
      continue;
    }
    if (!run.empty()) append_turn(turns, Role::assistant, message, std::move(run));
    run.clear();
    append_turn(turns, Role::user, message, {block});
  }
  if (!run.empty()) append_turn(turns, Role::assistant, message, std::move(run));
}

bool has_summary(const std::vector<const Block*>& blocks) {
  for (const Block* block : blocks)
    if (block->type == BlockType::compaction) return true;
  return false;
}

}  // namespace

std::vector<Turn> make_turns(Translation& t) {
  const auto& messages = t.request.messages;
  std::size_t last_user = messages.size();
  for (std::size_t i = 0; i < messages.size(); ++i)
    if (messages[i].role == Role::user) last_user = i;
  std::vector<Turn> turns;
  turns.reserve(messages.size());
  bool speaks = false;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    std::vector<const Block*> blocks = kept_blocks(t, messages[i]);
    if (blocks.empty()) {
      if (i == last_user)
        t.refuse("messages." + std::to_string(i) + ".content",
                 "the last user message must have content that is not empty");
      // A system turn without text may still carry an effort, read elsewhere.
      continue;
    }
    speaks = speaks || messages[i].role != Role::system;
    if (messages[i].role == Role::assistant && has_summary(blocks)) {
      append_with_summaries(turns, messages[i], blocks);
    } else {
      append_turn(turns, messages[i].role, messages[i], std::move(blocks));
    }
  }
  if (!speaks) t.refuse("messages", "at least one user or assistant message is required");
  return turns;
}

Pairing::Pairing(Translation& t, const std::vector<Turn>& turns)
    : paired_(t.request.blocks.size()) {
  std::unordered_map<std::string_view, SameId> by_id;
  for (std::size_t i = 0; i < turns.size(); ++i) {
    for (const Block* block : turns[i].blocks) {
      if (turns[i].role == Role::assistant && block->type == BlockType::tool_use) {
        add_call(t, i, *block, by_id[text_of(t, block->id_raw)]);
      } else if (turns[i].role == Role::user && block->type == BlockType::tool_result) {
        const auto found = by_id.find(text_of(t, block->id_raw));
        if (found != by_id.end()) add_result(t, turns, i, *block, found->second);
      }
    }
  }
  for (const PairedCall& call : calls_) {
    if (!call.results.empty()) continue;
    if (t.target.strict)
      t.refuse(t.path_of(*call.use),
               "`tool_use` ids were found without `tool_result` blocks immediately after: " +
                   decode_json_string(call.use->id_raw));
    t.warn("orphan-tool-use", *call.use);
  }
}

void Pairing::add_call(Translation& t, std::size_t turn, const Block& use, SameId& same_id) {
  const std::string_view id = text_of(t, use.id_raw);
  std::string unique(id);
  // Backends that count their calls from zero in each turn repeat ids.
  while (!used_ids_.insert(unique).second)
    unique = std::string(id) + "-" + std::to_string(same_id.next_name++);
  if (same_id.calls.empty() || calls_[same_id.calls.back()].turn != turn)
    same_id.next_free = same_id.calls.size();
  same_id.calls.push_back(calls_.size());
  calls_.push_back({&use, turn, t.keep_escaped(tool_wire_id(unique, t.dialect, t.profile)), {}});
  t.reply.used_tool_ids.emplace(id);
}

void Pairing::add_result(Translation& t, const std::vector<Turn>& turns, std::size_t turn,
                         const Block& result, SameId& same_id) {
  // The newest turn's calls of that id, and among those the first one without a result.
  const bool is_free = same_id.next_free < same_id.calls.size();
  PairedCall* chosen = &calls_[is_free ? same_id.calls[same_id.next_free++] : same_id.calls.back()];
  const std::size_t call_turn = chosen->turn;
  std::size_t next_user = call_turn + 1;
  while (next_user < turn && turns[next_user].role != Role::user) ++next_user;
  if (!chosen->results.empty()) {
    t.warn("duplicate-tool-result", result);
  } else if (next_user != turn) {
    t.warn("moved-tool-result", result);
  }
  chosen->results.push_back(&result);
  paired_[static_cast<std::size_t>(&result - t.request.blocks.data())] = true;
}

std::vector<const PairedCall*> Pairing::calls_of(std::size_t turn) const {
  std::vector<const PairedCall*> calls;
  // Calls are sorted by turn.
  std::size_t low = 0, high = calls_.size();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (calls_[middle].turn < turn) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  for (; low < calls_.size() && calls_[low].turn == turn; ++low) calls.push_back(&calls_[low]);
  return calls;
}

bool Pairing::is_paired(const Translation& t, const Block& block) const {
  if (block.type != BlockType::tool_result) return false;
  return paired_[static_cast<std::size_t>(&block - t.request.blocks.data())];
}

}  // namespace clasp::translate
