// Mending of nearly-JSON: what models write when they slip into Python or JavaScript.
#pragma once

#include <string>
#include <string_view>

namespace clasp::translate {

// `stack` holds the containers ('{', '[') that are open where `rest` begins; `has_elements` tells
// whether the innermost already has one. Appends to `out` a text that completes them to valid
// JSON; false (and `out` unchanged) when `rest` makes no sense. Accepted beyond JSON: single
// quotes, bare keys, True/False/None/undefined/NaN, stray and missing commas, a missing end.
bool repair_json(std::string_view rest, std::string stack, bool has_elements, std::string& out);

// Length of the longest prefix of `text` that is a JSON number, 0 when there is none.
std::size_t json_number_length(std::string_view text);

}  // namespace clasp::translate
