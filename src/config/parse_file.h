// The text of a configuration file into its entries, with line numbers. Knows the syntax only, no
// option and no disk.
//
// Sections in brackets, `key = value` lines, comments from '#' or ';' at the start of a line and
// from ';' after a blank. No quotes, no continuation lines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace clasp::config {

struct FileEntry {
  int line = 0;
  std::string section;  // the text between the brackets
  std::string key;      // empty: the section begins here
  std::string value;
};

struct FileProblem {
  int line = 0;
  std::string message;
};

struct FileText {
  std::vector<FileEntry> entries;
  std::vector<FileProblem> problems;  // any: the entries are not to be used
};

inline constexpr std::size_t kMaxFile = 1 << 20;

FileText parse_file(std::string_view text);

}  // namespace clasp::config
