// Summaries of whole conversations (translation spec §1.10): an ordinary call whose last message
// asks for the summary. Private to this room.
#pragma once

#include "base/result.h"
#include "core/wire/anthropic_request.h"
#include "core/wire/api_error.h"

namespace clasp::translate {

// The call that makes the summary. Refuses what would shape an answer and not a summary.
Result<wire::MessagesRequest, wire::ApiError> compaction_request(
    const wire::MessagesRequest& request);

}  // namespace clasp::translate
