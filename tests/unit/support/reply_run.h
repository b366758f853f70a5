// A stream that is fed to the translation whole and byte by byte, and what came of it: for tests
// that look at one reply.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/translate/signature.h"
#include "reply_kit.h"

namespace clasp::test {

struct StreamRun {
  Outcome out;
  Grammar grammar;
  explicit StreamRun(const std::string& input, translate::ReplyContext context = make_context()) {
    out = stream(context, input);
    const Outcome bytes = stream(context, input, 1);
    CHECK(bytes.sse == out.sse);
    CHECK(bytes.state == out.state);
    CHECK((out.done() ? grammar.check_complete(out.sse) : grammar.check(out.sse)) == "");
  }
  const std::vector<std::string>& blocks() const { return grammar.blocks(); }
  std::string stop() const { return json_text(json_object_get(grammar.message(), "stop_reason")); }
  std::string sequence() const {
    return json_text(json_object_get(grammar.message(), "stop_sequence"));
  }
  std::string usage(const char* key) const {
    return dump_json(json_object_get(json_object_get(grammar.message(), "usage"), key));
  }
  const json_t* block(std::size_t n) const {
    return json_array_get(json_object_get(grammar.message(), "content"), n);
  }
  std::string at(std::size_t n, const char* key) const {
    return dump_json(json_object_get(block(n), key));
  }
  // State of the n-th thinking block, as "kind json".
  std::string state(std::size_t n) const {
    if (n >= grammar.signatures().size()) return "(none)";
    const auto state = translate::decode_signature(grammar.signatures()[n]);
    return state ? state->kind + (" " + state->state_json) : "(broken)";
  }
};

}  // namespace clasp::test
