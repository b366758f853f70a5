// A table of text: columns as wide as their longest cell, two blanks between.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace clasp::ctl {

// How wide it is on a screen: bytes that continue a UTF-8 character take no place.
inline std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](unsigned char c) { return (c & 0xc0) != 0x80; }));
}

class Table {
 public:
  explicit Table(std::vector<std::string> heading) { rows_.push_back(std::move(heading)); }
  void add(std::vector<std::string> row) {
    // A name with an end of line in it must not make up a row.
    for (std::string& cell : row) std::replace(cell.begin(), cell.end(), '\n', '?');
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
