// Top-level members of the request that no field of the client stands behind: what the
// configuration adds, and what a backend was found not to know. Private to this room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/translate/translation.h"

namespace clasp::translate {

// Adds the target's extra members, but none that `out` has already: those that CLASP writes win.
// `out` is a body that is still open; only what stands behind `from` is looked at, and `earlier`,
// members that were written in front of it.
void append_extra(std::string& out, const Translation& t, std::string_view earlier,
                  std::size_t from);

// The body without these members. Rare, so it is simply read again.
std::string without_fields(std::string body, const std::vector<std::string>& fields);

}  // namespace clasp::translate
