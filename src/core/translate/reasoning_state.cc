// Collecting and packing reasoning state.
#include "core/translate/reasoning_state.h"

#include <jansson.h>

#include <memory>

#include "base/text.h"
#include "core/translate/raw_string.h"
#include "core/translate/signature.h"

namespace clasp::translate {

namespace {

// The client sends a signature back with every turn: beyond these sizes state is dropped.
constexpr std::size_t kMaxText = 1u << 20;
constexpr std::size_t kMaxState = 4u << 20;
constexpr std::size_t kMaxDetails = 1000;

struct JsonDeleter {
  void operator()(json_t* json) const { json_decref(json); }
};
using Json = std::unique_ptr<json_t, JsonDeleter>;

constexpr std::size_t kLoadFlags = JSON_ALLOW_NUL;
constexpr std::size_t kDumpFlags = JSON_COMPACT | JSON_PRESERVE_ORDER;

Json load(std::string_view text) {
  return Json(json_loadb(text.data(), text.size(), kLoadFlags, nullptr));
}

void set_raw(json_t* object, const char* key, std::string_view raw) {
  std::string clean;
  append_clean_raw(clean, raw);
  const std::string text = decode_json_string(clean);
  json_object_set_new(object, key, json_stringn(text.data(), text.size()));
}

void append_raw_string(std::string& out, std::string_view raw) {
  out.push_back('"');
  append_clean_raw(out, raw);
  out.push_back('"');
}

bool same_or_missing(std::string_view a, std::string_view b) {
  return a.empty() || b.empty() || a == b;
}

SignatureState origin(const ReplyContext& context) {
  SignatureState state;
  state.dialect = context.dialect->name;
  state.backend = context.backend_hash;
  state.model = context.backend_model;
  return state;
}

void take_last(std::string& into, const wire::RawField& field) {
  if (field) into.assign(field.raw);
}

}  // namespace

void ReasoningState::add_text(std::string_view raw) {
  if (text_cut_ || text_.size() + raw.size() > kMaxText) {
    text_cut_ = true;
    text_.clear();
    return;
  }
  text_.append(raw);
}

void ReasoningState::add_detail(const wire::ChatReasoningDetail& piece) {
  bytes_ += piece.json.size();
  if (bytes_ > kMaxState) return;
  const std::string_view index = piece.index_json;
  Detail* entry = nullptr;
  // Only the last entry of its kind can still be growing.
  for (std::size_t i = details_.size(); i-- > 0 && entry == nullptr;) {
    Detail& known = details_[i];
    if (known.type == piece.type.raw && known.index == index &&
        same_or_missing(known.id, piece.id.raw) && !(index.empty() && piece.id.empty()))
      entry = &known;
  }
  // Without index and id the pieces of a text can only be told by standing side by side.
  if (entry == nullptr && index.empty() && piece.id.empty() && !details_.empty() &&
      details_.back().type == piece.type.raw && piece.data.empty() && details_.back().data.empty())
    entry = &details_.back();
  if (entry == nullptr) {
    if (details_.size() >= kMaxDetails) return;
    entry = &details_.emplace_back();
    entry->type.assign(piece.type.raw);
    entry->index.assign(index);
    entry->json.assign(piece.json);
  } else {
    entry->merged = true;
  }
  if (!piece.id.empty()) entry->id.assign(piece.id.raw);
  entry->text.append(piece.text.raw);
  entry->summary.append(piece.summary.raw);
  entry->has_text = entry->has_text || piece.text.present;
  entry->has_summary = entry->has_summary || piece.summary.present;
  take_last(entry->data, piece.data);
  take_last(entry->signature, piece.signature);
  take_last(entry->format, piece.format);
}

void ReasoningState::add_thought_signature(std::string_view key, std::string_view raw) {
  bytes_ += raw.size();
  if (bytes_ > kMaxState || raw.empty()) return;
  std::string clean;
  append_clean_raw(clean, raw);
  for (auto& [known, signature] : signatures_) {
    if (known != key) continue;
    signature = std::move(clean);
    return;
  }
  signatures_.emplace_back(key, std::move(clean));
}

void ReasoningState::append(const ReasoningState& other) {
  if (!other.text_.empty()) {
    if (!text_.empty()) add_text("\\n\\n");
    add_text(other.text_);
  }
  details_.insert(details_.end(), other.details_.begin(), other.details_.end());
  signatures_.insert(signatures_.end(), other.signatures_.begin(), other.signatures_.end());
}

std::string ReasoningState::render_detail(const Detail& detail) {
  const Json object = load(detail.json);
  if (!object || !json_is_object(object.get())) return {};
  // A piece that came whole goes back as it came.
  if (!detail.merged) return detail.json;
  if (detail.has_text) set_raw(object.get(), "text", detail.text);
  if (detail.has_summary) set_raw(object.get(), "summary", detail.summary);
  if (!detail.data.empty()) set_raw(object.get(), "data", detail.data);
  if (!detail.signature.empty()) set_raw(object.get(), "signature", detail.signature);
  if (!detail.format.empty()) set_raw(object.get(), "format", detail.format);
  if (!detail.id.empty()) set_raw(object.get(), "id", detail.id);
  const std::unique_ptr<char, decltype(&free)> text(json_dumps(object.get(), kDumpFlags), &free);
  return text ? std::string(text.get()) : std::string();
}

std::string ReasoningState::render_details() const {
  std::string out = "[";
  for (const Detail& detail : details_) {
    const std::string text = render_detail(detail);
    if (text.empty()) continue;
    if (out.size() > 1) out.push_back(',');
    out.append(text);
  }
  out.push_back(']');
  return out;
}

std::string ReasoningState::render_signatures() const {
  std::string out = "{";
  for (const auto& [key, signature] : signatures_) {
    if (out.size() > 1) out.push_back(',');
    append_json_string(out, key);
    out.push_back(':');
    append_raw_string(out, signature);
  }
  out.push_back('}');
  return out;
}

std::string ReasoningState::render_tag(const ReplyContext& context) {
  return encode_signature(origin(context));
}

std::string ReasoningState::render_item(const ReplyContext& context, std::string_view json) {
  SignatureState state = origin(context);
  state.kind = 'r';
  state.state_json.assign(json);
  return encode_signature(state);
}

std::string ReasoningState::render_signature(const ReplyContext& context) const {
  if (!item_.empty()) return render_item(context, item_);
  SignatureState state = origin(context);
  if (!details_.empty()) {
    state.kind = 'o';
    state.state_json = render_details();
  } else if (!signatures_.empty()) {
    state.kind = 'g';
    state.state_json = render_signatures();
  } else if (context.replay_kind() == ReasoningReplay::none ||
             context.replay_kind() == ReasoningReplay::gemini) {
    state.kind = 'n';
    state.state_json = "{}";
  } else {
    state.kind = 't';
    state.state_json = "{}";
    if (!text_.empty()) {
      state.state_json = "{\"text\":";
      append_raw_string(state.state_json, text_);
      state.state_json.push_back('}');
    }
  }
  return encode_signature(state);
}

}  // namespace clasp::translate
