// The strict JSON reader and small helpers over JSON slices. Builds no tree and allocates nothing
// while reading.
#include "core/wire/json_reader.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>

#include "base/json_blocks.h"
#include "base/json_scan.h"
#include "base/text.h"

namespace clasp::wire {

namespace {

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// But for the slash, which needs none.
bool is_short_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      return true;
    default:
      return false;
  }
}

}  // namespace

void JsonReader::skip_more_space() {
  const std::size_t start = at_;
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  spelling_.spaces = spelling_.spaces || at_ > start;
}

JsonReader::Kind JsonReader::kind() {
  skip_space();
  if (failed_ || at_ >= text_.size()) return Kind::bad;
  switch (text_[at_]) {
    case '{':
      return Kind::object;
    case '[':
      return Kind::array;
    case '"':
      return Kind::string;
    case 't':
      return Kind::yes;
    case 'f':
      return Kind::no;
    case 'n':
      return Kind::null;
    default:
      return text_[at_] == '-' || is_digit(text_[at_]) ? Kind::number : Kind::bad;
  }
}

// Of the other kinds, from the backslash on.
bool JsonReader::scan_rare_escape() {
  const std::string_view rest = text_.substr(at_);
  if (rest.size() >= 2 && rest[1] == '/') {
    spelling_.needless_escapes = true;
    at_ += 2;
    return true;
  }
  if (rest.size() < 6 || rest[1] != 'u') return fail();
  for (const char digit : rest.substr(2, 4))
    if (!is_hex(digit)) return fail();
  // ASCII, and no control character.
  if (rest[2] == '0' && rest[3] == '0' && rest[4] >= '2' && rest[4] <= '7')
    spelling_.needless_escapes = true;
  at_ += 6;
  return true;
}

// From the opening quote to behind the closing one.
bool JsonReader::scan_string() {
  // At a byte that no string holds as it is, nor ends with.
  const auto scan_escape = [this] {
    if (text_[at_] != '\\') return fail();
    // Nearly all escapes are such, and a text is full of them.
    if (at_ + 1 >= text_.size() || !is_short_escape(text_[at_ + 1])) return scan_rare_escape();
    at_ += 2;
    return true;
  };
  ++at_;
#if defined(__SSE2__)
  // One look at 16 bytes finds all of theirs that matter: code has an escape every few bytes.
  constexpr std::size_t kLong = 64;
  for (std::size_t again = at_ + 16; at_ + 16 <= text_.size();) {
    // What is not over by then is a text rather than a name. Where that gets stuck it is tried
    // again behind what stopped it.
    if (at_ >= again) {
      at_ = skip_string_blocks(text_, at_);
      again = at_ + kLong;
      if (at_ + 16 > text_.size()) break;
    }
    const std::size_t block = at_;
    unsigned found = detail::special_json_bytes(text_.data() + block);
    std::size_t next = block + 16;
    while (found != 0) {
      const auto bit = static_cast<unsigned>(std::countr_zero(found));
      at_ = block + bit;
      if (text_[at_] == '"') return ++at_, true;
      if (!scan_escape()) return false;
      if (at_ >= next) {
        next = at_;
        break;
      }
      found &= ~0u << (at_ - block);  // the second byte of an escape may look like a first
    }
    at_ = next;
  }
#endif
  for (;;) {
    at_ = skip_plain_json(text_, at_);
    if (at_ >= text_.size()) return fail();
    if (text_[at_] == '"') return ++at_, true;
    if (!scan_escape()) return false;
  }
}

bool JsonReader::scan_number() {
  const auto digits = [this] {
    const std::size_t start = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return at_ > start;
  };
  const auto here = [this](char c) { return at_ < text_.size() && text_[at_] == c; };
  if (here('-')) ++at_;
  if (here('0')) {
    ++at_;
  } else if (!digits()) {
    return fail();
  }
  if (here('.')) {
    ++at_;
    if (!digits()) return fail();
  }
  if (here('e') || here('E')) {
    ++at_;
    if (here('+') || here('-')) ++at_;
    if (!digits()) return fail();
  }
  return true;
}

