// W3C Trace Context: the headers by which a request says which trace it belongs to. Strict; what is
// not valid counts as not there, as the standard wants it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/wire/headers.h"

namespace clasp::wire {

struct TraceParent {
  std::string trace_id;     // 32 lower-case hex digits, not all zero
  std::string parent_id;    // 16 of them: the caller's span
  unsigned char flags = 0;  // those that are known: kSampled, kRandomId
  bool sampled() const;
};
inline constexpr unsigned char kSampled = 1;   // the caller records the trace
inline constexpr unsigned char kRandomId = 2;  // its id is random

// Longer is cut, at an entry's end.
inline constexpr std::size_t kMostTraceState = 512;
inline constexpr std::size_t kMostTraceStateEntries = 32;

std::optional<TraceParent> parse_traceparent(std::string_view text);
std::string render_traceparent(const TraceParent& parent);

// The entries of all tracestate lines, joined; empty when there are none, or one is wrong.
std::string join_tracestate(const Headers& headers);

struct TraceContext {
  TraceParent parent;
  std::string traceparent;  // as it came
  std::string tracestate;
};

// Nothing without exactly one valid traceparent.
std::optional<TraceContext> read_trace_context(const Headers& headers);

}  // namespace clasp::wire
