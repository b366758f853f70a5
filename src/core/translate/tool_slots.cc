// Tool calls of a reply: which call a piece belongs to, its name, its arguments and its end.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "core/translate/slots.h"
#include "core/translate/tool_ids.h"

namespace clasp::translate {

namespace {

constexpr std::size_t kMaxCalls = 1024;
constexpr std::size_t kMaxName = 512;
constexpr std::size_t kShownName = 64;

std::string decode_raw(std::string_view raw) {
  std::string clean;
  append_clean_raw(clean, raw);
  return decode_json_string(clean);
}

// A name the model made up, made harmless for every API.
void sanitise_name(std::string& name) {
  for (char& c : name) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '-';
    if (!fine) c = '_';
  }
  if (name.size() > kShownName) name.resize(kShownName);
}

// Space, or once more the whole input that was received in pieces.
bool repeats_input(const ToolCall& call, std::string_view source) {
  return is_space_raw(source) || call.source.equals(source);
}

std::string_view source_of(const wire::ChatToolDelta& delta) {
  return delta.arguments ? delta.arguments.raw : delta.arguments_json;
}

// `delta` with this text in place of its own.
wire::ChatToolDelta with_source(wire::ChatToolDelta delta, std::string_view source) {
  (delta.arguments ? delta.arguments.raw : delta.arguments_json) = source;
  return delta;
}

}  // namespace

// ---- names and ids -----------------------------------------------------------------------------

// The declared tool of that name; strips what some models add around it.
const ReplyContext::ToolName* BlockQueue::find_declared(std::string& name) const {
  const auto& tools = context_.tools;
  if (const auto it = tools.find(name); it != tools.end()) return &it->second;
  std::string_view rest = name;
  constexpr std::string_view kPrefix = "functions.";
  if (rest.substr(0, kPrefix.size()) == kPrefix) rest.remove_prefix(kPrefix.size());
  rest = trim(rest.substr(0, rest.find("<|")));
  const auto it = tools.find(std::string(rest));
  if (it == tools.end()) return nullptr;
  name = it->first;
  return &it->second;
}

bool BlockQueue::is_declared_prefix(std::string_view text) const {
  return std::any_of(context_.tools.begin(), context_.tools.end(), [text](const auto& tool) {
    return std::string_view(tool.first).substr(0, text.size()) == text;
  });
}

const std::string& BlockQueue::client_id(ToolCall& call) {
  if (call.id.empty()) {
    call.id = make_client_tool_id(call.backend_id, context_.used_tool_ids, used_ids_, random_);
    used_ids_.insert(call.id);
  }
  return call.id;
}

void BlockQueue::take_name(ToolCall& call, std::string_view raw) {
  std::string piece = decode_raw(raw);
  if (piece.empty() || piece.size() > kMaxName || call.started || call.declared != nullptr) return;
  const bool declared = find_declared(piece) != nullptr;
  if (call.name.empty() || (declared && piece.substr(0, call.name.size()) == call.name))
    call.name = std::move(piece);  // the first piece, or one that repeats all before it
  else if (!declared && piece != call.name && is_declared_prefix(call.name + piece))
    call.name.append(piece);
  call.declared = find_declared(call.name);
}

std::string_view BlockQueue::shown_name(ToolCall& call) {
  if (call.declared != nullptr) return call.declared->name;
  sanitise_name(call.name);
  return call.name;
}

// ---- which call --------------------------------------------------------------------------------

ToolCall* BlockQueue::find_call(const wire::ChatToolDelta& delta, std::int64_t choice,
                                std::int64_t position) {
  const auto newest = [this](auto matches) -> ToolCall* {
    for (std::size_t i = calls_.size(); i-- > 0;)
      if (matches(*calls_[i])) return calls_[i].get();
    return nullptr;
  };
  if (delta.legacy) return newest([](const ToolCall& c) { return c.legacy; });
  const std::string id = decode_raw(delta.id.raw);
  const auto by_id = [&]() -> ToolCall* {
    if (id.empty()) return nullptr;
    return newest([&](const ToolCall& c) { return c.choice == choice && c.backend_id == id; });
  };
  const auto by_index = [&](std::int64_t index) {
    return newest([choice, index](const ToolCall& c) {
      return c.choice == choice && c.index == index && !c.legacy;
    });
  };
  if (delta.index >= 0) {
    ToolCall* call = by_index(delta.index);
    const bool other = call != nullptr && !call->backend_id.empty() && call->backend_id != id;
    ToolCall* known = other ? by_id() : nullptr;
    return known != nullptr ? known : call;
  }
  if (ToolCall* known = by_id()) return known;
  if (!id.empty() || !delta.name.empty()) return by_index(position);
  return newest([choice](const ToolCall& c) { return c.choice == choice && !c.done(); });
}

