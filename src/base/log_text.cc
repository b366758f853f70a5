// See log_text.h.
#include "base/log_text.h"

#include "base/text.h"

namespace clasp {

namespace {

// Code point and length of the character at `i`; `text` is valid UTF-8.
struct Character {
  char32_t code = 0;
  std::size_t length = 1;
};

Character character_at(std::string_view text, std::size_t i) {
  const auto byte = [&](std::size_t k) -> char32_t {
    return static_cast<unsigned char>(text[i + k]);
  };
  const char32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xE0) return {(lead & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (lead < 0xF0) return {(lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  return {0x10000, 4};  // none of those is of interest here
}

// Control characters of both sets, ends of lines and paragraphs, marks and changes of direction.
bool is_unsafe(char32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x200E || code == 0x200F ||
         (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

void append_escape(std::string& out, char32_t code) {
  switch (code) {
    case '\n':
      out.append("\\n");
      return;
    case '\r':
      out.append("\\r");
      return;
    case '\t':
      out.append("\\t");
      return;
    default:
      break;
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  out.append("\\u");
  for (const int shift : {12, 8, 4, 0}) out.push_back(kDigits[code >> shift & 0xF]);
}

// `unsafe` appends its replacement, `safe` a character.
template <typename Unsafe, typename Safe>
void walk(std::string_view text, std::size_t limit, Unsafe unsafe, Safe safe) {
  text = cut_utf8(text, limit);
  std::string scrubbed;
  if (!is_valid_utf8(text)) {
    scrubbed = scrub_utf8(text);
    text = scrubbed;
  }
  for (std::size_t i = 0; i < text.size();) {
    const Character character = character_at(text, i);
    if (is_unsafe(character.code))
      unsafe(character.code);
    else
      safe(text.substr(i, character.length));
    i += character.length;
  }
}

}  // namespace

std::string_view cut_utf8(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
  return text.substr(0, limit);
}

void append_escaped_text(std::string& out, std::string_view text, std::size_t limit) {
  walk(
      text, limit, [&out](char32_t code) { append_escape(out, code); },
      [&out](std::string_view character) { out.append(character); });
}

void append_quoted_text(std::string& out, std::string_view text, std::size_t limit) {
  walk(
      text, limit, [&out](char32_t) { out.push_back(' '); },
      [&out](std::string_view character) {
        if (character == "\"" || character == "\\") out.push_back('\\');
        out.append(character);
      });
}

}  // namespace clasp
