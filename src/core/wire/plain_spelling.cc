// See plain_spelling.h.
#include "core/wire/plain_spelling.h"

#include <cstring>

#include "core/wire/json_reader.h"

namespace clasp::wire {

namespace {

constexpr std::size_t kEscape = 6;  // \uXXXX

// The code unit of the `\uXXXX` at `at`, -1 when there is none.
int unit_at(std::string_view text, std::size_t at) {
  if (at + kEscape > text.size() || text[at] != '\\' || text[at + 1] != 'u') return -1;
  int unit = 0;
  for (const char c : text.substr(at + 2, 4)) {
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

// The character that should stand there instead of the escape; nothing when the escape is needed.
char plain_at(std::string_view text, std::size_t at) {
  if (text[at + 1] == '/') return '/';
  const int unit = unit_at(text, at);
  const bool plain = unit >= 0x20 && unit < 0x7F && unit != '"' && unit != '\\';
  return plain ? static_cast<char>(unit) : '\0';
}

std::size_t next_backslash(std::string_view text, std::size_t from) {
  if (from >= text.size()) return text.size();
  const void* found = std::memchr(text.data() + from, '\\', text.size() - from);
  return found == nullptr ? text.size()
                          : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

}  // namespace

std::optional<std::string> plain_spelling(std::string_view body) {
  std::string out;
  std::size_t copied = 0;
  for (std::size_t at = next_backslash(body, 0); at + 1 < body.size();) {
    // Nearly all escapes are of other kinds, such as \n, and a text is full of them.
    const char kind = body[at + 1];
    if (kind != 'u' && kind != '/') {
      at = next_backslash(body, at + 2);
      continue;
    }
    const std::size_t length = kind == '/' ? 2 : kEscape;
    if (const char plain = plain_at(body, at); plain != '\0') {
      if (copied == 0) out.reserve(body.size());
      out.append(body.substr(copied, at - copied)).push_back(plain);
      copied = at + length;
    }
    at = next_backslash(body, at + length);
  }
  // Outside of strings a backslash is an error that must stay one.
  if (copied == 0 || !is_valid_json(body)) return std::nullopt;
  out.append(body.substr(copied));
  return out;
}

// Looking for escapes costs as much as reading the body, and the reader meets each of them anyway.
Result<MessagesRequest, ApiError> parse_plain_request(std::string_view body, bool counting,
                                                      std::string& plain, ToolMemory* memory) {
  auto parsed = parse_messages_request(body, counting, memory);
  if (parsed && !parsed->needless_escapes) return parsed;
  auto spelling = plain_spelling(body);
  if (!spelling) return parsed;
  plain = std::move(*spelling);
  return parse_messages_request(plain, counting, memory);
}

}  // namespace clasp::wire
