// See table.h.
#include "ctl/table.h"

#include <algorithm>

namespace clasp::ctl {

namespace {

constexpr std::size_t kGap = 2;
// Of a column that nothing is said about, when nothing else helps.
constexpr std::size_t kNarrowest = 1;

// Together, with the gaps; a width of 0 is a column that is not there.
std::size_t sum_of(const std::vector<std::size_t>& widths) {
  std::size_t sum = 0, count = 0;
  for (const std::size_t width : widths) {
    sum += width;
    count += width > 0 ? 1 : 0;
  }
  return sum + (count > 1 ? (count - 1) * kGap : 0);
}

// Takes `excess` from the widest of those that are wider than their least, as far as that goes.
void narrow(std::vector<std::size_t>& widths, const std::vector<std::size_t>& least,
            std::size_t excess) {
  for (; excess > 0; --excess) {
    std::size_t widest = widths.size();
    for (std::size_t i = 0; i < widths.size(); ++i)
      if (widths[i] > least[i] && (widest == widths.size() || widths[i] > widths[widest]))
        widest = i;
    if (widest == widths.size()) return;
    --widths[widest];
  }
}

// Widths that fit into `room`: cells are cut where that is enough, else columns go, else
// everything is cut.
void squeeze(const std::vector<Column>& columns, std::vector<std::size_t>& widths,
             std::size_t room) {
  for (;;) {
    std::vector<std::size_t> least = widths;
    for (std::size_t i = 0; i < columns.size(); ++i)
      if (columns[i].fit.shrink > 0) least[i] = std::min(widths[i], columns[i].fit.shrink);
    const std::size_t needed = sum_of(widths);
    if (needed <= room) return;
    if (sum_of(least) <= room) return narrow(widths, least, needed - room);
    std::size_t last = columns.size();
    for (std::size_t i = 0; i < columns.size(); ++i)
      if (widths[i] > 0 && columns[i].fit.drop > 0 &&
          (last == columns.size() || columns[i].fit.drop > columns[last].fit.drop))
        last = i;
    if (last == columns.size()) break;
    widths[last] = 0;
  }
  std::vector<std::size_t> least = widths;
  for (std::size_t& one : least) one = std::min(one, kNarrowest);
  narrow(widths, least, sum_of(widths) - room);
}

}  // namespace

std::string harmless(std::string_view text) {
  std::string out(text);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto c = static_cast<unsigned char>(out[i]);
    const bool second = i > 0 && static_cast<unsigned char>(out[i - 1]) == 0xc2 && c < 0xa0;
    if (c < 0x20 || c == 0x7f) out[i] = '?';
    if (second) out[i] = '\xbf';  // C1: another character of the same two bytes
  }
  return out;
}

void Table::add(std::vector<std::string> row) {
  for (std::string& cell : row) cell = harmless(cell);
  row.resize(columns_.size());
  rows_.push_back(std::move(row));
}

std::vector<std::size_t> Table::natural_widths() const {
  std::vector<std::size_t> widths;
  for (const Column& column : columns_)
    widths.push_back(std::max(width_of(column.name), column.fit.least));
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < widths.size(); ++i)
      widths[i] = std::max(widths[i], width_of(row[i]));
  return widths;
}

std::string Table::line(const std::vector<std::string>& row, const std::vector<std::size_t>& widths,
                        bool heading) const {
  std::size_t last = 0;
  for (std::size_t i = 0; i < widths.size(); ++i)
    if (widths[i] > 0) last = i;
  std::string out;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    if (widths[i] == 0) continue;
    // No blanks behind the last one.
    const bool right = columns_[i].fit.right;
    const std::string cell =
        i == last && !right ? fit(row[i], widths[i]) : pad(row[i], widths[i], right);
    const auto paint = std::find_if(painters_.begin(), painters_.end(),
                                    [i](const Paint& one) { return one.column == i; });
    out.append(heading || paint == painters_.end() ? cell : paint->painter(cell));
    if (i != last) out.append(kGap, ' ');
  }
  return out;
}

std::vector<std::string> Table::lines(std::size_t width, std::string_view indent) const {
  std::vector<std::size_t> widths = natural_widths();
  if (width > 0) squeeze(columns_, widths, width > indent.size() ? width - indent.size() : 1);
  std::vector<std::string> names;
  for (const Column& column : columns_) names.push_back(column.name);
  std::vector<std::string> out = {std::string(indent) + line(names, widths, true)};
  for (const auto& row : rows_) out.push_back(std::string(indent) + line(row, widths, false));
  return out;
}

std::string Table::render(std::size_t width, std::string_view indent) const {
  std::string out;
  for (const std::string& one : lines(width, indent)) out.append(one).append("\n");
  return out;
}

}  // namespace clasp::ctl
