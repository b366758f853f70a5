// A forgiving parser that writes strict JSON.
#include "core/translate/argument_repair.h"

#include <utility>

#include "core/translate/raw_string.h"

namespace clasp::translate {

namespace {

constexpr std::size_t kMaxDepth = 200;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
         c == '-';
}

// Words that stand for a value, and the JSON for them.
constexpr std::pair<std::string_view, std::string_view> kWords[] = {
    {"true", "true"},     {"false", "false"},    {"null", "null"},      {"True", "true"},
    {"False", "false"},   {"None", "null"},      {"undefined", "null"}, {"NaN", "null"},
    {"Infinity", "null"}, {"-Infinity", "null"},
};

class Repair {
 public:
  Repair(std::string_view text, std::string stack, bool has_elements)
      : text_(text), stack_(std::move(stack)), has_elements_(has_elements) {}

  bool run() {
    while (!stack_.empty()) {
      skip_separators();
      if (at_ == text_.size()) {
        close_all();
        return true;
      }
      if (!step()) return false;
    }
    return true;
  }
  const std::string& out() const { return out_; }

 private:
  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  void skip_separators() {
    while (at_ < text_.size() && (is_space(text_[at_]) || text_[at_] == ',')) ++at_;
  }
  void close_all() {
    for (; !stack_.empty(); stack_.pop_back()) out_.push_back(stack_.back() == '{' ? '}' : ']');
  }

  // One member, one element or one closing bracket.
  bool step() {
    const char c = text_[at_];
    if (c == '}' || c == ']') {
      if ((c == '}') != (stack_.back() == '{')) return false;
      ++at_;
      out_.push_back(c);
      stack_.pop_back();
      has_elements_ = true;
      return true;
    }
    const std::size_t before = out_.size();
    if (has_elements_) out_.push_back(',');
    if (stack_.back() == '{') {
      if (!key()) return false;
      skip_space();
      if (at_ == text_.size()) {  // a key without a value is left away
        out_.resize(before);
        return true;
      }
      if (text_[at_] != ':') return false;
      ++at_;
      out_.push_back(':');
      skip_space();
      if (at_ == text_.size()) {
        out_.resize(before);
        return true;
      }
    }
    return value();
  }

  bool key() {
    const char c = text_[at_];
    if (c == '"' || c == '\'') return string(c);
    const std::size_t first = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    if (at_ == first) return false;
    out_.push_back('"');
    out_.append(text_.substr(first, at_ - first));
    out_.push_back('"');
    return true;
  }

  bool value() {
    const char c = text_[at_];
    if (c == '{' || c == '[') {
      if (stack_.size() >= kMaxDepth) return false;
      ++at_;
      out_.push_back(c);
      stack_.push_back(c);
      has_elements_ = false;
      return true;
    }
    has_elements_ = true;
    if (c == '"' || c == '\'') return string(c);
    std::size_t end = at_;
    while (end < text_.size() && (is_word(text_[end]) || text_[end] == '.' || text_[end] == '+'))
      ++end;
    const std::string_view word = text_.substr(at_, end - at_);
    at_ = end;
    for (const auto& [name, json] : kWords) {
      if (word != name) continue;
      out_.append(json);
      return true;
    }
    if (word.empty() || json_number_length(word) != word.size()) return false;
    out_.append(word);
    return true;
  }

  bool string(char quote) {
    ++at_;
    std::string inside;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        if (text_[at_ + 1] != '\'') inside.push_back('\\');
        inside.push_back(text_[at_ + 1]);
        at_ += 2;
        continue;
      }
      if (text_[at_] == '\\') break;  // a lone backslash at the end
      if (text_[at_] == '"') inside.push_back('\\');
      inside.push_back(text_[at_++]);
    }
    if (at_ < text_.size()) ++at_;
    out_.push_back('"');
    append_clean_raw(out_, inside);
    out_.push_back('"');
    return true;
  }

  std::string_view text_;
  std::string stack_;
  bool has_elements_;
  std::size_t at_ = 0;
  std::string out_;
};

}  // namespace

std::size_t json_number_length(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t first = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at - first;
  };
  if (at < text.size() && text[at] == '-') ++at;
  const std::size_t first = at;
  const std::size_t count = digits();
  if (count == 0) return 0;
  if (count > 1 && text[first] == '0') return first + 1;
  std::size_t good = at;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits() == 0) return good;
    good = at;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return good;
    good = at;
  }
  return good;
}

bool repair_json(std::string_view rest, std::string stack, bool has_elements, std::string& out) {
  Repair repair(rest, std::move(stack), has_elements);
  if (!repair.run()) return false;
  out.append(repair.out());
  return true;
}

}  // namespace clasp::translate
