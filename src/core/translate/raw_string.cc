// Checking and cleaning of raw JSON string slices.
#include "core/translate/raw_string.h"

#include <cstdint>
#include <cstring>

namespace clasp::translate {

namespace {

constexpr std::string_view kReplacement = "\\ufffd";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The code unit of a `\uXXXX` at the start of `raw`, -1 when there is none.
int unit_at(std::string_view raw) {
  if (raw.size() < 6 || raw[0] != '\\' || raw[1] != 'u') return -1;
  int unit = 0;
  for (std::size_t i = 2; i < 6; ++i) {
    const int digit = hex_value(raw[i]);
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

bool is_simple_escape(char c) {
  return std::strchr("\"\\/bfnrt", c) != nullptr && c != '\0';
}

// Appends one escape (raw[0] is a backslash) and tells how many bytes it used.
std::size_t append_escape(std::string& out, std::string_view raw) {
  if (raw.size() >= 2 && is_simple_escape(raw[1])) {
    out.append(raw.substr(0, 2));
    return 2;
  }
  const int unit = unit_at(raw);
  if (unit < 0) {
    out.append("\\\\");
    return 1;
  }
  if (is_high(unit) && is_low(unit_at(raw.substr(6)))) {
    out.append(raw.substr(0, 12));
    return 12;
  }
  if (is_high(unit) || is_low(unit))
    out.append(kReplacement);
  else
    out.append(raw.substr(0, 6));
  return 6;
}

void append_control(std::string& out, unsigned char c) {
  constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
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
      out.append("\\u00");
      out.push_back(kHex[c >> 4]);
      out.push_back(kHex[c & 15]);
  }
}

// Length of the white space at the start of `raw`: a character, a two-byte escape or nothing.
std::size_t space_at(std::string_view raw) {
  if (raw.empty()) return 0;
  const char c = raw[0];
  if (c == ' ' || c == '\n' || c == '\t' || c == '\r') return 1;
  if (c == '\\' && raw.size() >= 2 && (raw[1] == 'n' || raw[1] == 't' || raw[1] == 'r')) return 2;
  return 0;
}

// Where an unfinished pair begins: the last six bytes are a high surrogate whose backslash is not
// itself escaped. npos when the text ends well.
std::size_t open_pair(std::string_view raw) {
  if (raw.size() < 6) return std::string_view::npos;
  const std::size_t at = raw.size() - 6;
  if (!is_high(unit_at(raw.substr(at)))) return std::string_view::npos;
  std::size_t slashes = 0;
  while (slashes < at && raw[at - 1 - slashes] == '\\') ++slashes;
  return slashes % 2 == 0 ? at : std::string_view::npos;
}

}  // namespace

void append_clean_raw(std::string& out, std::string_view raw) {
  std::size_t clean = 0, i = 0;
  while (i < raw.size()) {
    const auto c = static_cast<unsigned char>(raw[i]);
    if (c >= 0x20 && c != '\\' && c != '"') {
      ++i;
      continue;
    }
    out.append(raw.substr(clean, i - clean));
    if (c == '\\') {
      i += append_escape(out, raw.substr(i));
    } else if (c == '"') {
      out.append("\\\"");
      ++i;
    } else {
      append_control(out, c);
      ++i;
    }
    clean = i;
  }
  out.append(raw.substr(clean));
}

std::string_view trim_left_raw(std::string_view raw) {
  while (const std::size_t length = space_at(raw)) raw.remove_prefix(length);
  return raw;
}

bool is_space_raw(std::string_view raw) {
  return trim_left_raw(raw).empty();
}

std::string_view RawJoiner::take(std::string_view raw, std::string& scratch) {
  if (half_.empty() && (raw.empty() || std::memchr(raw.data(), '\\', raw.size()) == nullptr))
    return raw;
  scratch.clear();
  std::string joined;
  if (!half_.empty()) {
    joined.swap(half_);
    joined.append(raw);
    raw = joined;
  }
  const std::size_t pair = open_pair(raw);
  if (pair != std::string_view::npos) {
    half_.assign(raw.substr(pair));
    raw = raw.substr(0, pair);
  }
  append_clean_raw(scratch, raw);
  return scratch;
}

std::string_view RawJoiner::finish() {
  if (half_.empty()) return {};
  half_.clear();
  return kReplacement;
}

}  // namespace clasp::translate