// Whether the piece begins another call although the key is the same.
bool BlockQueue::is_new_call(const ToolCall& call, const wire::ChatToolDelta& delta) {
  if (delta.legacy) return false;
  const std::string id = decode_raw(delta.id.raw);
  const bool same_id = !id.empty() && id == call.backend_id;
  const bool other_id = !id.empty() && !call.backend_id.empty() && !same_id;
  const bool has_name = !delta.name.empty();
  // A server that invents a new id for every piece sends no name with the later ones.
  if (other_id) return has_name || call.done();
  if (!has_name || same_id) return false;
  if (call.done()) {
    const std::string_view source = source_of(delta);
    const bool repeated = delta.index >= 0 && call.source.equals(source);
    return !repeated;
  }
  std::string name = decode_raw(delta.name.raw);
  if (call.has_arguments || call.declared == nullptr) return false;
  return find_declared(name) != nullptr && name != call.name;
}

ToolCall& BlockQueue::add_call(const wire::ChatToolDelta& delta, std::int64_t choice,
                               std::int64_t position) {
  auto call = std::make_unique<ToolCall>();
  call->choice = choice;
  call->index = delta.index >= 0 ? delta.index : position;
  call->legacy = delta.legacy;
  call->custom = delta.custom;
  call->discarded = context_.single_tool_call && !calls_.empty();
  calls_.push_back(std::move(call));
  return *calls_.back();
}

void BlockQueue::tool(const wire::ChatToolDelta& delta, std::int64_t choice,
                      std::int64_t position) {
  const bool has_arguments = !source_of(delta).empty();
  if (delta.id.empty() && delta.name.empty() && !has_arguments) return;
  ToolCall* call = find_call(delta, choice, position);
  const bool create = call == nullptr || is_new_call(*call, delta);
  if (create) {
    // A piece without any name tag after all calls are complete repeats one of them.
    if (call == nullptr && delta.name.empty() && delta.id.empty() && delta.index < 0 &&
        !calls_.empty())
      return;
    if (calls_.size() >= kMaxCalls) {
      overflow_ = true;
      return;
    }
    call = &add_call(delta, choice, position);
  }
  if (call->backend_id.empty() && !delta.id.empty()) call->backend_id = decode_raw(delta.id.raw);
  if (!delta.thought_signature.empty() && context_.replay_kind() == ReasoningReplay::gemini)
    take_signature(*call, create, delta);
  if (create) push(Kind::tool).call = call;
  if (!delta.name.empty()) take_name(*call, delta.name.raw);
  if (!has_arguments) return;
  if (!call->done())
    take_arguments(*call, delta);
  else if (!repeats_input(*call, source_of(delta)))
    call->stray = true;
}

// The call that an entry of a whole message repeats: by its id, else the one at the same place.
ToolCall* BlockQueue::find_repeated(const wire::ChatToolDelta& delta, std::int64_t choice,
                                    std::int64_t position) {
  const std::string id = decode_raw(delta.id.raw);
  ToolCall* there = nullptr;
  for (const auto& call : calls_) {
    if (call->choice != choice) continue;
    if (!id.empty() && call->backend_id == id) return call.get();
    if (position-- == 0) there = call.get();
  }
  if (there == nullptr || delta.name.empty() || there->name.empty()) return there;
  // A name that nobody declared was made harmless when it was shown.
  std::string name = decode_raw(delta.name.raw), known = there->name;
  if (find_declared(name) == nullptr) sanitise_name(name);
  if (there->declared == nullptr) sanitise_name(known);
  return name == known ? there : nullptr;
}

void BlockQueue::whole_tool(const wire::ChatToolDelta& delta, std::int64_t choice,
                            std::int64_t position) {
  ToolCall* call = find_repeated(delta, choice, position);
  if (call == nullptr) return tool(delta, choice, position);
  if (call->backend_id.empty()) call->backend_id = decode_raw(delta.id.raw);
  if (!delta.name.empty()) take_name(*call, delta.name.raw);
  const std::string_view source = source_of(delta);
  const auto rest = call->source.rest(source);
  if (!rest)
    call->stray = call->stray || !is_space_raw(source);
  else if (!rest->empty() && !call->done())
    take_arguments(*call, with_source(delta, *rest));
}

