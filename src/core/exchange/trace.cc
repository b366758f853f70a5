// See trace.h.
#include "core/exchange/trace.h"

#include "base/text.h"

namespace clasp::exchange {

namespace {

std::string hex_id(Random& random, std::size_t words) {
  std::string bytes;
  for (std::size_t i = 0; i < words; ++i) {
    std::uint64_t word = random.next();
    if (word == 0) word = 1;  // an id of zeros only is none
    for (int shift = 56; shift >= 0; shift -= 8)
      bytes.push_back(static_cast<char>(word >> shift & 0xFF));
  }
  return to_hex(bytes);
}

}  // namespace

std::unique_ptr<Trace> Trace::make(const config::TracingSettings& settings,
                                   const wire::Headers& headers, Random& random) {
  const bool exports = !settings.otlp_url.empty();
  auto context = wire::read_trace_context(headers);
  if (!context && !exports) return nullptr;
  wire::TraceParent parent;
  if (context)
    parent = context->parent;
  else
    parent = {hex_id(random, 2), {}, wire::kSampled | wire::kRandomId};
  std::unique_ptr<Trace> trace(new Trace(std::move(parent), random));
  trace->forward_ = settings.forward;
  if (context) {
    trace->traceparent_ = std::move(context->traceparent);
    trace->tracestate_ = std::move(context->tracestate);
  }
  // Who began the trace decides whether it is recorded.
  if (!exports || !trace->parent_.sampled()) return trace;
  trace->spans_ = std::make_shared<SpanFacts>();
  trace->spans_->span_id = hex_id(random, 1);
  trace->spans_->parent_id = trace->parent_.parent_id;
  trace->spans_->tracestate = trace->tracestate_;
  trace->spans_->flags = trace->parent_.flags;
  return trace;
}

// Without spans of our own the backend's caller is, for the trace, still our client.
void Trace::begin_attempt(wire::Headers& headers, AttemptSpan attempt) {
  std::string traceparent = traceparent_;
  if (spans_) {
    attempt.span_id = hex_id(random_, 1);
    traceparent = wire::render_traceparent({parent_.trace_id, attempt.span_id, parent_.flags});
    spans_->attempts.push_back(std::move(attempt));
    running_ = true;
  }
  if (!forward_) return;
  headers.add("traceparent", traceparent);
  if (!tracestate_.empty()) headers.add("tracestate", tracestate_);
}

void Trace::end_attempt(std::int64_t now_us, int status, std::string_view error) {
  if (!running_) return;
  running_ = false;
  AttemptSpan& attempt = spans_->attempts.back();
  attempt.end_us = now_us;
  attempt.status = status;
  attempt.error = error;
  if (error.empty() && status >= 400) attempt.error = std::to_string(status);
}

}  // namespace clasp::exchange
