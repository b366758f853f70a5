// A table of text: columns as wide as their longest cell, two blanks between, and not wider than
// the terminal.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/width.h"

namespace clasp::ctl {

// Without what a terminal would obey: names come from whoever asks.
std::string harmless(std::string_view text);

// What may become of a column where there is little room.
struct Fit {
  int drop = 0;            // left out, those with the highest number first; 0: never
  std::size_t shrink = 0;  // its cells are cut, to this width at most; 0: never
  std::size_t least = 0;   // not narrower, so that a picture that moves stands still
  bool right = false;      // numbers
};

struct Column {
  std::string name;
  Fit fit;
  Column(const char* text, Fit how = {}) : name(text), fit(how) {}
  Column(std::string text, Fit how = {}) : name(std::move(text)), fit(how) {}
};

class Table {
 public:
  // What colours a cell that is padded already. Takes no place.
  using Painter = std::function<std::string(std::string_view cell)>;

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<std::string> row);
  void paint(std::size_t column, Painter painter) { painters_.push_back({column, painter}); }
  bool empty() const { return rows_.empty(); }
  std::size_t size() const { return rows_.size(); }

  // The heading first. `width` of the terminal; 0: as wide as it gets, with all columns.
  std::vector<std::string> lines(std::size_t width, std::string_view indent = "") const;
  std::string render(std::size_t width, std::string_view indent = "") const;

 private:
  struct Paint {
    std::size_t column;
    Painter painter;
  };
  std::vector<std::size_t> natural_widths() const;
  std::string line(const std::vector<std::string>& row, const std::vector<std::size_t>& widths,
                   bool heading) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<Paint> painters_;
};

}  // namespace clasp::ctl
