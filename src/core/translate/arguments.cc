// The incremental lexer. What it lets through is always the start of one valid JSON object, so
// any prefix of the output can be closed to a whole one.
#include "core/translate/arguments.h"

#include <cstring>

#include "base/text.h"
#include "core/translate/argument_repair.h"
#include "core/translate/raw_string.h"

namespace clasp::translate {

namespace {

constexpr std::size_t kMaxDepth = 200;
constexpr std::size_t kMaxHold = 1u << 20;  // keys and the space around them
constexpr std::size_t kMaxScalar = 1024;    // digits of a number
constexpr int kMaxNesting = 3;              // JSON in a string in a string

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool ends_scalar(char c) {
  return is_space(c) || std::strchr(",:{}[]\"", c) != nullptr ||
         static_cast<unsigned char>(c) < 0x20;
}
bool is_scalar(std::string_view text) {
  if (text == "true" || text == "false" || text == "null") return true;
  return !text.empty() && json_number_length(text) == text.size();
}

// A string surrounded by a Markdown fence, without the fence.
std::string_view without_fence(std::string_view text) {
  if (text.substr(0, 3) != "```") return text;
  const std::size_t line = text.find('\n');
  if (line == std::string_view::npos) return text;
  text = trim(text.substr(line + 1));
  if (text.size() >= 3 && text.substr(text.size() - 3) == "```") text.remove_suffix(3);
  return trim(text);
}

// Text that is not itself an object: null, a string holding one, a fenced one.
bool decode_held(std::string_view text, int nesting, std::string& out) {
  text = without_fence(trim(text));
  if (text == "null" || text.empty()) {
    out.append("{}");
    return true;
  }
  if (text.front() == '{') {
    ArgumentScanner scanner;
    std::string inner;
    scanner.feed(text, inner);
    if (!scanner.finish(inner)) return false;
    out.append(inner);
    return true;
  }
  if (text.front() != '"' || nesting >= kMaxNesting) return false;
  std::string list;
  // The repairing parser checks and cleans the one string.
  if (!repair_json(text, "[", false, list)) return false;
  const std::size_t end = list.rfind('"');
  if (end == std::string::npos || end == 0) return false;
  std::string raw = list.substr(1, end - 1);
  // More than one string is not one string.
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '\\')
      ++i;
    else if (raw[i] == '"')
      return false;
  }
  return decode_held(decode_json_string(raw), nesting + 1, out);
}

}  // namespace

void ArgumentScanner::feed(std::string_view text, std::string& out) {
  base_ = total_ - out.size();
  std::size_t at = 0;
  while (at < text.size()) {
    if (phase_ == Phase::object) {
      if (in_string_) {
        scan_string(text, at, out);
        continue;
      }
      if (in_scalar_) {
        scan_scalar(text, at, out);
        continue;
      }
      const char c = text[at];
      if (is_space(c))
        hold_.push_back(c);
      else if (!scan_structure(c, out))
        break_off(text.substr(at));
      if (hold_.size() > kMaxHold) break_off(text.substr(at + 1));
      if (phase_ != Phase::broken)
        ++at;
      else
        at = text.size();
    } else if (phase_ == Phase::before) {
      if (is_space(text[at])) {
        ++at;
      } else if (text[at] == '{') {
        phase_ = Phase::object;
        open_container(text[at++], out);
      } else {
        phase_ = Phase::held;
      }
    } else {
      if (phase_ != Phase::complete)
        rest_.append(text.substr(at));
      else
        surplus_ = surplus_ || text.find_first_not_of(" \t\r\n", at) != std::string_view::npos;
      break;
    }
  }
  total_ = base_ + out.size();
}

// ---- structure ---------------------------------------------------------------------------------

bool ArgumentScanner::scan_structure(char c, std::string& out) {
  switch (c) {
    case '}':
    case ']':
      return close_container(c, out);
    case ',':
      if (expect_ != Expect::comma) return false;
      expect_ = stack_.back() == '{' ? Expect::key : Expect::value;
      hold_.push_back(c);
      return true;
    case ':':
      if (expect_ != Expect::colon) return false;
      expect_ = Expect::value;
      hold_.push_back(c);
      return true;
    case '"':
      if (expect_ == Expect::comma || expect_ == Expect::colon) return false;
      begin_string(expect_ == Expect::key || expect_ == Expect::first_key, out);
      return true;
    default:
      break;
  }
  if (expect_ != Expect::value && expect_ != Expect::first_value) return false;
  if (c == '{' || c == '[') return open_container(c, out);
  if (ends_scalar(c)) return false;
  in_scalar_ = true;
  scalar_at_ = hold_.size();
  hold_.push_back(c);
  return true;
}

bool ArgumentScanner::open_container(char c, std::string& out) {
  if (stack_.size() >= kMaxDepth) return false;
  release(out);
  out.push_back(c);
  stack_.push_back(c);
  expect_ = c == '{' ? Expect::first_key : Expect::first_value;
  has_elements_ = false;
  mark(out);
  return true;
}

bool ArgumentScanner::close_container(char c, std::string& out) {
  const bool closable =
      expect_ == Expect::comma || expect_ == Expect::first_key || expect_ == Expect::first_value;
  if (!closable || (c == '}') != (stack_.back() == '{')) return false;
  release(out);
  out.push_back(c);
  stack_.pop_back();
  if (stack_.empty()) phase_ = Phase::complete;
  value_done(out);
  return true;
}

