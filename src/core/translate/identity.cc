// Identifiers of end users and conversations.
#include "core/translate/identity.h"

#include "base/text.h"
#include "core/translate/messages.h"
#include "core/wire/json_reader.h"

namespace clasp::translate {

namespace {

constexpr std::size_t kMaxKey = 64;
constexpr std::size_t kHashKey = 32;

bool is_plain_key(std::string_view text) {
  for (char c : text) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_' || c == '.' || c == ':';
    if (!good) return false;
  }
  return !text.empty() && text.size() <= kMaxKey;
}

// Clients write user ids as "user_…_session_<id>" or as a JSON object with a session_id.
std::string session_in_user_id(const std::string& user_id) {
  constexpr std::string_view kMark = "_session_";
  if (user_id.starts_with('{') && wire::is_valid_json(user_id))
    return decode_json_string(wire::json_string_member(user_id, "session_id"));
  const std::size_t at = user_id.rfind(kMark);
  return at == std::string::npos ? std::string() : user_id.substr(at + kMark.size());
}

// Appends what all turns of a conversation have in common.
void append_beginning(std::string& text, const wire::MessagesRequest& request) {
  text.append(system_identity(request));
  for (const wire::Message& message : request.messages) {
    if (message.role != wire::Role::user) continue;
    for (std::uint32_t i = message.first_block; i < message.end_block; ++i)
      text.append(request.blocks[i].text_raw).append(request.blocks[i].data_raw).push_back('\n');
    break;
  }
}

// The same for all turns of a conversation, different for different ones.
std::string conversation_key(const Translation& t) {
  std::string text = t.target.tenant + '\n' + t.target.model + '\n';
  append_beginning(text, t.request);
  return sha256_hex(text).substr(0, kHashKey);
}

std::string session_key(const Translation& t, const std::string& user_id) {
  std::string session = t.facts.session_id;
  if (session.empty()) session = session_in_user_id(user_id);
  if (session.empty()) return conversation_key(t);
  return is_plain_key(session) ? session : sha256_hex(session).substr(0, kHashKey);
}

void append(std::string& out, std::string_view name, std::string_view value) {
  out.append(",\"").append(name).append("\":\"").append(value).push_back('"');
}

}  // namespace

std::string conversation_affinity(const wire::MessagesRequest& request,
                                  const std::string& session_id) {
  if (!session_id.empty()) return session_id;
  const std::string user_id = decode_json_string(request.user_id_raw);
  if (std::string session = session_in_user_id(user_id); !session.empty()) return session;
  std::string text = user_id + '\n';
  append_beginning(text, request);
  return sha256_hex(text);
}

void append_identity(std::string& out, const Translation& t) {
  const std::string user_id = decode_json_string(t.request.user_id_raw);
  if (!user_id.empty()) {
    if (t.dialect.safety_identifier) append(out, "safety_identifier", sha256_hex(user_id));
    if (t.dialect.user_hash) append(out, "user", sha256_hex(user_id));
  }
  if (t.dialect.cache_key) append(out, "prompt_cache_key", session_key(t, user_id));
  if (t.dialect.session_id) append(out, "session_id", session_key(t, user_id));
}

}  // namespace clasp::translate
