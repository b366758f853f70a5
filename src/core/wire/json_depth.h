// Why reading a document stopped: the reader that skims 32 MB keeps no path, so the one refusal
// that is about shape and not about grammar finds its place afterwards.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace clasp::wire {

// When `text` is one level too deep at `offset` (the reader's, after a failure): the path of the
// outermost levels there, such as "messages.3.content.0.input". Nothing when something else is
// wrong. What stands before `offset` must be the beginning of valid JSON.
std::optional<std::string> too_deep_at(std::string_view text, std::size_t offset);

}  // namespace clasp::wire
