// What both targets of whole replies share: the options that the first bytes choose, and what must
// hold of the client's answer whatever the backend said.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "../unit/support/reply_kit.h"

namespace clasp::test {

inline void set_options(translate::ReplyContext& context, unsigned char flags,
                        unsigned char which) {
  context.single_tool_call = flags & 1;
  context.web_search = flags & 2;
  context.thinking_disabled = flags & 4;
  context.thinking_omitted = flags & 8;
  context.keep_states = flags & 16;
  if (flags & 32) context.stop_sequences = context.local_stops = {"STOP", "ST", "\n\n"};
  if (flags & 64) context.prefill = "Hi";
  context.beta = flags & 128;
  if (which & 128) context.compaction = context.thinking_disabled = true;
}

inline void report(const std::string& problem, const std::string& sse) {
  std::fprintf(stderr, "%s\n%s\n", problem.c_str(), sse.c_str());
  abort();
}

inline void check_stream(const Outcome& out) {
  Grammar grammar;
  const std::string problem = out.done() ? grammar.check_complete(out.sse) : grammar.check(out.sse);
  if (!problem.empty()) report(problem, out.sse);
  if (!out.done() && !out.failed()) report("neither done nor failed", out.sse);
  if (out.failed() && (grammar.stopped() || out.error.message.empty()))
    report("failed badly", out.sse);
}

inline void check_message(const Outcome& out) {
  if (!out.done()) return;
  const Json message = parse_json(out.sse);
  if (!message || !json_is_array(json_object_get(message.get(), "content")))
    report("not a Message", out.sse);
}

// jansson refuses integers above 64 bits and reals out of range, which are good JSON.
inline bool has_long_number(std::string_view text) {
  std::size_t run = 0;
  for (const char c : text) {
    const bool numeric = (c >= '0' && c <= '9') || c == 'e' || c == 'E' || c == '+' || c == '.';
    run = numeric ? run + 1 : 0;
    if (run > 3) return true;
  }
  return false;
}

// Maker makes a well-formed reply of a recipe; context_of(flags, which) gives the reply's context.
template <class Maker, class ContextOf>
int fuzz_whole_reply(const unsigned char* data, std::size_t size, ContextOf context_of) {
  if (size < 4 || size > 16384) return 0;
  std::string text(reinterpret_cast<const char*>(data) + 4, size - 4);
  // Half of the inputs are a recipe for a well-formed reply instead of the reply itself.
  if (data[3] & 1)
    text = Maker(text).make();
  else if (has_long_number(text))
    return 0;
  const translate::ReplyContext context = context_of(data[0], data[1]);
  const Outcome whole = stream(context, text);
  check_stream(whole);
  const Outcome pieces = stream(context, text, 1u + data[2] % 31);
  check_stream(pieces);
  if (whole.state != pieces.state || whole.sse != pieces.sse) report("the split matters", text);
  check_message(collect(context, text));
  check_message(plain(context, text));
  check_stream(document(context, text));
  return 0;
}

}  // namespace clasp::test
