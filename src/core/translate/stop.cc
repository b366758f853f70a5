// The table of finish reasons.
#include "core/translate/stop.h"

#include "base/text.h"

namespace clasp::translate {

namespace {

struct Row {
  std::string_view name;
  Finish finish;
};

// Compared without case.
constexpr Row kReasons[] = {
    {"stop", Finish::stop},
    {"tool_calls", Finish::tool_calls},
    {"length", Finish::length},
    {"function_call", Finish::tool_calls},
    {"tool_use", Finish::tool_calls},
    {"eos", Finish::stop},
    {"eos_token", Finish::stop},
    {"end_turn", Finish::stop},
    {"completed", Finish::stop},
    {"stop_sequence", Finish::stop},
    {"max_tokens", Finish::length},
    {"model_length", Finish::length},
    {"content_filter", Finish::content_filter},
    {"content_filtered", Finish::content_filter},
    {"safety", Finish::content_filter},
    {"recitation", Finish::content_filter},
    {"prohibited_content", Finish::content_filter},
    {"blocklist", Finish::content_filter},
    {"spii", Finish::content_filter},
    {"refusal", Finish::content_filter},
    {"error", Finish::error},
    {"insufficient_system_resource", Finish::overloaded},
    {"repeat", Finish::aborted},
    {"abort", Finish::aborted},
    {"aborted", Finish::aborted},
    {"cancelled", Finish::aborted},
    {"canceled", Finish::aborted},
};

// What prevails when several reasons meet; failures always do.
int rank(Finish finish) {
  switch (finish) {
    case Finish::none:
      return 0;
    case Finish::unknown:
      return 1;
    case Finish::stop:
      return 2;
    case Finish::content_filter:
      return 3;
    case Finish::length:
      return 4;
    case Finish::tool_calls:
      return 5;
    case Finish::aborted:
      return 6;
    case Finish::overloaded:
      return 7;
    case Finish::error:
      return 8;
  }
  return 0;
}

}  // namespace

Finish parse_finish(std::string_view finish_reason) {
  for (const Row& row : kReasons)
    if (iequals(row.name, finish_reason)) return row.finish;
  return Finish::unknown;
}

Finish merge_finish(Finish a, Finish b) {
  return rank(b) > rank(a) ? b : a;
}

std::string_view choose_stop_reason(const StopFacts& facts) {
  if (facts.local_stop) return "stop_sequence";
  if (facts.refused || facts.finish == Finish::content_filter) return "refusal";
  if (facts.finish == Finish::length)
    return facts.context_full ? "model_context_window_exceeded" : "max_tokens";
  if (facts.tool_blocks) return "tool_use";
  if (facts.backend_stop || facts.native_stop) return "stop_sequence";
  return "end_turn";
}

}  // namespace clasp::translate
