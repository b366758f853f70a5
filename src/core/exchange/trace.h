// An exchange as a part of its client's trace: which headers its attempts carry, and what is told
// to whoever collects spans. Spans never hold anything of prompts or answers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "config/settings.h"
#include "core/wire/trace_context.h"

namespace clasp::exchange {

// One attempt at a backend. Times count from the exchange's begin.
struct AttemptSpan {
  std::string span_id;  // 16 hex digits
  std::string backend, provider, model;
  std::string url;  // scheme, host and port of it are shown
  std::int64_t start_us = 0, end_us = 0;
  int status = 0;     // of the backend, 0: none came
  std::string error;  // a class of failures, or the status; empty: none
};

// What the collector hears besides the record.
struct SpanFacts {
  std::string span_id;
  std::string parent_id;  // empty: the trace begins here
  std::string tracestate;
  unsigned char flags = wire::kSampled;
  std::vector<AttemptSpan> attempts;
};

class Trace {
 public:
  // Null when the client names no trace and none is begun. One is begun where spans are exported.
  static std::unique_ptr<Trace> make(const config::TracingSettings& settings,
                                     const wire::Headers& headers, Random& random);

  const std::string& trace_id() const { return parent_.trace_id; }
  // Adds the headers that go to a backend.
  void begin_attempt(wire::Headers& headers, AttemptSpan attempt);
  // Of the one that runs, if one does.
  void end_attempt(std::int64_t now_us, int status, std::string_view error);
  // Null when no spans are to be exported.
  std::shared_ptr<const SpanFacts> take_spans() { return std::move(spans_); }

 private:
  Trace(wire::TraceParent parent, Random& random) : parent_(std::move(parent)), random_(random) {}

  wire::TraceParent parent_;
  Random& random_;
  bool forward_ = false;
  bool running_ = false;
  std::string traceparent_, tracestate_;  // as the client sent them
  std::shared_ptr<SpanFacts> spans_;
};

}  // namespace clasp::exchange
