// A table of text: columns as wide as their longest cell, two blanks between.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace clasp::ctl {

// How wide it is on a screen: bytes that continue a UTF-8 character take no place.
inline std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](unsigned char c) { return (c & 0xc0) != 0x80; }));
}

// Without what a terminal would obey: names come from whoever asks.
inline std::string harmless(std::string_view text) {
  std::string out(text);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto c = static_cast<unsigned char>(out[i]);
    const bool second = i > 0 && static_cast<unsigned char>(out[i - 1]) == 0xc2 && c < 0xa0;
    if (c < 0x20 || c == 0x7f) out[i] = '?';
    if (second) out[i] = '\xbf';  // C1: another character of the same two bytes
  }
  return out;
}

class Table {
 public:
  explicit Table(std::vector<std::string> heading) { rows_.push_back(std::move(heading)); }
  void add(std::vector<std::string> row) {
    for (std::string& cell : row) cell = harmless(cell);
    rows_.push_back(std::move(row));
  }
  bool empty() const { return rows_.size() == 1; }

  std::string render(std::string_view indent = "") const {
    std::vector<std::size_t> widths(rows_.front().size(), 0);
    for (const auto& row : rows_)
      for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i)
        widths[i] = std::max(widths[i], width_of(row[i]));
    std::string out;
    for (const auto& row : rows_) {
      out.append(indent);
      for (std::size_t i = 0; i < row.size(); ++i) {
        out.append(row[i]);
        if (i + 1 < row.size()) out.append(widths[i] - width_of(row[i]) + 2, ' ');
      }
      out.push_back('\n');
    }
    return out;
  }

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace clasp::ctl
