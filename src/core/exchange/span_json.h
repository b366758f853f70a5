// Spans as OTLP spells them in JSON, with attributes by OpenTelemetry's conventions for HTTP and
// for generative AI. Made from the record only: no prompt, no answer, no key.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/exchange/record.h"

namespace clasp::exchange {

// The exchange's span and one per attempt, as objects with commas between; empty when the record
// has no spans. `end_unix_ns`: when it was over.
std::string render_spans(const Record& record, std::int64_t end_unix_ns);

// The body that carries such texts.
std::string render_span_export(const std::vector<std::string>& spans, std::string_view version);

}  // namespace clasp::exchange
