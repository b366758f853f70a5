// See responses_input.h. Everything it gets is JSON-safe already.
#include "core/translate/responses_input.h"

#include <vector>

#include "core/translate/messages.h"

namespace clasp::translate {

namespace {

// Hints move from turn to turn. Where some are kept, what may have one always is a list, so that an
// item stays as it was when its hint goes.
bool is_list(const Translation& t, const PlannedMessage& message) {
  return t.profile.cache_breakpoints && !message.parts.empty();
}

bool has_hint(const PlannedMessage& message) {
  for (const Part& part : message.parts)
    if (!part.cache_control.empty()) return true;
  return false;
}

bool has_media(const PlannedMessage& message) {
  for (const Part& part : message.parts)
    if (part.kind != Part::Kind::text) return true;
  return false;
}

void append_data(std::string& out, const Part& part) {
  if (!part.media_type.empty()) out.append("data:").append(part.media_type).append(";base64,");
  out.append(part.raw).push_back('"');
}

void append_media(std::string& out, const Part& part) {
  if (part.kind == Part::Kind::image) {
    out.append("{\"type\":\"input_image\",\"detail\":\"auto\",\"image_url\":\"");
  } else if (part.media_type.empty()) {
    // A file by URL has the name that is found there.
    out.append("{\"type\":\"input_file\",\"file_url\":\"");
  } else {
    out.append("{\"type\":\"input_file\",\"filename\":\"").append(part.filename);
    out.append("\",\"file_data\":\"");
  }
  append_data(out, part);
}

void append_parts(std::string& out, const PlannedMessage& message) {
  out.push_back('[');
  for (std::size_t i = 0; i < message.parts.size();) {
    const Part& part = message.parts[i];
    if (i > 0) out.push_back(',');
    bool hinted = !part.cache_control.empty();
    ++i;
    if (part.kind == Part::Kind::text) {
      out.append("{\"type\":\"input_text\",\"text\":\"");
      append_pieces(out, part);
      for (; i < message.parts.size() && message.parts[i].attached; ++i) {
        out.append(message.parts[i].glue);
        append_pieces(out, message.parts[i]);
        hinted = hinted || !message.parts[i].cache_control.empty();
      }
      out.push_back('"');
    } else {
      append_media(out, part);
    }
    if (hinted) out.append(",\"prompt_cache_breakpoint\":{\"mode\":\"explicit\"}");
    out.push_back('}');
  }
  out.push_back(']');
}

void append_call(std::string& out, const PlannedCall& call, bool spaces) {
  out.append("{\"type\":\"function_call\",\"call_id\":\"").append(call.id);
  out.append("\",\"name\":\"").append(call.name).push_back('"');
  append_arguments(out, call.input_json, spaces);
  out.push_back('}');
}

void append_output(std::string& out, const Translation& t, const PlannedMessage& message) {
  out.append("{\"type\":\"function_call_output\",\"call_id\":\"").append(message.tool_id);
  out.append("\",\"output\":");
  if (has_media(message) || is_list(t, message)) {
    append_parts(out, message);
  } else {
    append_joined(out, message);
  }
  out.push_back('}');
}

// Which messages stand in front of a call of their own turn.
std::vector<bool> find_commentary(const Plan& plan) {
  std::vector<bool> before_call(plan.messages.size());
  bool call = false;
  for (std::size_t i = plan.messages.size(); i-- > 0;) {
    const PlannedMessage& message = plan.messages[i];
    if (message.speaker != Speaker::assistant) call = false;
    before_call[i] = call;
    call = call || !message.calls.empty();
  }
  return before_call;
}

void append_talk(std::string& out, const Translation& t, const PlannedMessage& message,
                 std::string_view phase) {
  std::string_view role = "user";
  if (message.speaker == Speaker::assistant) role = "assistant";
  if (message.speaker == Speaker::system)
    role = t.dialect.system_role == SystemRole::developer ? "developer" : "system";
  out.append("{\"type\":\"message\",\"role\":\"").append(role).append("\",\"content\":");
  const bool list = message.speaker == Speaker::user ||
                    (message.speaker == Speaker::system && is_list(t, message));
  if (list) {
    append_parts(out, message);
  } else {
    append_joined(out, message);
  }
  if (message.speaker == Speaker::assistant && t.profile.phases)
    out.append(",\"phase\":\"")
        .append(message.phase.empty() ? phase : message.phase)
        .push_back('"');
  out.push_back('}');
}

void append_item(std::string& out, const Translation& t, const PlannedMessage& message,
                 std::string_view phase) {
  if (!message.item.empty()) {
    out.append(message.item);
  } else if (message.speaker == Speaker::tool) {
    append_output(out, t, message);
  } else if (!message.calls.empty()) {
    append_call(out, message.calls[0], t.request.spaces);
  } else {
    append_talk(out, t, message, phase);
  }
}

}  // namespace

bool has_instructions(const Plan& plan) {
  return !plan.messages.empty() && plan.messages[0].speaker == Speaker::system &&
         plan.messages[0].item.empty() && !has_hint(plan.messages[0]);
}

void append_instructions(std::string& out, const Plan& plan) {
  out.append(",\"instructions\":");
  append_joined(out, plan.messages[0]);
}

void append_input(std::string& out, const Translation& t, const Plan& plan, bool instructions) {
  out.push_back('[');
  const std::size_t first = instructions ? 1 : 0;
  // What the assistant says before its calls is not yet the answer.
  const std::vector<bool> commentary = find_commentary(plan);
  for (std::size_t i = first; i < plan.messages.size(); ++i) {
    if (i > first) out.push_back(',');
    append_item(out, t, plan.messages[i], commentary[i] ? "commentary" : "final_answer");
  }
  out.push_back(']');
}

}  // namespace clasp::translate
