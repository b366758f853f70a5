// How wide text is on a terminal, and making it as wide as it may be. Names of models and clients
// may be in any script.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace clasp::ctl {

// Columns: most characters take one, those of East Asia and pictures two, marks that are put upon
// others none. What is no UTF-8 takes one a byte.
std::size_t width_of(std::string_view text);

// Not wider than `columns`; a text that is cut ends with "…".
std::string fit(std::string_view text, std::size_t columns);

// In lines that are not wider, between words; those after the first begin with the indent. 0: one
// line.
std::string wrap(std::string_view text, std::size_t columns, std::size_t indent);

// Exactly so wide.
std::string pad(std::string_view text, std::size_t columns, bool right = false);

}  // namespace clasp::ctl