bool JsonReader::scan_word(std::string_view word) {
  if (text_.substr(at_, word.size()) != word) return fail();
  at_ += word.size();
  return true;
}

bool JsonReader::scan_scalar() {
  switch (kind()) {
    case Kind::string:
      return scan_string();
    case Kind::number:
      return scan_number();
    case Kind::yes:
      return scan_word("true");
    case Kind::no:
      return scan_word("false");
    case Kind::null:
      return scan_word("null");
    default:
      return fail();
  }
}

// A member's name and its colon.
bool JsonReader::scan_key() {
  if (kind() != Kind::string || !scan_string()) return fail();
  skip_space();
  if (at_ >= text_.size() || text_[at_] != ':') return fail();
  ++at_;
  return true;
}

bool JsonReader::enter(char open) {
  skip_space();
  if (failed_ || at_ >= text_.size() || text_[at_] != open) return fail();
  if (++depth_ > kMaxJsonDepth) return fail();
  ++at_;
  return true;
}

// Objects and arrays, without recursion: `objects` remembers what each open level is.
bool JsonReader::scan_nested() {
  std::bitset<kMaxJsonDepth + 1> objects;
  const int base = depth_;
  bool after_value = false;
  do {
    skip_space();
    if (at_ >= text_.size()) return fail();
    const char c = text_[at_];
    const bool inside = depth_ > base;
    const char close = inside && objects[static_cast<std::size_t>(depth_)] ? '}' : ']';
    if (inside && c == close) {
      ++at_;
      --depth_;
      after_value = true;
      continue;
    }
    if (after_value) {
      if (c != ',') return fail();
      ++at_;
      after_value = false;
      skip_space();
      // A comma must be followed by another element, never by the end.
      if (at_ >= text_.size() || text_[at_] == '}' || text_[at_] == ']') return fail();
    }
    if (inside && close == '}' && !scan_key()) return fail();
    const Kind next = kind();
    if (next == Kind::object || next == Kind::array) {
      if (!enter(next == Kind::object ? '{' : '[')) return fail();
      objects[static_cast<std::size_t>(depth_)] = next == Kind::object;
      after_value = false;
    } else {
      if (!scan_scalar()) return fail();
      after_value = true;
    }
  } while (depth_ > base);
  return true;
}

bool JsonReader::string(std::string_view& raw) {
  if (kind() != Kind::string) return fail();
  const std::size_t start = at_ + 1;
  if (!scan_string()) return fail();
  raw = text_.substr(start, at_ - 1 - start);
  return true;
}

bool JsonReader::skip(std::string_view& json) {
  const Kind next = kind();
  const std::size_t start = at_;
  const bool good = next == Kind::object || next == Kind::array ? scan_nested() : scan_scalar();
  if (!good) return fail();
  json = text_.substr(start, at_ - start);
  return true;
}

bool JsonReader::skip() {
  std::string_view unused;
  return skip(unused);
}

bool JsonReader::at_end() {
  skip_space();
  return !failed_ && at_ == text_.size();
}

JsonReader::Members::Members(JsonReader& reader) : reader_(reader) {
  reader_.enter('{');
}

bool JsonReader::Members::next(std::string_view& key_raw) {
  JsonReader& r = reader_;
  if (r.failed_) return false;
  r.skip_space();
  if (r.at_ >= r.text_.size()) return r.fail();
  if (r.text_[r.at_] == '}') {
    ++r.at_;
    --r.depth_;
    return false;
  }
  if (!first_) {
    if (r.text_[r.at_] != ',') return r.fail();
    ++r.at_;
  }
  first_ = false;
  r.skip_space();
  const std::size_t start = r.at_ + 1;
  if (!r.scan_key()) return false;
  // Behind the colon: the name ends before the last quote.
  const std::size_t end = r.text_.rfind('"', r.at_ - 1);
  key_raw = r.text_.substr(start, end - start);
  return true;
}

JsonReader::Items::Items(JsonReader& reader) : reader_(reader) {
  reader_.enter('[');
}

