// Which of the declared tools take part in a call, when tools may be deferred, found, added and
// removed in the course of a conversation (translation spec §3.5). Private to this room.
#pragma once

#include <vector>

#include "core/translate/translation.h"

namespace clasp::translate {

struct ActiveTool {
  const wire::Tool* tool = nullptr;
  bool deferred = false;
  bool referenced = false;  // named by a search result, a reference or an addition
  // The block that brought it in, where it would not be there without.
  const wire::Block* brought_by = nullptr;
};

// In the order of declaration; tools that were added inline come last, and live in `t`.
std::vector<ActiveTool> active_tools(Translation& t);

}  // namespace clasp::translate
