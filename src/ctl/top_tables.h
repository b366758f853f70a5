// The three tables of claspctl top.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/top_view.h"

namespace clasp::ctl {

struct TopRows {
  TopSort sort = TopSort::given;
  bool reverse = false;
  std::size_t first = 0, count = 0;
};

// The heading and so many rows at most; the heading says how many are hidden. `view` is not the
// overview.
std::vector<std::string> top_table(const TopData& data, TopView view, const TopRows& rows,
                                   std::size_t columns, const Look& look);

std::string_view sort_name(TopSort sort);
std::string rate_text(Rate rate);                 // "0", "9.4", "12", "12k"; "-": unknown
std::string cost_text(std::string_view dollars);  // "$1.2345"; "-": nothing
std::string latency_text(Milliseconds latency);   // "<1ms", "812ms", "3.1s"; "-": none ended

}  // namespace clasp::ctl
