// Why an answer ended: the many spellings of finish_reason, and the stop_reason the client gets
// (translation spec §4.4).
#pragma once

#include <string_view>

namespace clasp::translate {

enum class Finish {
  none,  // not seen
  stop,
  tool_calls,
  length,
  content_filter,
  overloaded,  // the backend ran out of resources
  error,       // the backend says the answer failed
  aborted,
  unknown,
};

Finish parse_finish(std::string_view finish_reason);
// Two choices of one answer, or two reasons of one choice, merged to the one that matters most.
Finish merge_finish(Finish a, Finish b);

struct StopFacts {
  Finish finish = Finish::none;
  bool refused = false;       // a refusal text came
  bool tool_blocks = false;   // a tool_use block was emitted
  bool local_stop = false;    // one of our own stop sequences matched
  bool backend_stop = false;  // the backend says which stop sequence it met
  bool native_stop = false;   // it met one but does not say which
  bool context_full = false;  // the context window, not the cap, ended it
};

std::string_view choose_stop_reason(const StopFacts& facts);

}  // namespace clasp::translate
