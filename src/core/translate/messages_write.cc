// Writing planned messages as JSON. Everything it gets is JSON-safe already; it only decides
// between a plain string and a list of parts.
#include "base/text.h"
#include "core/translate/messages.h"
#include "core/wire/json_reader.h"

namespace clasp::translate {

namespace {

bool has_media(const PlannedMessage& message) {
  for (const Part& part : message.parts)
    if (part.kind != Part::Kind::text) return true;
  return false;
}

bool has_hint(const PlannedMessage& message) {
  for (const Part& part : message.parts)
    if (!part.cache_control.empty()) return true;
  return false;
}

bool needs_list(const Translation& t, const PlannedMessage& message) {
  if (!message.thinking.empty() || has_hint(message) || has_media(message)) return true;
  if (message.speaker != Speaker::user || t.dialect.string_content) return false;
  for (std::size_t i = 1; i < message.parts.size(); ++i)
    if (!message.parts[i].attached) return true;
  return false;
}

void append_hint(std::string& out, const Translation& t, std::string_view hint) {
  if (hint.empty()) return;
  if (t.dialect.cache_control) {
    append_cache_control(out, hint);
  } else {
    out.append(",\"prompt_cache_breakpoint\":{\"mode\":\"explicit\"}");
  }
}

void append_media(std::string& out, const Part& part) {
  const bool image = part.kind == Part::Kind::image;
  if (image) {
    out.append("{\"type\":\"image_url\",\"image_url\":{\"url\":\"");
  } else {
    out.append("{\"type\":\"file\",\"file\":{\"filename\":\"").append(part.filename);
    out.append("\",\"file_data\":\"");
  }
  if (!part.media_type.empty()) out.append("data:").append(part.media_type).append(";base64,");
  out.append(part.raw).append("\"}");
}

void append_list(std::string& out, const Translation& t, const PlannedMessage& message) {
  out.push_back('[');
  if (!message.thinking.empty()) {
    out.append("{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"");
    out.append(message.thinking).append("\"}]}");
    if (!message.parts.empty()) out.push_back(',');
  }
  for (std::size_t i = 0; i < message.parts.size();) {
    const Part& part = message.parts[i];
    if (i > 0) out.push_back(',');
    std::string_view hint = part.cache_control;
    ++i;
    if (part.kind == Part::Kind::text) {
      out.append("{\"type\":\"text\",\"text\":\"");
      append_pieces(out, part);
      for (; i < message.parts.size() && message.parts[i].attached; ++i) {
        out.append(message.parts[i].glue);
        append_pieces(out, message.parts[i]);
        if (!message.parts[i].cache_control.empty()) hint = message.parts[i].cache_control;
      }
      out.push_back('"');
    } else {
      append_media(out, part);
    }
    append_hint(out, t, hint);
    out.push_back('}');
  }
  out.push_back(']');
}

void append_calls(std::string& out, const PlannedMessage& message, bool spaces) {
  out.append(",\"tool_calls\":[");
  bool first = true;
  for (const PlannedCall& call : message.calls) {
    if (!first) out.push_back(',');
    first = false;
    out.append("{\"id\":\"").append(call.id);
    out.append("\",\"type\":\"function\",\"function\":{\"name\":\"").append(call.name);
    out.push_back('"');
    append_arguments(out, call.input_json, spaces);
    out.push_back('}');
    out.append(call.extra).push_back('}');
  }
  out.push_back(']');
}

std::string_view role_of(const Translation& t, Speaker speaker) {
  switch (speaker) {
    case Speaker::system:
      return t.profile.role == SystemRole::developer ? "developer" : "system";
    case Speaker::user:
      return "user";
    case Speaker::assistant:
      return "assistant";
    case Speaker::tool:
      return "tool";
  }
  return "user";
}

void append_message(std::string& out, const Translation& t, const PlannedMessage& message) {
  out.append("{\"role\":\"").append(role_of(t, message.speaker)).push_back('"');
  if (message.speaker == Speaker::tool)
    out.append(",\"tool_call_id\":\"").append(message.tool_id).push_back('"');
  if (message.parts.empty() && message.thinking.empty() && message.speaker == Speaker::assistant) {
    if (!t.dialect.omit_content)
      out.append(t.dialect.null_content ? ",\"content\":null" : ",\"content\":\"\"");
  } else {
    out.append(",\"content\":");
    if (needs_list(t, message)) {
      append_list(out, t, message);
    } else {
      append_joined(out, message);
    }
  }
  out.append(message.extra);
  if (!message.calls.empty()) append_calls(out, message, t.request.spaces);
  out.push_back('}');
}

}  // namespace

void append_pieces(std::string& out, const Part& part) {
  out.append(part.before).append(part.raw).append(part.after);
}

void append_joined(std::string& out, const PlannedMessage& message) {
  out.push_back('"');
  bool first = true;
  for (const Part& part : message.parts) {
    if (!first) out.append(part.glue);
    append_pieces(out, part);
    first = false;
  }
  out.push_back('"');
}

void append_arguments(std::string& out, std::string_view input, bool spaces) {
  out.append(",\"arguments\":\"");
  if (input.empty()) {
    out.append("{}");
  } else if (input.front() == '{') {
    if (spaces)
      wire::append_compact_json_escaped(out, input);
    else
      append_json_escaped(out, input);
  } else {
    // Not an object: a client's mistake that must not break its history.
    std::string text(input);
    if (const auto raw = wire::json_string(input)) text = decode_json_string(*raw);
    const std::string_view trimmed = trim(text);
    if (!trimmed.empty() && trimmed.front() == '{' && wire::is_valid_json(text)) {
      wire::append_compact_json_escaped(out, trimmed);
    } else {
      std::string wrapped = "{\"_raw_arguments\":";
      append_json_string(wrapped, text);
      append_json_escaped(out, wrapped + "}");
    }
  }
  out.push_back('"');
}

// Type and lifetime; further members are Anthropic's business.
void append_cache_control(std::string& out, std::string_view hint) {
  const std::string_view ttl = wire::json_string_member(hint, "ttl");
  out.append(",\"cache_control\":{\"type\":\"ephemeral\"");
  if (ttl == "5m" || ttl == "1h") out.append(",\"ttl\":\"").append(ttl).push_back('"');
  out.push_back('}');
}

void limit_cache_hints(std::vector<std::string_view*>& slots) {
  constexpr std::size_t kMaxHints = 4;
  std::size_t used = 0;
  for (const std::string_view* slot : slots) used += slot->empty() ? 0 : 1;
  for (std::string_view* slot : slots) {
    if (used <= kMaxHints) return;
    if (slot->empty()) continue;
    *slot = {};
    --used;
  }
}

void append_messages(std::string& out, const Translation& t, const Plan& plan) {
  out.push_back('[');
  bool first = true;
  for (const PlannedMessage& message : plan.messages) {
    if (!first) out.push_back(',');
    first = false;
    append_message(out, t, message);
  }
  out.push_back(']');
}

}  // namespace clasp::translate
