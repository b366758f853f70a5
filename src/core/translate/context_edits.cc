// See context_edits.h. Clearing moves the point up to which a backend's prefix cache can be used,
// so the conversation is walked through as it grew: after each user message the trigger is judged
// by what was left then. A later request repeats those decisions and only adds to them.
#include "core/translate/context_edits.h"

#include <algorithm>
#include <unordered_map>

#include "base/text.h"
#include "core/translate/estimate.h"
#include "core/translate/request.h"

namespace clasp::translate {

namespace {

using wire::Block;
using wire::BlockType;
using wire::MessagesRequest;
using wire::Role;

constexpr std::string_view kCleared = "[Old tool result cleared to save context]";
constexpr std::string_view kNoInput = "{}";

bool is_thinking(const Block& block) {
  return block.type == BlockType::thinking || block.type == BlockType::redacted_thinking;
}

std::string applied(std::string_view type, std::string_view what, std::size_t count,
                    std::int64_t tokens) {
  return "{\"type\":\"" + std::string(type) + "\",\"" + std::string(what) +
         "\":" + std::to_string(count) + ",\"cleared_input_tokens\":" + std::to_string(tokens) +
         "}";
}

// ---- tool uses
// -----------------------------------------------------------------------------------

class ToolUseClearing {
 public:
  ToolUseClearing(MessagesRequest& request, const ToolUseEdit& edit, bool count_thinking)
      : request_(request), edit_(edit), count_thinking_(count_thinking) {}

  void run() {
    left_ = frame_weight(request_);
    for (const wire::Message& message : request_.messages) {
      left_ += kMessageWeight;
      for (std::uint32_t i = message.first_block; i < message.end_block; ++i) pass(message, i);
      if (message.role == Role::user) judge();
    }
  }
  std::size_t cleared() const { return cleared_; }

 private:
  struct Use {
    std::uint32_t block = 0;
    std::vector<std::uint32_t> results;
    std::int64_t gain = 0;  // weight that clearing it saves
    bool clear_input = false, stays = false;
  };

  void pass(const wire::Message& message, std::uint32_t index);
  void add_use(std::uint32_t index);
  void add_result(std::uint32_t index, std::int64_t weight);
  void judge();
  void clear(const Use& use);

  MessagesRequest& request_;
  const ToolUseEdit& edit_;
  const bool count_thinking_;
  std::vector<Use> uses_;
  std::unordered_map<std::string, std::size_t> by_id_;
  std::size_t next_ = 0;      // uses before it have been judged
  std::size_t scanned_ = 0;   // uses before it could be cleared now …
  std::int64_t pending_ = 0;  // … which would save so much
  std::int64_t left_ = 0;     // weight of the conversation so far, without what was cleared
  std::size_t cleared_ = 0;
};

void ToolUseClearing::pass(const wire::Message& message, std::uint32_t index) {
  const Block& block = request_.blocks[index];
  if (is_thinking(block) && !count_thinking_) return;
  const std::int64_t weight = block_weight(request_, block);
  left_ += weight;
  if (message.role == Role::assistant && block.type == BlockType::tool_use) add_use(index);
  if (message.role == Role::user && block.type == BlockType::tool_result) add_result(index, weight);
}

void ToolUseClearing::add_use(std::uint32_t index) {
  const Block& block = request_.blocks[index];
  const std::string name = decode_json_string(block.name_raw);
  Use use;
  use.block = index;
  use.stays = edit_.exclude.contains(name);
  if (edit_.clear_all_inputs || edit_.clear_inputs.contains(name)) {
    Block emptied = block;
    emptied.input_json = kNoInput;
    const std::int64_t saved = block_weight(request_, block) - block_weight(request_, emptied);
    use.clear_input = saved > 0;
    if (use.clear_input) use.gain = saved;
  }
  by_id_[decode_json_string(block.id_raw)] = uses_.size();
  uses_.push_back(std::move(use));
}

void ToolUseClearing::add_result(std::uint32_t index, std::int64_t weight) {
  static const std::int64_t kClearedWeight = [] {
    Block block;
    block.type = BlockType::text;
    block.text_raw = kCleared;
    return block_weight({}, block);
  }();
  const Block& block = request_.blocks[index];
  const auto found = by_id_.find(decode_json_string(block.id_raw));
  if (found == by_id_.end() || weight <= kClearedWeight) return;
  // What such a result found would be unknown to the model, but is needed to offer the tools.
  for (std::uint32_t i = block.first_child; i < block.end_child; ++i)
    if (request_.children[i].type == BlockType::tool_reference) return;
  Use& use = uses_[found->second];
  use.results.push_back(index);
  use.gain += weight - kClearedWeight;
}

void ToolUseClearing::judge() {
  const auto keep = static_cast<std::size_t>(edit_.keep);
  const std::size_t end = uses_.size() > keep ? uses_.size() - keep : 0;
  for (; scanned_ < end; ++scanned_)
    if (!uses_[scanned_].stays) pending_ += uses_[scanned_].gain;
  const std::int64_t size =
      edit_.trigger_by_uses ? static_cast<std::int64_t>(uses_.size() - next_) : tokens_of(left_);
  if (size <= edit_.trigger || next_ >= scanned_ || pending_ / kTokenWeight < edit_.clear_at_least)
    return;
  for (; next_ < scanned_; ++next_)
    if (!uses_[next_].stays && uses_[next_].gain > 0) clear(uses_[next_]);
  left_ -= pending_;
  pending_ = 0;
}

void ToolUseClearing::clear(const Use& use) {
  ++cleared_;
  if (use.clear_input) request_.blocks[use.block].input_json = kNoInput;
  for (const std::uint32_t index : use.results) {
    Block& block = request_.blocks[index];
    block.text_raw = kCleared;
    block.has_text = true;
    block.content_json = {};
    block.first_child = block.end_child = 0;
  }
}

// ---- thinking
// ------------------------------------------------------------------------------------

// A turn of the assistant lasts until the user says something: results of tools do not end it.
class ThinkingClearing {
 public:
  ThinkingClearing(MessagesRequest& request, const ThinkingEdit& edit, bool keep_calls)
      : request_(request), edit_(edit), keep_calls_(keep_calls) {}

