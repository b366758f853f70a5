// Reasoning that goes back to the backend: the state in our signatures, in the form each dialect
// wants it (translation spec §2.5). Foreign thinking is dropped and never becomes content.
#include <optional>
#include <unordered_set>

#include "base/text.h"
#include "core/translate/content.h"
#include "core/translate/context_edits.h"
#include "core/translate/signature.h"
#include "core/translate/thinking.h"
#include "core/translate/tool_names.h"
#include "core/wire/json_reader.h"

namespace clasp::translate {

namespace {

using wire::Block;
using wire::BlockType;

constexpr std::string_view kBypass = "skip_thought_signature_validator";

struct State {
  SignatureState signature;
  std::string_view visible_raw;  // the block's text
};

bool is_thinking(const Block& block) {
  return block.type == BlockType::thinking || block.type == BlockType::redacted_thinking;
}

// "anthropic/claude-x" -> "anthropic": state of one vendor's models means nothing to another's.
std::string_view vendor(std::string_view model) {
  const std::size_t slash = model.find('/');
  return slash == std::string_view::npos ? std::string_view() : model.substr(0, slash);
}

// May encrypted or structured state of that origin go to this call's backend?
bool same_origin(const Translation& t, const SignatureState& state) {
  return state.backend == t.target.base_url_hash && vendor(state.model) == vendor(t.target.model);
}

// The secondary store: all state of a turn whose blocks the client dropped, else what had come too
// late for a block. Text is never late, so backends that only want text are not looked up then.
void add_kept_states(const Translation& t, const std::vector<const Block*>& blocks,
                     const PlannedMessage& message, std::vector<State>& states) {
  const bool dropped = states.empty();
  const bool may_be_late =
      t.profile.replay == ReasoningReplay::details || t.profile.replay == ReasoningReplay::gemini;
  if (t.facts.replay == nullptr || (!dropped && !may_be_late)) return;
  // Taken out on the client's wish (spec §1.9): it must not come back from here.
  if (!blocks.empty() && blocks.front() < t.thinking_from &&
      !requires_state(with_family_replay(t.dialect, t.target.model)))
    return;
  std::unordered_set<const KeptState*> seen;  // the calls of one reply share its state
  for (const PlannedCall& call : message.calls) {
    const KeptStatePtr kept = t.facts.replay->find(call.client_id);
    if (!kept || !seen.insert(kept.get()).second) continue;
    if (auto state = decode_signature(dropped ? kept->whole : kept->late))
      states.push_back({std::move(*state), {}});
  }
}

std::vector<State> states_of(const Translation& t, const std::vector<const Block*>& blocks,
                             const PlannedMessage& message) {
  std::vector<State> states;
  for (const Block* block : blocks) {
    if (!is_thinking(*block)) continue;
    if (auto state = decode_signature(decode_json_string(block->signature_raw)))
      states.push_back({std::move(*state), block->text_raw});
  }
  add_kept_states(t, blocks, message, states);
  return states;
}

// All reasoning text of the turn as a raw string.
std::string reasoning_text(const std::vector<State>& states) {
  std::string out;
  for (const State& state : states) {
    if (state.signature.kind != 't') continue;
    const std::string_view withheld = wire::json_string_member(state.signature.state_json, "text");
    const std::string_view raw = state.visible_raw.empty() ? withheld : state.visible_raw;
    if (raw.empty()) continue;
    if (!out.empty()) out.append(kBlankLineRaw);
    out.append(raw);
  }
  return out;
}

void replay_text(Translation& t, const std::vector<State>& states, std::size_t step,
                 PlannedMessage& message, std::string_view member) {
  if (t.profile.replay_on_calls && message.calls.empty()) return;
  std::string text = reasoning_text(states);
  if (text.empty() && t.profile.replay_on_calls) {
    // The member is mandatory there. An empty or ever equal text has bad effects on the model.
    text = "Calling ";
    for (const PlannedCall& call : message.calls)
      text.append(&call == message.calls.data() ? "" : ", ").append(call.name);
    text += " (step " + std::to_string(step) + ").";
  }
  if (text.empty()) return;
  std::string extra(message.extra);
  extra.append(",\"").append(member).append("\":\"").append(text).push_back('"');
  message.extra = t.keep(std::move(extra));
}

void replay_details(Translation& t, const std::vector<State>& states, PlannedMessage& message) {
  std::string details;
  for (const State& state : states) {
    if (state.signature.kind != 'o' || !same_origin(t, state.signature)) continue;
    const std::string_view list = trim(state.signature.state_json);
    if (list.size() < 2 || list.front() != '[') continue;
    const std::string_view inside = trim(list.substr(1, list.size() - 2));
    if (inside.empty()) continue;
    if (!details.empty()) details.push_back(',');
    details.append(inside);
  }
  if (details.empty()) return;
  message.extra = t.keep(std::string(message.extra) + ",\"reasoning_details\":[" + details + "]");
}

std::string_view call_signature(const std::vector<State>& states, std::string_view client_id) {
  const std::string original = restored_tool_id(client_id);
  for (const State& state : states) {
    if (state.signature.kind != 'g') continue;
    for (const std::string_view id : {client_id, std::string_view(original)}) {
      if (id.empty()) continue;
      const auto raw = wire::json_string_member(state.signature.state_json, id);
      if (!raw.empty()) return raw;
    }
  }
  return {};
}

void replay_gemini(Translation& t, const std::vector<State>& all, PlannedMessage& message) {
  std::vector<State> states;
  for (const State& state : all)
    if (same_origin(t, state.signature)) states.push_back(state);
  for (PlannedCall& call : message.calls) {
    std::string_view signature = call_signature(states, call.client_id);
    if (signature.empty() && &call == message.calls.data()) signature = kBypass;
    if (signature.empty()) continue;
    std::string extra(call.extra);
    extra.append(",\"extra_content\":{\"google\":{\"thought_signature\":\"");
    extra.append(signature).append("\"}}");
    call.extra = t.keep(std::move(extra));
  }
}

}  // namespace

void replay_reasoning(Translation& t, const std::vector<const Block*>& blocks, std::size_t step,
                      PlannedMessage& message) {
  if (t.profile.replay == ReasoningReplay::none) return;
  const std::vector<State> states = states_of(t, blocks, message);
  switch (t.profile.replay) {
    case ReasoningReplay::none:
    case ReasoningReplay::items:
      return;
    case ReasoningReplay::reasoning:
      return replay_text(t, states, step, message, "reasoning");
    case ReasoningReplay::reasoning_content:
      return replay_text(t, states, step, message, "reasoning_content");
    case ReasoningReplay::details:
      return replay_details(t, states, message);
    case ReasoningReplay::gemini:
      return replay_gemini(t, states, message);
    case ReasoningReplay::thinking_part:
      if (std::string text = reasoning_text(states); !text.empty())
        message.thinking = t.keep(std::move(text));
      return;
  }
}

}  // namespace clasp::translate