// A signature that comes with the chunk of the step's first call goes ahead of that call.
void BlockQueue::take_signature(ToolCall& call, bool created, const wire::ChatToolDelta& delta) {
  const std::string& id = client_id(call);
  if (context_.keep_states) states_.add_thought_signature(id, delta.thought_signature.raw);
  const bool in_time = created && !call.discarded && !context_.thinking_disabled;
  if (in_time && calls_.size() == 1) {
    Slot* slot = last(Kind::thinking);
    step_thinking_ = slot != nullptr ? slot : &push(Kind::thinking);
  }
  if (in_time && step_thinking_ != nullptr)
    state_of(*step_thinking_).add_thought_signature(id, delta.thought_signature.raw);
  else if (context_.keep_states)
    late_states_.add_thought_signature(id, delta.thought_signature.raw);
}

bool BlockQueue::stray_input() const {
  return std::any_of(calls_.begin(), calls_.end(),
                     [](const auto& call) { return call->stray || call->scanner.surplus(); });
}

void BlockQueue::take_arguments(ToolCall& call, const wire::ChatToolDelta& delta) {
  const std::string_view source = source_of(delta);
  call.source.add(source);
  output_bytes_ += source.size();
  if (!delta.arguments) {
    feed(call, source);
    return;
  }
  const std::string_view clean = call.joiner.take(source, scratch_);
  if (call.custom) {
    if (!charge(clean.size())) return;
    if (!call.has_arguments) call.pending.append("{\"input\":\"");
    call.pending.append(clean);
    call.has_arguments = true;
  } else if (clean.find('\\') == std::string_view::npos) {
    feed(call, clean);
  } else {
    feed(call, decode_json_string(clean));
  }
}

void BlockQueue::feed(ToolCall& call, std::string_view text) {
  // pump() takes off what it emits; what the scanner keeps for itself stays counted.
  if (!charge(text.size())) return;
  call.scanner.feed(text, call.pending);
  call.has_arguments = call.has_arguments || call.scanner.started();
}

ToolCall* BlockQueue::call_at(std::int64_t index) const {
  for (std::size_t i = calls_.size(); i-- > 0;)
    if (calls_[i]->index == index) return calls_[i].get();
  return nullptr;
}

bool BlockQueue::call_done(std::int64_t index) const {
  const ToolCall* call = call_at(index);
  return call != nullptr && call->done();
}

bool BlockQueue::call_open(std::int64_t index) const {
  const ToolCall* call = call_at(index);
  return call != nullptr && !call->finished && call->scanner.open();
}

const char* BlockQueue::end_call(std::int64_t index) {
  ToolCall* call = call_at(index);
  if (call == nullptr || call->discarded || call->finished) return nullptr;
  return complete(*call, End::whole);
}

// ---- the end -----------------------------------------------------------------------------------

// A call that the cap cut off. On a stream its input stays cut; a plain answer needs whole JSON.
bool BlockQueue::complete_cut(ToolCall& call) {
  if (!context_.plain && (call.sent > 0 || !call.pending.empty())) return true;
  if (!call.scanner.started()) return true;
  if (!call.scanner.held_back().empty()) return call.scanner.finish(call.pending);
  call.pending.resize(call.pending.size() -
                      std::min(call.pending.size(), call.scanner.unfinished()));
  call.scanner.close_all(call.pending);
  return true;
}

const char* BlockQueue::complete(ToolCall& call, End end) {
  if (call.name.empty()) {
    if (context_.tools.size() != 1) return "backend sent a malformed tool call without a name";
    call.name = context_.tools.begin()->first;
    call.declared = &context_.tools.begin()->second;
  }
  call.finished = true;
  if (call.custom) {
    if (call.has_arguments && (end == End::whole || context_.plain))
      call.pending.append(call.joiner.finish()).append("\"}");
    return nullptr;
  }
  if (call.scanner.complete()) return nullptr;
  const bool whole = end == End::whole ? call.scanner.finish(call.pending) : complete_cut(call);
  if (whole) return nullptr;
  if (call.sent > 0) return "backend produced invalid tool arguments";
  const std::string text = call.pending + std::string(call.scanner.held_back());
  call.pending.clear();
  append_raw_arguments(call.pending, text);
  raw_input_kept_ = true;
  return nullptr;
}

const char* BlockQueue::finish(End end) {
  for (const auto& call : calls_) {
    if (end == End::filtered && !call->started) call->discarded = true;
    if (call->discarded || call->finished) continue;
    if (const char* problem = complete(*call, end)) return problem;
  }
  ending_ = true;
  return nullptr;
}

}  // namespace clasp::translate
