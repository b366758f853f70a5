// Local context editing (translation spec §1.9): old tool results and old thinking taken out of the
// conversation before it is translated. Private to this room.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "core/translate/context_options.h"
#include "core/translate/dialect.h"
#include "core/wire/anthropic_request.h"

namespace clasp::translate {

struct ContextEdits {
  std::optional<wire::MessagesRequest> request;  // as edited; nothing: nothing was applied
  std::string applied_json;                      // {"applied_edits":[…]}, empty: nothing applied
  // Index of the first block whose turn keeps its thinking, for state that is not in a block.
  std::size_t thinking_from = 0;
};

// A pure function of the conversation, in such a way that what was cleared in one request is
// cleared in all later ones, and more is only cleared when the trigger is reached again.
ContextEdits edit_context(const wire::MessagesRequest& request, const ContextOptions& options,
                          const Dialect& dialect);

// True when the backend refuses or mistreats calls that come back without their state.
bool requires_state(const Dialect& dialect);

}  // namespace clasp::translate
