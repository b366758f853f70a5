// The output items of the Responses API, read with simdjson. For the .cc files of this room only.
#pragma once

#include "core/wire/openai_responses.h"
#include "core/wire/openai_shared.h"

namespace clasp::wire {

// Lists inside go to the event's vectors.
ResponsesItem take_item(od::value& value, ResponsesEvent& event);
ResponsesPart take_part(od::value& value, ResponsesEvent& event);

}  // namespace clasp::wire
