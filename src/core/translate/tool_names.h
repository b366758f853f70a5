// Names and ids of tools on the way to the backend (translation spec §3.2, §3.8): pure functions
// of the client's name, so that a declaration, its calls in the history and tool_choice agree
// without a table.
#pragma once

#include <string>
#include <string_view>

#include "core/translate/dialect.h"
#include "core/translate/family.h"

namespace clasp::translate {

// The function name for a tool of the client. `toolset` is empty for most tools.
std::string tool_wire_name(std::string_view name, std::string_view toolset, const Dialect& dialect);

// The id for a tool call of the history.
std::string tool_wire_id(std::string_view id, const Dialect& dialect, const Profile& profile);

// The backend's own id inside an id that the reply made ("toolu_clasp…"), else empty.
std::string restored_tool_id(std::string_view id);

}  // namespace clasp::translate
