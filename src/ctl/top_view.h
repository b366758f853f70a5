// The picture of claspctl top: lines of text, from what was measured, the size of the terminal and
// what the user chose. Nothing here knows a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "ctl/ctl.h"
#include "ctl/top_data.h"

namespace clasp::ctl {

struct TopSize {
  std::size_t columns = 80, rows = 24;  // 0: as many as it takes
  bool operator==(const TopSize&) const = default;
};

enum class TopView { overview, backends, clients, requests };
inline constexpr int kTopViews = 4;

enum class TopSort { given, name, in_flight, requests, failed, latency, tokens };
inline constexpr int kTopSorts = 7;

struct TopChoice {
  TopView view = TopView::overview;
  TopSort sort = TopSort::given;
  bool reverse = false;
  bool paused = false;
  bool help = false;
  bool keys = true;        // there is somebody at a keyboard
  std::size_t offset = 0;  // the first row that is shown, of a view of one table
  double interval = 2;
  std::string trouble;  // why there is no news
};

// How many rows the view's table has; the overview is not moved through.
std::size_t count_rows(const TopData& data, TopView view);

// Not more lines than rows, none wider than the columns.
std::vector<std::string> render_top(const TopData& data, const TopChoice& choice, TopSize size,
                                    const Look& look);

}  // namespace clasp::ctl
