// Turning turns into the backend's messages, one after the other: what a message becomes depends
// on what stands before it, hardly on what comes later, so that the beginning of a long
// conversation is written the same way in every request.
#include "core/translate/messages.h"

#include <algorithm>

#include "base/text.h"
#include "core/translate/billing.h"
#include "core/translate/content.h"
#include "core/translate/messages_planner.h"
#include "core/translate/responses_replay.h"
#include "core/translate/tool_names.h"

namespace clasp::translate {

using wire::Block;
using wire::BlockType;
using wire::Role;
using Planner = MessagesPlanner;

namespace {

constexpr std::string_view kMovedUp = "[The result of an earlier tool call was added above]";
constexpr std::string_view kContinues = "(conversation continues)";
constexpr std::string_view kInterrupted = "[No result: the tool call was interrupted]";

}  // namespace

PlannedMessage& Planner::add(Speaker speaker) {
  PlannedMessage& message = plan_.messages.emplace_back();
  message.speaker = speaker;
  silent_turn_ = false;
  return message;
}

// What is no text and stands in a system text all the same.
void Planner::add_odd_system_block(std::vector<Part>& parts, const Block& block) {
  const std::string type = decode_json_string(block.type_raw);
  const auto put = [&](std::string_view token, std::string_view words) {
    t_.warn(std::string(token) + type, block);
    parts.push_back(text_part(t_.keep_escaped(words), kBlankLineRaw));
  };
  switch (block.type) {
    case BlockType::tool_addition:
    case BlockType::tool_removal:
    case BlockType::ignored:
      return;
    case BlockType::thinking:
    case BlockType::redacted_thinking:
      return t_.warn("misplaced:thinking", block);
    case BlockType::unknown:
      if (block.has_text && !block.text_raw.empty())
        parts.push_back(text_part(block.text_raw, kBlankLineRaw));
      else
        put("block:", "[unsupported content: " + type + "]");
      return;
    default:
      return put("misplaced:", "[misplaced content: " + type + "]");
  }
}

void Planner::add_system_blocks(std::vector<Part>& parts, const Block& block) {
  if (block.type != BlockType::text) return add_odd_system_block(parts, block);
  const std::string_view raw = without_billing(block.text_raw);
  if (raw.empty() || (raw.size() < block.text_raw.size() && is_blank_raw(raw))) return;
  Part part = text_part(raw, kBlankLineRaw);
  if (t_.dialect.cache_control || t_.profile.cache_breakpoints)
    part.cache_control = block.cache_control_json;
  parts.push_back(part);
}

// The leading system text. Returns the first turn that is not part of it.
std::size_t Planner::add_head(std::string_view extra_system) {
  std::vector<Part> parts;
  for (const Block& block : t_.request.system) add_system_blocks(parts, block);
  std::size_t next = 0;
  for (; next < turns_.size() && turns_[next].role == Role::system; ++next)
    if (!is_cleared(turns_[next]))
      for (const Block* block : turns_[next].blocks) add_system_blocks(parts, *block);
  if (!extra_system.empty()) parts.push_back(text_part(extra_system, kBlankLineRaw));
  if (parts.empty()) return next;
  if (t_.profile.role == SystemRole::user) {
    head_ = std::move(parts);
  } else {
    add(Speaker::system).parts = std::move(parts);
  }
  return next;
}

// Some system turns hold only until the user speaks again.
bool Planner::is_cleared(const Turn& turn) const {
  const auto index = static_cast<std::size_t>(&turn - turns_.data());
  return turn.message->clear_at_raw == "next_user_message" && newest_user_ != kNoTurn &&
         newest_user_ > index;
}

void Planner::add_system_turn(const Turn& turn) {
  if (is_cleared(turn)) return;
  std::vector<Part> parts;
  for (const Block* block : turn.blocks) add_system_blocks(parts, *block);
  if (parts.empty()) return;
  if (t_.dialect.mid_system == MidSystem::keep && t_.profile.role != SystemRole::user) {
    add(Speaker::system).parts = std::move(parts);
    return;
  }
  std::string_view raw = parts[0].raw;
  if (parts.size() > 1) {
    std::string joined(raw);
    for (std::size_t i = 1; i < parts.size(); ++i)
      joined.append(kBlankLineRaw).append(parts[i].raw);
    raw = t_.keep(std::move(joined));
  }
  fold(raw);
}

// Puts a system text into the message before it, marked as what it is.
void Planner::fold(std::string_view raw) {
  Part part = text_part(raw, kBlankLineRaw);
  part.before = "<system-reminder>\\n";
  part.after = "\\n</system-reminder>";
  if (!plan_.messages.empty() && !silent_turn_) {
    PlannedMessage& last = plan_.messages.back();
    if (last.speaker == Speaker::user || last.speaker == Speaker::tool) {
      part.attached = !last.parts.empty() && last.parts.back().kind == Part::Kind::text;
      last.parts.push_back(part);
      return;
    }
  }
  PlannedMessage& own = add(Speaker::user);
  own.parts.push_back(part);
  own.accepts_user = true;
}

void Planner::add_user(std::size_t index) {
  std::vector<Part> parts = std::move(media_);
  media_.clear();
  // What stands beside results was made by a tool too (a file that it read, say): to refuse that
  // would end the session.
  bool from_tools = false;
  for (const Block* block : turns_[index].blocks)
    from_tools = from_tools || pairing_.is_paired(t_, *block);
  const Destination to{parts, kBlankLineRaw, index == newest_user_ && !from_tools};
  for (const Block* block : turns_[index].blocks)
    if (!pairing_.is_paired(t_, *block)) add_user_block(t_, *block, to);
  // Where all results were moved up to older calls the answer before would be the last word: it is
  // the assistant's turn all the same.
  const bool open = !plan_.messages.empty() && plan_.messages.back().speaker == Speaker::assistant;
  if (parts.empty() && open) parts.push_back(text_part(from_tools ? kMovedUp : kContinues));
  if (!parts.empty()) place_user(std::move(parts));
}

void Planner::place_user(std::vector<Part> parts) {
  PlannedMessage* last = plan_.messages.empty() ? nullptr : &plan_.messages.back();
  if (last != nullptr && last->speaker == Speaker::user && last->accepts_user) {
    last->accepts_user = false;
    last->parts.insert(last->parts.end(), parts.begin(), parts.end());
    return;
  }
  if (t_.profile.mistral_order && last != nullptr && last->speaker == Speaker::tool) {
    bool only_text = true;
    for (const Part& part : parts) only_text = only_text && part.kind == Part::Kind::text;
    if (only_text) return append_to_tool(parts);
    add(Speaker::assistant).parts.push_back(text_part("Tool results received."));
  }
  add(Speaker::user).parts = std::move(parts);
}

void Planner::append_to_tool(const std::vector<Part>& parts) {
  std::vector<Part>& tool = plan_.messages.back().parts;
  bool first = true;
  for (Part part : parts) {
    part.glue = first ? std::string_view("\\n\\nUser: ") : part.glue;
    part.attached = !tool.empty();
    if (tool.empty()) part.before = t_.keep("User: " + std::string(part.before));
    tool.push_back(part);
    first = false;
  }
}

void Planner::flush_media() {
  if (media_.empty()) return;
  std::vector<Part> parts = std::move(media_);
  media_.clear();
  place_user(std::move(parts));
}

void Planner::add_assistant_block(PlannedMessage& message, const Block& block, bool after_text) {
  const auto add_words = [&](std::string_view raw, std::string_view glue) {
    if (raw.empty()) return;
    Part part = text_part(raw, glue);
    if (t_.dialect.cache_control) part.cache_control = block.cache_control_json;
    message.parts.push_back(part);
  };
  switch (block.type) {
    case BlockType::text:
      return add_words(block.text_raw, after_text ? std::string_view() : kBlankLineRaw);
    case BlockType::tool_use:
      // The program that made the call does not exist here; to the model it is a call like others.
      if (block.by_program) t_.warn("tool-caller", block);
      return;
    case BlockType::thinking:
    case BlockType::redacted_thinking:
    case BlockType::tool_addition:
    case BlockType::tool_removal:
    case BlockType::ignored:
      return;
    case BlockType::image:
      return add_words("[image]", kBlankLineRaw);
    case BlockType::tool_result:
      t_.warn("misplaced:tool_result", block);
      return add_words("[misplaced content: tool_result]", kBlankLineRaw);
    case BlockType::document: {
      if (t_.facts.anthropic_version == "2026-10-21") t_.warn("relaxed-2026-10-21", block);
      Destination to{message.parts, kBlankLineRaw};
      if (block.source_type_raw == "text" || block.source_type_raw == "content")
        return add_user_block(t_, block, to);
      return add_words("[document]", kBlankLineRaw);
    }
    case BlockType::server_tool_use:
    case BlockType::server_tool_result:
    case BlockType::mcp_tool_use:
    case BlockType::mcp_tool_result:
    case BlockType::search_result:
    case BlockType::tool_reference:
      return add_words(t_.keep_escaped(digest_block(block)), kBlankLineRaw);
    case BlockType::container_upload:
    case BlockType::compaction:
    case BlockType::unknown: {
      const std::size_t before = message.parts.size();
      add_user_block(t_, block, Destination{message.parts, kBlankLineRaw});
      if (message.parts.size() > before) message.parts[before].glue = kBlankLineRaw;
    }
  }
}

std::string_view Planner::call_name(const Block& use) {
  return t_.keep_escaped(
      tool_wire_name(text_of(t_, use.name_raw), text_of(t_, use.toolset_raw), t_.dialect));
}

void Planner::add_assistant(std::size_t index) {
  if (t_.target.api == Api::responses) return add_assistant_items(index);
  const Turn& turn = turns_[index];
  PlannedMessage message;
  message.speaker = Speaker::assistant;
  const Block* previous = nullptr;
  for (const Block* block : turn.blocks) {
    add_assistant_block(message, *block, previous != nullptr && previous->type == BlockType::text);
    previous = block;
  }
  // An image of the model's own is a part of kind image nowhere: everything here is text.
  const auto calls = pairing_.calls_of(index);
  for (const PairedCall* call : calls)
    message.calls.push_back({call->wire_id,
                             text_of(t_, call->use->id_raw),
                             call_name(*call->use),
                             call->use->input_json,
                             {}});
  ++step_;
  replay_reasoning(t_, turn.blocks, step_, message);
  if (message.parts.empty() && message.calls.empty() && message.thinking.empty()) {
    // Nothing but thoughts that cannot go back. What follows is an answer to it all the same, and
    // must not change the message before it.
    silent_turn_ = true;
    const bool takes_turns = t_.dialect.strict_alternation || t_.profile.mistral_order;
    if (!takes_turns || index + 1 == turns_.size()) return;
    message.parts.push_back(text_part("(no answer)"));
  }
  add_with_results(std::move(message), calls);
}

// Every call has its result right behind the message; more calls than a backend takes in one
// message become several messages.
void Planner::add_with_results(PlannedMessage message,
                               const std::vector<const PairedCall*>& calls) {
  const std::size_t limit =
      t_.dialect.max_calls > 0 ? static_cast<std::size_t>(t_.dialect.max_calls) : calls.size();
  std::vector<PlannedCall> planned = std::move(message.calls);
  media_count_ = 0;
  for (std::size_t from = 0; from == 0 || from < calls.size(); from += limit) {
    const std::size_t end = std::min(calls.size(), from + limit);
    PlannedMessage part;
    if (from == 0) part = std::move(message);
    part.speaker = Speaker::assistant;
    part.calls.assign(planned.begin() + static_cast<std::ptrdiff_t>(from),
                      planned.begin() + static_cast<std::ptrdiff_t>(end));
    plan_.messages.push_back(std::move(part));
    for (std::size_t i = from; i < end; ++i) add_result_message(planned[i], *calls[i]);
    if (limit == 0) break;
  }
}

void Planner::add_result_message(const PlannedCall& planned, const PairedCall& call) {
  std::vector<Part> moved;
  PlannedMessage& message = add(Speaker::tool);
  message.tool_id = planned.id;
  if (t_.dialect.tool_message_name)
    message.extra = t_.keep(",\"name\":\"" + std::string(planned.name) + "\"");
  Destination to{message.parts, kNewlineRaw};
  to.moved = &moved;
  to.moved_count = &media_count_;
  to.images_stay = t_.profile.tool_parts;
  to.files_stay = t_.dialect.tool_files;
  for (const Block* result : call.results) {
    const std::size_t start = message.parts.size();
    add_tool_result(t_, *result, to);
    if (start > 0 && message.parts.size() > start) message.parts[start].glue = kBlankLineRaw;
  }
  if (call.results.empty()) message.parts.push_back(text_part(kInterrupted));
  if (message.parts.empty() && t_.profile.nonempty_tool)
    message.parts.push_back(text_part("(no output)"));
  if (moved.empty()) return;
  std::string label = "Image(s) returned by tool ";
  label.append(planned.name).append(" (call ").append(planned.id).append("):");
  media_.push_back(text_part(t_.keep(std::move(label)), kBlankLineRaw));
  media_.insert(media_.end(), moved.begin(), moved.end());
}

// Tools that the turn brought into the conversation, as items of their own (Responses).
void Planner::add_tools_of(const Turn& turn) {
  if (t_.additions.empty()) return;
  const std::less<const Block*> less;
  for (const Block* block : turn.blocks) {
    const auto found = std::lower_bound(
        t_.additions.begin(), t_.additions.end(), block,
        [&less](const auto& addition, const Block* at) { return less(addition.at, at); });
    if (found != t_.additions.end() && found->at == block) add(Speaker::system).item = found->item;
  }
}

Plan Planner::run(std::string_view extra_system, std::string& body_members) {
  plan_.messages.reserve(turns_.size() * 2 + 2);
  std::size_t i = add_head(extra_system);
  for (std::size_t head = 0; head < i; ++head) add_tools_of(turns_[head]);
  for (; i < turns_.size(); ++i) {
    switch (turns_[i].role) {
      case Role::user:
        add_tools_of(turns_[i]);
        add_user(i);
        break;
      case Role::system:
        add_system_turn(turns_[i]);
        add_tools_of(turns_[i]);
        break;
      case Role::assistant:
        flush_media();
        add_assistant(i);
        add_tools_of(turns_[i]);
        break;
    }
  }
  flush_media();
  drop_summed_up(t_, plan_.messages);
  drop_refused_items(t_, plan_.messages);
  if (!turns_.empty() && turns_.back().role == Role::assistant)
    finish_prefill(t_, reasoning_, plan_, body_members);
  if (t_.dialect.strict_alternation && t_.target.api == Api::chat) alternate(plan_);
  const bool speaks = std::any_of(plan_.messages.begin(), plan_.messages.end(),
                                  [](const auto& m) { return m.speaker != Speaker::system; });
  // Turns of nothing but foreign thinking leave nothing behind.
  if (!speaks) t_.refuse("messages", "at least one message must have content that can be sent");
  if (!head_.empty()) {
    // Always in front, so that it stays where it is when the conversation grows.
    if (plan_.messages.empty() || plan_.messages[0].speaker != Speaker::user)
      plan_.messages.insert(plan_.messages.begin(), PlannedMessage());
    auto& parts = plan_.messages[0].parts;
    parts.insert(parts.begin(), head_.begin(), head_.end());
  }
  return std::move(plan_);
}

Plan plan_messages(Translation& t, const ReasoningPlan& reasoning, std::string_view extra_system,
                   std::string& body_members) {
  Planner planner(t, reasoning);
  return planner.run(extra_system, body_members);
}

}  // namespace clasp::translate
