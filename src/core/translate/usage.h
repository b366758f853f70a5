// Token counts as the backend reports them -> as the client wants them (translation spec §4.6).
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/translate/reply.h"
#include "core/wire/openai_chat.h"

namespace clasp::translate {

// Keeps the latest report; one of zeros says nothing (no prompt has no tokens).
void remember_usage(wire::ChatUsage& latest, const wire::ChatUsage& report);

// `output_bytes` of text and tool input were emitted: what the estimate goes by where the backend
// reports nothing. `output_from_total`: see Dialect.
Usage translate_usage(const wire::ChatUsage& report, std::int64_t input_estimate,
                      std::size_t output_bytes, bool output_from_total);

}  // namespace clasp::translate
