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

bool is_high(int unit) {
  return unit >= 0xD800 && unit < 0xDC00;
}
bool is_low(int unit) {
  return unit >= 0xDC00 && unit < 0xE000;
}

// One escape: how long it is, and what should stand there if not it.
struct Escape {
  std::size_t length = 2;
  char plain = '\0';
  bool half = false;
};

Escape escape_at(std::string_view text, std::size_t at) {
  if (at + 1 < text.size() && text[at + 1] == '/') return {2, '/', false};
  const int unit = unit_at(text, at);
  if (unit < 0) return {};
  if (is_high(unit) && is_low(unit_at(text, at + kEscape))) return {2 * kEscape, '\0', false};
  if (is_high(unit) || is_low(unit)) return {kEscape, '\0', true};
  const bool plain = unit >= 0x20 && unit < 0x7F && unit != '"' && unit != '\\';
  return {kEscape, plain ? static_cast<char>(unit) : '\0', false};
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
  for (std::size_t at = next_backslash(body, 0); at < body.size();) {
    const Escape escape = escape_at(body, at);
    if (escape.half || escape.plain != '\0') {
      if (copied == 0) out.reserve(body.size());
      out.append(body.substr(copied, at - copied));
      if (escape.half)
        out.append("\\ufffd");
      else
        out.push_back(escape.plain);
      copied = at + escape.length;
    }
    at = next_backslash(body, at + escape.length);
  }
  // Outside of strings a backslash is an error that must stay one.
  if (copied == 0 || !is_valid_json(body)) return std::nullopt;
  out.append(body.substr(copied));
  return out;
}

}  // namespace clasp::wire
