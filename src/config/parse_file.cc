// Reading the file's syntax with inih. The library takes its lines from LineSource, which keeps
// it away from its three traps: a line longer than its buffer is cut (LineSource hands it on as
// continuation lines that on_entry joins again), an indented line continues the value before it
// (LineSource strips the indent), and ':' separates like '=' (on_entry undoes that).
#include "config/parse_file.h"

#include <ini.h>

#include <algorithm>

#include "base/text.h"

namespace clasp::config {
namespace {

constexpr std::size_t kMaxLine = 16 * 1024;
constexpr std::size_t kMaxSection = 48;  // inih cuts longer names silently
constexpr std::size_t kMaxKey = 128;     // must stand in inih's first piece of the line
constexpr std::size_t kMaxEntries = 5000;
constexpr std::size_t kMaxProblems = 20;

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

// Where a piece of a long line may end: inih trims blanks off both pieces, and takes a piece that
// begins with a comment character for a comment.
bool can_split(std::string_view text, std::size_t at) {
  const char before = text[at - 1], after = text[at];
  return !is_blank(before) && !is_blank(after) && after != ';' && after != '#';
}

std::string_view without_comment(std::string_view line) {
  for (std::size_t i = 1; i < line.size(); ++i)
    if (line[i] == ';' && is_blank(line[i - 1])) return trim(line.substr(0, i));
  return line;
}

class LineSource {
 public:
  explicit LineSource(std::string_view text) : rest_(text) {}

  // fgets as inih calls it; `size` includes the terminator.
  char* read(char* buffer, int size) noexcept {
    constexpr int kLeast = 160;  // kMaxKey and what surrounds it
    if (size < kLeast) return nullptr;
    continued_ = !unseen_.empty();
    if (!continued_ && !next_line()) return nullptr;
    char* out = buffer;
    if (continued_) *out++ = ' ';  // inih: an indented line continues the value
    const std::string_view piece = take_piece(static_cast<std::size_t>(size) - 3);
    piece.copy(out, piece.size());
    out += piece.size();
    *out++ = '\n';
    *out = '\0';
    return buffer;
  }

  void on_entry(const char* section, const char* name, const char* value) {
    if (!continued_)
      add(section, name, value);
    else if (!result.entries.empty())
      result.entries.back().value.append(value);
  }

  FileText result;

 private:
  // Goes to the next line that inih should see.
  bool next_line() {
    while (!rest_.empty() && result.problems.size() < kMaxProblems) {
      const auto end = rest_.find('\n');
      std::string_view line = rest_.substr(0, end);
      rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
      ++line_number_;
      if (line_number_ == 1 && line.substr(0, 3) == "\xef\xbb\xbf") line.remove_prefix(3);
      line = trim(line);
      if (line.empty() || line.front() == ';' || line.front() == '#') continue;
      line = without_comment(line);
      const std::string_view complaint = check(line);
      if (complaint.empty()) {
        line_ = unseen_ = line;
        return true;
      }
      result.problems.push_back({line_number_, std::string(complaint)});
    }
    return false;
  }

  // What is wrong with the line, empty: nothing. Notes the beginning of a section.
  std::string_view check(std::string_view line) {
    if (line.size() > kMaxLine) return "the line is longer than 16384 characters";
    for (unsigned char c : line)
      if ((c < 0x20 && c != '\t') || c == 0x7f) return "the line holds a control character";
    if (!is_valid_utf8(line)) return "the line is not valid UTF-8";
    if (result.entries.size() >= kMaxEntries) return "the file has too many lines";
    if (line.front() == '[') return check_section(line);
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return "expected `key = value` or `[section]`";
    if (equals == 0 || line.front() == ':') return "there is no key before the =";
    if (equals > kMaxKey) return "the key is longer than 128 characters";
    return {};
  }

  std::string_view check_section(std::string_view line) {
    const auto close = line.find(']');
    if (close == std::string_view::npos) return "the section has no closing ]";
    if (close + 1 != line.size()) return "nothing may follow the section's ]";
    const std::string_view name = line.substr(1, close - 1);
    if (name.size() > kMaxSection) return "the section's name is longer than 48 characters";
    if (trim(name).empty() || trim(name) != name)
      return "the section's name is empty or has blanks around it";
    result.entries.push_back({line_number_, std::string(name), "", ""});
    return {};
  }

  // The next part of the line that fits, nearly always all of it.
  std::string_view take_piece(std::size_t room) {
    std::size_t length = std::min(unseen_.size(), room);
    if (length < unseen_.size())
      while (length > kMaxKey && !can_split(unseen_, length)) --length;
    if (length < unseen_.size() && !can_split(unseen_, length)) {
      result.problems.push_back(
          {line_number_, "the value is too long to have so many blanks or semicolons"});
      length = unseen_.size();
      unseen_ = {};
      return {};
    }
    const std::string_view piece = unseen_.substr(0, length);
    unseen_.remove_prefix(length);
    return piece;
  }

  void add(const char* section, const char* name, std::string_view value) {
    FileEntry entry{line_number_, section, name, ""};
    // inih splits at the first of '=' and ':'; a model's name may hold a colon.
    if (line_[line_.find_first_of("=:")] == ':') {
      const auto equals = line_.find('=');
      entry.key = trim(line_.substr(0, equals));
      value.remove_prefix(std::min(value.size(), value.find('=') + 1));
      value = trim(value);
    }
    entry.value = value;
    result.entries.push_back(std::move(entry));
  }

  std::string_view rest_;    // lines not looked at yet
  std::string_view line_;    // the current one
  std::string_view unseen_;  // what of it inih has not been given
  int line_number_ = 0;
  bool continued_ = false;  // inih's current line is a later piece of line_
};

char* read_line(char* buffer, int size, void* source) noexcept {
  return static_cast<LineSource*>(source)->read(buffer, size);
}

int on_entry(void* source, const char* section, const char* name, const char* value) noexcept {
  static_cast<LineSource*>(source)->on_entry(section, name, value);
  return 1;
}

}  // namespace

FileText parse_file(std::string_view text) {
  if (text.size() > kMaxFile) return {{}, {{1, "the file is larger than 1 MB"}}};
  LineSource source(text);
  const int status = ini_parse_stream(read_line, &source, on_entry, &source);
  if (status != 0 && source.result.problems.empty())
    source.result.problems.push_back({1, "the file cannot be parsed"});
  return std::move(source.result);
}

}  // namespace clasp::config