void ArgumentScanner::value_done(std::string& out) {
  expect_ = Expect::comma;
  has_elements_ = true;
  mark(out);
}

void ArgumentScanner::release(std::string& out) {
  out.append(hold_);
  hold_.clear();
}

// Keeps everything from here on for the repair at the end.
void ArgumentScanner::break_off(std::string_view remaining) {
  rest_.assign(hold_).append(remaining);
  hold_.clear();
  in_scalar_ = in_string_ = false;
  phase_ = Phase::broken;
}

// ---- strings -----------------------------------------------------------------------------------

void ArgumentScanner::begin_string(bool key, std::string& out) {
  in_string_ = true;
  in_key_ = key;
  if (!key) release(out);
  (key ? hold_ : out).push_back('"');
}

void ArgumentScanner::end_string(std::string& out) {
  (in_key_ ? hold_ : out).push_back('"');
  in_string_ = false;
  if (in_key_)
    expect_ = Expect::colon;
  else
    value_done(out);
}

void ArgumentScanner::scan_string(std::string_view text, std::size_t& at, std::string& out) {
  std::string& into = in_key_ ? hold_ : out;
  while (at < text.size()) {
    if (!escape_.empty()) {
      bool used = false;
      scan_escape(text[at], into, used);
      if (used) ++at;
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && text[end] != '"' && text[end] != '\\' &&
           static_cast<unsigned char>(text[end]) >= 0x20)
      ++end;
    if (end > at) {
      flush_half(into);
      into.append(text.substr(at, end - at));
      at = end;
      if (in_key_ && hold_.size() > kMaxHold) {
        break_off(text.substr(at));
        at = text.size();
        return;
      }
      continue;
    }
    const char c = text[at++];
    if (c == '\\') {
      escape_.push_back(c);
      continue;
    }
    flush_half(into);
    if (c == '"') {
      end_string(out);
      return;
    }
    append_clean_raw(into, std::string_view(&c, 1));
  }
}

// One more character of an escape sequence; `used` says whether it belongs to it.
void ArgumentScanner::scan_escape(char c, std::string& into, bool& used) {
  const bool unicode = escape_.size() >= 2;
  const bool fits = unicode ? is_hex(c) : c != '\0' && std::strchr("\"\\/bfnrtu", c) != nullptr;
  if (!fits) {
    flush_half(into);
    // Not an escape after all: the backslash meant itself.
    into.push_back('\\');
    into.append(escape_);
    escape_.clear();
    return;
  }
  used = true;
  escape_.push_back(c);
  if (escape_.size() == (escape_[1] == 'u' ? 6u : 2u)) end_escape(into);
}

void ArgumentScanner::end_escape(std::string& into) {
  const bool surrogate = escape_.size() == 6 && (escape_[2] == 'd' || escape_[2] == 'D') &&
                         std::strchr("89abcdefABCDEF", escape_[3]) != nullptr;
  const bool high = surrogate && std::strchr("89abAB", escape_[3]) != nullptr;
  if (high) {
    flush_half(into);
    half_ = escape_;
  } else if (surrogate && !half_.empty()) {
    into.append(half_).append(escape_);
    half_.clear();
  } else {
    flush_half(into);
    into.append(surrogate ? "\\ufffd" : escape_);
  }
  escape_.clear();
}

void ArgumentScanner::flush_half(std::string& into) {
  if (half_.empty()) return;
  half_.clear();
  into.append("\\ufffd");
}

// ---- numbers and literals ----------------------------------------------------------------------

void ArgumentScanner::scan_scalar(std::string_view text, std::size_t& at, std::string& out) {
  while (at < text.size() && !ends_scalar(text[at])) hold_.push_back(text[at++]);
  const bool too_long = hold_.size() - scalar_at_ > kMaxScalar;
  if (at == text.size() && !too_long) return;
  if (!too_long && end_scalar(out)) return;
  break_off(text.substr(at));
  at = text.size();
}

bool ArgumentScanner::end_scalar(std::string& out) {
  if (!is_scalar(std::string_view(hold_).substr(scalar_at_))) return false;
  in_scalar_ = false;
  release(out);
  value_done(out);
  return true;
}

// ---- the end -----------------------------------------------------------------------------------

void ArgumentScanner::close_all(std::string& out) {
  for (; !stack_.empty(); stack_.pop_back()) out.push_back(stack_.back() == '{' ? '}' : ']');
  in_string_ = in_scalar_ = false;
  hold_.clear();
  phase_ = Phase::complete;
}

bool ArgumentScanner::finish(std::string& out) {
  base_ = total_ - out.size();
  switch (phase_) {
    case Phase::before:
      out.append("{}");
      break;
    case Phase::complete:
      break;
    case Phase::held:
      if (!decode_held(rest_, 0, out)) return false;
      break;
    case Phase::broken:
      if (!repair_json(rest_, stack_, has_elements_, out)) return false;
      stack_.clear();
      break;
    case Phase::object:
      if (in_string_ && !in_key_) {
        flush_half(out);
        out.push_back('"');
      } else if (in_scalar_) {
        end_scalar(out);
      }
      close_all(out);
      break;
  }
  phase_ = Phase::complete;
  total_ = base_ + out.size();
  return true;
}

void append_raw_arguments(std::string& out, std::string_view text) {
  out.append("{\"_raw_arguments\":");
  append_json_string(out, scrub_utf8(text));
  out.push_back('}');
}

}  // namespace clasp::translate
