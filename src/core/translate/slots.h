// The queue of content blocks between a reply that may interleave and a client that must see one
// open block at a time (translation spec §5.4). Blocks keep the order of their first appearance;
// only the first one is open on the wire, the others wait. It emits no message_start and no end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/random.h"
#include "core/translate/arguments.h"
#include "core/translate/raw_string.h"
#include "core/translate/reasoning_state.h"
#include "core/translate/reply_context.h"
#include "core/translate/seen_text.h"
#include "core/wire/anthropic_events.h"
#include "core/wire/openai_chat.h"

namespace clasp::translate {

// One tool call of the reply; kept to its end, since late pieces must find it.
struct ToolCall {
  std::int64_t choice = 0, index = 0;
  bool legacy = false, custom = false;
  std::string backend_id;
  std::string id;    // the client's, once chosen
  std::string name;  // on the wire
  const ReplyContext::ToolName* declared = nullptr;
  ArgumentScanner scanner;
  RawJoiner joiner;
  std::string pending;   // input accepted and not emitted
  std::size_t sent = 0;  // bytes of input emitted
  SeenText source;       // the argument text as it came, to know a repetition
  bool has_arguments = false;
  bool started = false;    // on the wire
  bool finished = false;   // nothing more will come
  bool discarded = false;  // never shown
  bool stray = false;      // something else came behind its input
  bool done() const { return finished || scanner.complete(); }
};

class BlockQueue {
 public:
  // All not owned; must outlive this.
  BlockQueue(const ReplyContext& context, wire::EventSink& sink, Random& random)
      : context_(context), sink_(sink), random_(random) {}

  // Clean raw text. White space alone opens no block.
  void text(std::string_view raw);
  void thinking(std::string_view raw);
  // The next text goes into a new block even if the last one is text.
  void break_text() { break_text_ = true; }
  // The next thinking goes into a new block, too.
  void break_thinking() { break_thinking_ = true; }
  // The thinking of one Responses item has ended: its block is closed with that state, which may
  // be empty. Without text there is a block only if the state is worth one (`alone`).
  void end_thinking(std::string_view item_json, bool alone);
  // A block that is complete by itself, in its place among the others.
  void block(std::string json);
  // A citation for the last block, if that is text.
  void cite(std::string json);

  // Reasoning state: of the thinking block being received, else of a new one without text as
  // long as no tool call came; later state is only remembered for states().
  void add_detail(const wire::ChatReasoningDetail& detail);
  void add_text_signature(std::string_view raw);

  // One entry of tool_calls. `position`: in its list.
  void tool(const wire::ChatToolDelta& delta, std::int64_t choice, std::int64_t position);

  // The same of a whole message behind its pieces: only what is new in it counts.
  void whole_tool(const wire::ChatToolDelta& delta, std::int64_t choice, std::int64_t position);

  // The call of that index has ended. Nothing when all is well, else what is wrong with it.
  const char* end_call(std::int64_t index);
  // Whether its input is whole, and whether it stops within its object.
  bool call_done(std::int64_t index) const;
  bool call_open(std::int64_t index) const;

  // Whether pump() would open the first block: message_start must be out by then.
  bool wants_open() const;
  // Emits what can be emitted. Called after each chunk.
  void pump();

  enum class End {
    whole,     // the backend finished
    cut,       // it was stopped: an unfinished call stays unfinished
    filtered,  // as cut, and calls not yet shown stay hidden
  };
  // A block that is complete by itself, behind all others: after finish() and pump().
  void whole_block(std::string_view json) { sink_.whole_block(next_index_++, json); }

  // Nothing more comes: completes the calls and emits the rest. Nothing when all is well, else
  // what is wrong; then nothing was emitted.
  const char* finish(End end);

  bool block_opened() const { return next_index_ > 0; }
  bool has_content() const { return block_opened() || !slots_.empty(); }
  bool tool_emitted() const { return tools_emitted_ > 0; }
  std::uint32_t tools_emitted() const { return tools_emitted_; }
  bool tools_seen() const { return !calls_.empty(); }
  std::size_t output_bytes() const { return output_bytes_; }
  // What was tolerated: input passed on as text, bytes behind a call's object.
  bool raw_input_kept() const { return raw_input_kept_; }
  bool stray_input() const;
  // Buffers or counts above every sane limit.
  bool overflow() const { return overflow_; }
  // Text of the last block if that is text; kept only when citations are wanted. Raw.
  const std::string* cited_text() const;

  // All reasoning state of the reply, and the part of it that is in no thinking block. Kept only
  // when the context asks for it.
  const ReasoningState& states() const { return states_; }
  const ReasoningState& late_states() const { return late_states_; }
  const std::vector<std::unique_ptr<ToolCall>>& calls() const { return calls_; }

 private:
  enum class Kind { text, thinking, tool, whole };
  struct Slot {
    Kind kind = Kind::text;
    bool open = false;
    bool over = false;    // nothing more comes, though nothing stands behind it
    std::string pending;  // of a whole block: itself
    std::string shown;    // text, when citations are wanted
    std::vector<std::string> citations;
    std::unique_ptr<ReasoningState> state;
    ToolCall* call = nullptr;
  };

  Slot* last(Kind kind);
  Slot& push(Kind kind);
  bool charge(std::size_t bytes);
  void buffer(std::string& into, std::string_view bytes);
  Slot* thinking_slot();
  ReasoningState& state_of(Slot& slot);

  ToolCall* find_call(const wire::ChatToolDelta& delta, std::int64_t choice, std::int64_t position);
  ToolCall* call_at(std::int64_t index) const;
  ToolCall* find_repeated(const wire::ChatToolDelta& delta, std::int64_t choice,
                          std::int64_t position);
  bool is_new_call(const ToolCall& call, const wire::ChatToolDelta& delta);
  ToolCall& add_call(const wire::ChatToolDelta& delta, std::int64_t choice, std::int64_t position);
  void take_name(ToolCall& call, std::string_view piece);
  void feed(ToolCall& call, std::string_view text);
  void take_arguments(ToolCall& call, const wire::ChatToolDelta& delta);
  void take_signature(ToolCall& call, bool created, const wire::ChatToolDelta& delta);
  const ReplyContext::ToolName* find_declared(std::string& name) const;
  bool is_declared_prefix(std::string_view text) const;
  std::string_view shown_name(ToolCall& call);
  const std::string& client_id(ToolCall& call);

  bool can_start(const Slot& slot) const;
  void start(Slot& slot);
  void emit_pending(Slot& slot);
  void close(Slot& slot);
  const char* complete(ToolCall& call, End end);
  bool complete_cut(ToolCall& call);

  const ReplyContext& context_;
  wire::EventSink& sink_;
  Random& random_;
  std::list<Slot> slots_;  // the first is, or will be, open on the wire
  std::vector<std::unique_ptr<ToolCall>> calls_;
  std::unordered_set<std::string> used_ids_;
  std::string space_, thinking_space_;  // white space that may precede a block's text
  std::string scratch_;
  ReasoningState states_, late_states_;
  Slot* step_thinking_ = nullptr;  // thinking block ahead of this chunk's first call
  int next_index_ = 0;
  std::size_t buffered_ = 0;
  std::size_t output_bytes_ = 0;
  bool break_text_ = false;
  bool break_thinking_ = false;
  bool ending_ = false;
  std::uint32_t tools_emitted_ = 0;
  bool overflow_ = false;
  bool raw_input_kept_ = false;
};

}  // namespace clasp::translate
