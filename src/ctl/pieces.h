// Pieces of which the texts for people are made: units and colours.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/words.h"
#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/table.h"

namespace clasp::ctl {

enum class Hue { good, warning, bad, dim, bold };

std::string paint(std::string_view text, Hue hue, const Look& look);
// Of a state's name; what is not known is left as it is.
std::string paint_state(std::string_view state, const Look& look);
// The same for a cell of a table.
Table::Painter state_painter(const Look& look);

std::string bytes_text(std::int64_t bytes);
std::string milliseconds_text(std::int64_t ms);  // "-" for 0
std::string seconds_text(std::int64_t seconds);
std::string of_most(std::int64_t number, std::int64_t most);  // "3/10", without a most "3"

// Of a backend's object.
std::int64_t failures_of(const json_t* backend);

}  // namespace clasp::ctl