  void run() {
    find_turns();
    const auto keep = static_cast<std::size_t>(edit_.keep);
    if (turns_.size() <= keep) return;
    const std::uint32_t end = turns_[turns_.size() - keep];
    thinking_from_ = request_.messages[end].first_block;
    std::size_t turn = 0;
    bool counted = false;
    for (std::uint32_t i = 0; i < end; ++i) {
      while (turn + 1 < turns_.size() && i >= turns_[turn + 1]) {
        ++turn;
        counted = false;
      }
      if (!clear(i) || counted) continue;
      counted = true;
      ++cleared_;
    }
  }
  std::size_t cleared() const { return cleared_; }
  std::size_t thinking_from() const { return thinking_from_; }

 private:
  bool holds(const wire::Message& message, bool (*wanted)(const Block&)) const {
    for (std::uint32_t i = message.first_block; i < message.end_block; ++i)
      if (wanted(request_.blocks[i])) return true;
    return false;
  }
  // The first messages of all turns that think.
  void find_turns() {
    bool begun = false, thinks = false;
    std::uint32_t first = 0;
    for (std::uint32_t i = 0; i < request_.messages.size(); ++i) {
      const wire::Message& message = request_.messages[i];
      if (message.role == Role::user) {
        const auto speaks = [](const Block& b) { return b.type != BlockType::tool_result; };
        if (holds(message, speaks)) begun = thinks = false;
      } else if (message.role == Role::assistant) {
        if (!begun) first = i;
        begun = true;
        if (!thinks && holds(message, is_thinking)) {
          thinks = true;
          turns_.push_back(first);
        }
      }
    }
  }
  // Does the message, merged with its neighbours of the same role, hold calls?
  bool calls(std::uint32_t index) {
    if (index < run_end_) return run_calls_;
    run_calls_ = false;
    for (run_end_ = index;
         run_end_ < request_.messages.size() && request_.messages[run_end_].role == Role::assistant;
         ++run_end_) {
      const auto is_call = [](const Block& b) { return b.type == BlockType::tool_use; };
      run_calls_ = run_calls_ || holds(request_.messages[run_end_], is_call);
    }
    return run_calls_;
  }
  bool clear(std::uint32_t index) {
    const wire::Message& message = request_.messages[index];
    if (message.role != Role::assistant || (keep_calls_ && calls(index))) return false;
    bool any = false;
    for (std::uint32_t i = message.first_block; i < message.end_block; ++i) {
      Block& block = request_.blocks[i];
      if (!is_thinking(block)) continue;
      block.type = BlockType::ignored;
      block.text_raw = block.signature_raw = {};
      any = true;
    }
    return any;
  }

  MessagesRequest& request_;
  const ThinkingEdit& edit_;
  const bool keep_calls_;
  std::vector<std::uint32_t> turns_;
  std::uint32_t run_end_ = 0;
  bool run_calls_ = false;
  std::size_t thinking_from_ = 0;
  std::size_t cleared_ = 0;
};

}  // namespace

bool requires_state(const Dialect& dialect) {
  return dialect.replay_on_calls || dialect.replay == ReasoningReplay::gemini;
}

ContextEdits edit_context(const MessagesRequest& request, const ContextOptions& options,
                          const Dialect& dialect) {
  ContextEdits edits;
  // Where no thinking goes back there is nothing to clear.
  const bool replays = dialect.replay != ReasoningReplay::none;
  const bool clears_thinking = replays && options.thinking && !options.thinking->keep_all;
  if (!options.tool_uses && !clears_thinking) return edits;
  edits.request = request;
  std::string list;
  std::int64_t tokens = estimate_tokens(request);
  const auto report = [&](std::string_view type, std::string_view what, std::size_t count) {
    if (count == 0) return;
    const std::int64_t left = estimate_tokens(*edits.request);
    list.append(list.empty() ? "" : ",").append(applied(type, what, count, tokens - left));
    tokens = left;
  };
  if (clears_thinking) {
    ThinkingClearing thinking(*edits.request, *options.thinking, requires_state(dialect));
    thinking.run();
    edits.thinking_from = thinking.thinking_from();
    report("clear_thinking_20251015", "cleared_thinking_turns", thinking.cleared());
  }
  if (options.tool_uses) {
    // Which thinking is still there changes with every turn; decisions must not.
    ToolUseClearing clearing(*edits.request, *options.tool_uses, replays && !clears_thinking);
    clearing.run();
    report("clear_tool_uses_20250919", "cleared_tool_uses", clearing.cleared());
  }
  if (list.empty())
    edits.request.reset();
  else
    edits.applied_json = "{\"applied_edits\":[" + list + "]}";
  return edits;
}

}  // namespace clasp::translate