bool JsonReader::Items::next() {
  JsonReader& r = reader_;
  if (r.failed_) return false;
  r.skip_space();
  if (r.at_ >= r.text_.size()) return r.fail();
  if (r.text_[r.at_] == ']') {
    ++r.at_;
    --r.depth_;
    return false;
  }
  if (!first_) {
    if (r.text_[r.at_] != ',') return r.fail();
    ++r.at_;
    r.skip_space();
    if (r.at_ < r.text_.size() && r.text_[r.at_] == ']') return r.fail();
  }
  first_ = false;
  return true;
}

bool is_valid_json(std::string_view text) {
  if (!simdjson::validate_utf8(text.data(), text.size())) return false;
  JsonReader reader(text);
  return reader.skip() && reader.at_end();
}

// An escape is longer than what it stands for, and what is not escaped stays as it is: most names
// are told apart by their length and first character.
bool raw_equals(std::string_view raw, std::string_view text) {
  if (raw.size() < text.size()) return false;
  if (raw.size() == text.size() && raw != text) return false;
  if (!raw.empty() && raw[0] != '\\' && (text.empty() || raw[0] != text[0])) return false;
  if (raw.find('\\') == std::string_view::npos) return raw.size() == text.size();
  return decode_json_string(raw) == text;
}

bool raw_starts_with(std::string_view raw, std::string_view prefix) {
  if (!raw.empty() && !prefix.empty() && raw[0] != '\\' && raw[0] != prefix[0]) return false;
  // An escaped character takes at most six bytes, so this much decides.
  std::string_view head = raw.substr(0, prefix.size() * 6);
  if (head.find('\\') == std::string_view::npos) return raw.substr(0, prefix.size()) == prefix;
  return std::string_view(decode_json_string(head)).substr(0, prefix.size()) == prefix;
}

std::optional<std::string_view> json_member(std::string_view object, std::string_view name) {
  JsonReader reader(object);
  if (reader.kind() != JsonReader::Kind::object) return std::nullopt;
  std::optional<std::string_view> found;
  JsonReader::Members members(reader);
  std::string_view key, value;
  while (members.next(key) && reader.skip(value))
    if (raw_equals(key, name)) found = value;
  return found;
}

std::optional<std::string_view> json_string(std::string_view json) {
  JsonReader reader(json);
  std::string_view raw;
  if (!reader.string(raw)) return std::nullopt;
  return raw;
}

std::string_view json_string_member(std::string_view object, std::string_view name) {
  const auto value = json_member(object, name);
  if (!value) return {};
  return json_string(*value).value_or(std::string_view());
}

std::optional<std::string> json_members_without(std::string_view object,
                                                std::span<const std::string> names) {
  std::string out;
  out.reserve(object.size());
  JsonReader reader(object);
  JsonReader::Members members(reader);
  std::string_view key, value;
  while (members.next(key) && reader.skip(value)) {
    if (std::find(names.begin(), names.end(), key) != names.end()) continue;
    if (!out.empty()) out.push_back(',');
    out.append("\"").append(key).append("\":").append(value);
  }
  if (!reader.ok()) return std::nullopt;
  return out;
}

namespace {

// Calls `emit` with the runs of `json` between white space that is outside of strings.
template <class Emit>
void compact_runs(std::string_view json, Emit emit) {
  std::size_t run = 0;
  for (std::size_t i = 0; i < json.size();) {
    const char c = json[i];
    if (c == '"') {
      for (++i; i < json.size();) {
        i = skip_plain_json(json, i);
        if (i >= json.size() || json[i] == '"') break;
        i += 2;
      }
      ++i;
    } else if (is_space(c)) {
      emit(json.substr(run, i - run));
      while (i < json.size() && is_space(json[i])) ++i;
      run = i;
    } else {
      ++i;
    }
  }
  if (run < json.size()) emit(json.substr(run));
}

}  // namespace

void append_compact_json(std::string& out, std::string_view json) {
  compact_runs(json, [&out](std::string_view run) { out.append(run); });
}

void append_compact_json_escaped(std::string& out, std::string_view json) {
  compact_runs(json, [&out](std::string_view run) { append_json_escaped(out, run); });
}

}  // namespace clasp::wire
