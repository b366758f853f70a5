// Walks a chunk with simdjson's on-demand parser and notes where things are. On-demand parsing
// proves UTF-8 and the bracket structure only, so whatever is passed on later is checked there.
#include "core/wire/openai_chat.h"

#include <algorithm>

#include "core/wire/openai_shared.h"

namespace clasp::wire {

namespace {

// ---- tool calls --------------------------------------------------------------------------------

constexpr Member<RawField> kGoogle[] = {
    {"thought_signature", [](od::value& v, RawField& into) { into = take_raw(v); }},
};
constexpr Member<RawField> kExtraSignature[] = {
    {"google", [](od::value& v, RawField& into) { walk_value(v, kGoogle, into); }},
};
constexpr Member<ChatToolDelta> kFunction[] = {
    {"name", [](od::value& v, ChatToolDelta& t) { t.name = take_raw(v); }},
    {"arguments",
     [](od::value& v, ChatToolDelta& t) {
       t.arguments = take_raw(v);
       if (!t.arguments) t.arguments_json = take_json(v);
     }},
    {"input", [](od::value& v, ChatToolDelta& t) { t.arguments = take_raw(v); }},
};
constexpr Member<ChatToolDelta> kTool[] = {
    {"index", [](od::value& v, ChatToolDelta& t) { t.index = take_count(v); }},
    {"id", [](od::value& v, ChatToolDelta& t) { t.id = take_raw(v); }},
    {"type", [](od::value& v, ChatToolDelta& t) { t.custom = take_raw(v).raw == "custom"; }},
    {"function", [](od::value& v, ChatToolDelta& t) { walk_value(v, kFunction, t); }},
    {"custom", [](od::value& v, ChatToolDelta& t) { walk_value(v, kFunction, t); }},
    {"extra_content",
     [](od::value& v, ChatToolDelta& t) { walk_value(v, kExtraSignature, t.thought_signature); }},
};

// ---- reasoning details, content parts, annotations ---------------------------------------------

constexpr Member<ChatReasoningDetail> kDetail[] = {
    {"type", [](od::value& v, ChatReasoningDetail& d) { d.type = take_raw(v); }},
    {"text", [](od::value& v, ChatReasoningDetail& d) { d.text = take_raw(v); }},
    {"index", [](od::value& v, ChatReasoningDetail& d) { d.index_json = take_json(v); }},
    {"format", [](od::value& v, ChatReasoningDetail& d) { d.format = take_raw(v); }},
    {"id", [](od::value& v, ChatReasoningDetail& d) { d.id = take_raw(v); }},
    {"summary", [](od::value& v, ChatReasoningDetail& d) { d.summary = take_raw(v); }},
    {"data", [](od::value& v, ChatReasoningDetail& d) { d.data = take_raw(v); }},
    {"signature", [](od::value& v, ChatReasoningDetail& d) { d.signature = take_raw(v); }},
};

// A content part is kept aside until its type is known, since members come in any order.
struct PartFields {
  RawField type, text;
  std::vector<ChatContentPart>* out = nullptr;  // nested thinking text goes straight there
};
constexpr Member<PartFields> kThinkingPiece[] = {
    {"text",
     [](od::value& v, PartFields& p) {
       const RawField text = take_raw(v);
       if (text) p.out->push_back({ChatContentPart::Kind::thinking, text.raw});
     }},
};
constexpr Member<PartFields> kPart[] = {
    {"type", [](od::value& v, PartFields& p) { p.type = take_raw(v); }},
    {"text", [](od::value& v, PartFields& p) { p.text = take_raw(v); }},
    {"thinking",
     [](od::value& v, PartFields& p) {
       const RawField text = take_raw(v);
       if (text)
         p.out->push_back({ChatContentPart::Kind::thinking, text.raw});
       else
         each(v, [&p](od::value& piece) { walk_value(piece, kThinkingPiece, p); });
     }},
};

void take_part(od::value& value, std::vector<ChatContentPart>& out) {
  if (const RawField text = take_raw(value)) {
    out.push_back({ChatContentPart::Kind::text, text.raw});
    return;
  }
  PartFields part;
  part.out = &out;
  walk_value(value, kPart, part);
  if (part.type.raw == "image_url" || part.type.raw == "image")
    out.push_back({ChatContentPart::Kind::image, {}});
  else if (part.text)
    out.push_back({part.type.raw == "thinking" ? ChatContentPart::Kind::thinking
                                               : ChatContentPart::Kind::text,
                   part.text.raw});
}

// ---- choices -----------------------------------------------------------------------------------

// A choice and the chunk its lists go to. A stream's chunk may hold a piece (`delta`) and the
// whole (`message`) side by side; they must not overwrite each other.
struct ChoiceTarget {
  ChatChoice& choice;
  ChatChunk& chunk;
  bool has_delta = false;
};

template <class T>
ChatRange range_since(std::size_t first, const std::vector<T>& list) {
  return {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(list.size())};
}

void take_content(od::value& value, ChoiceTarget& into) {
  into.choice.content = take_raw(value);
  if (into.choice.content) return;
  const std::size_t first = into.chunk.parts.size();
  each(value, [&into](od::value& part) { take_part(part, into.chunk.parts); });
  into.choice.parts = range_since(first, into.chunk.parts);
}

void take_tools(od::value& value, ChoiceTarget& into) {
  const std::size_t first = into.chunk.tools.size();
  each(value, [&into](od::value& entry) {
    ChatToolDelta tool;
    walk_value(entry, kTool, tool);
    into.chunk.tools.push_back(tool);
  });
  into.choice.tools = range_since(first, into.chunk.tools);
}

void take_function_call(od::value& value, ChoiceTarget& into) {
  if (!is_type(value, od::json_type::object)) return;
  // A server that sends both spellings means one call.
  if (!into.choice.tools.empty()) return;
  ChatToolDelta tool;
  tool.legacy = true;
  walk_value(value, kFunction, tool);
  const std::size_t first = into.chunk.tools.size();
  into.chunk.tools.push_back(tool);
  into.choice.tools = range_since(first, into.chunk.tools);
}

void take_details(od::value& value, ChoiceTarget& into) {
  const std::size_t first = into.chunk.details.size();
  each(value, [&into](od::value& entry) {
    if (!is_type(entry, od::json_type::object)) return;
    od::object object;
    if (entry.get_object().get(object) != simdjson::SUCCESS) return;
    ChatReasoningDetail detail;
    if (object.raw_json().get(detail.json) != simdjson::SUCCESS) return;
    if (object.reset().error() != simdjson::SUCCESS) return;
    walk(object, kDetail, detail);
    into.chunk.details.push_back(detail);
  });
  into.choice.details = range_since(first, into.chunk.details);
}

void take_annotations(od::value& value, ChoiceTarget& into) {
  const std::size_t first = into.chunk.annotations.size();
  each(value, [&into](od::value& entry) {
    if (const auto annotation = take_url_citation(entry))
      into.chunk.annotations.push_back(*annotation);
  });
  into.choice.annotations = range_since(first, into.chunk.annotations);
}

constexpr Member<ChoiceTarget> kGoogleContent[] = {
    {"thought", [](od::value& v, ChoiceTarget& t) { t.choice.thought = take_true(v); }},
    {"thought_signature",
     [](od::value& v, ChoiceTarget& t) { t.choice.thought_signature = take_raw(v); }},
};
constexpr Member<ChoiceTarget> kExtraContent[] = {
    {"google", [](od::value& v, ChoiceTarget& t) { walk_value(v, kGoogleContent, t); }},
};
constexpr Member<ChoiceTarget> kDelta[] = {
    {"content", take_content},
    {"tool_calls", take_tools},
    {"reasoning_content",
     [](od::value& v, ChoiceTarget& t) { t.choice.reasoning_content = take_raw(v); }},
    {"reasoning", [](od::value& v, ChoiceTarget& t) { t.choice.reasoning = take_raw(v); }},
    {"reasoning_details", take_details},
    {"refusal", [](od::value& v, ChoiceTarget& t) { t.choice.refusal = take_raw(v); }},
    {"annotations", take_annotations},
    {"function_call", take_function_call},
    {"extra_content", [](od::value& v, ChoiceTarget& t) { walk_value(v, kExtraContent, t); }},
    {"images",
     [](od::value& v, ChoiceTarget& t) { each(v, [&t](od::value&) { t.choice.images = true; }); }},
};

void take_stop_text(od::value& value, ChoiceTarget& into) {
  if (const RawField text = take_raw(value)) into.choice.stop_text = text;
}

constexpr Member<ChoiceTarget> kChoice[] = {
    {"delta",
     [](od::value& v, ChoiceTarget& t) {
       t.has_delta = is_type(v, od::json_type::object);
       walk_value(v, kDelta, t);
     }},
    {"message",
     [](od::value& v, ChoiceTarget& t) {
       if (!is_type(v, od::json_type::object)) return;
       t.chunk.message = ChatChoice{};
       t.chunk.message.whole = true;
       ChoiceTarget target{t.chunk.message, t.chunk};
       walk_value(v, kDelta, target);
     }},
    {"finish_reason", [](od::value& v, ChoiceTarget& t) { t.choice.finish = take_raw(v); }},
    {"index", [](od::value& v,
                 ChoiceTarget& t) { t.choice.index = std::max<std::int64_t>(take_count(v), 0); }},
    {"native_finish_reason",
     [](od::value& v, ChoiceTarget& t) { t.choice.native_finish = take_raw(v); }},
    {"stop_reason", take_stop_text},
    {"matched_stop", take_stop_text},
    {"usage", [](od::value& v, ChoiceTarget& t) { take_usage(v, t.chunk.usage); }},
    {"error", [](od::value& v, ChoiceTarget& t) { t.choice.error_json = take_json(v); }},
};

void take_choices(od::value& value, ChatChunk& chunk) {
  chunk.has_choices = is_type(value, od::json_type::array);
  chunk.choices.clear();
  each(value, [&chunk](od::value& entry) {
    ChatChoice& choice = chunk.choices.emplace_back();
    ChatChoice& message = chunk.message;
    message.whole = false;
    ChoiceTarget target{choice, chunk};
    walk_value(entry, kChoice, target);
    if (!message.whole) return;
    message.index = choice.index;
    message.finish = choice.finish;
    message.native_finish = choice.native_finish;
    message.stop_text = choice.stop_text;
    message.error_json = choice.error_json;
    if (!target.has_delta) chunk.choices.pop_back();
    chunk.choices.push_back(message);
  });
}

constexpr Member<ChatChunk> kGroq[] = {
    {"usage", [](od::value& v, ChatChunk& c) { take_usage(v, c.usage); }},
};
constexpr Member<ChatChunk> kChunk[] = {
    {"choices", take_choices},
    {"usage", [](od::value& v, ChatChunk& c) { take_usage(v, c.usage); }},
    {"id", [](od::value& v, ChatChunk& c) { c.id = take_raw(v); }},
    {"error", [](od::value& v, ChatChunk& c) { c.error_json = take_json(v); }},
    {"object",
     [](od::value& v, ChatChunk& c) { c.bare_error = c.bare_error || take_raw(v).raw == "error"; }},
    {"message", [](od::value& v, ChatChunk& c) { c.bare_error = c.bare_error || take_raw(v); }},
    {"detail",
     [](od::value& v, ChatChunk& c) { c.bare_error = c.bare_error || !take_json(v).empty(); }},
    {"service_tier", [](od::value& v, ChatChunk& c) { c.service_tier = take_raw(v); }},
    {"x_groq", [](od::value& v, ChatChunk& c) { walk_value(v, kGroq, c); }},
    {"citations", [](od::value& v, ChatChunk& c) { c.citations_json = take_json(v); }},
    {"promptFeedback", [](od::value& v, ChatChunk& c) { c.prompt_feedback_json = take_json(v); }},
    {"prompt_feedback", [](od::value& v, ChatChunk& c) { c.prompt_feedback_json = take_json(v); }},
};

}  // namespace

void ChatChunk::clear() {
  id = service_tier = RawField{};
  error_json = prompt_feedback_json = citations_json = {};
  has_choices = bare_error = false;
  usage = ChatUsage{};
  choices.clear();
  tools.clear();
  details.clear();
  parts.clear();
  annotations.clear();
}

struct ChatParser::Impl {
  ObjectParser parser;
  ChatChunk chunk;
};

ChatParser::ChatParser() : impl_(std::make_unique<Impl>()) {}
ChatParser::~ChatParser() = default;

bool ChatParser::parse(std::string_view json, std::size_t slack) {
  ChatChunk& chunk = impl_->chunk;
  const bool parsed = impl_->parser.parse(json, slack, [&chunk](od::object object) {
    chunk.clear();
    return walk(object, kChunk, chunk);
  });
  if (chunk.has_choices || chunk.usage.present) chunk.bare_error = false;
  return parsed;
}

const ChatChunk& ChatParser::chunk() const {
  return impl_->chunk;
}

}  // namespace clasp::wire
