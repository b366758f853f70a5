// Any bytes as an answer, whole and in pieces: the outcome must not depend on the cuts, and the
// parser must keep to its own promises.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "core/wire/http_response.h"

namespace {

using Parser = clasp::wire::HttpResponseParser;

struct Outcome {
  std::string body;
  int status = 0;
  std::size_t consumed = 0;
  bool head = false;
  bool complete = false;
  bool proper_end = false;
  bool may_reuse = false;
  Parser::Fault fault = Parser::Fault::none;
  bool operator==(const Outcome&) const = default;
};

void require(bool condition) {
  if (!condition) std::abort();
}

// `step` bytes at a time, each piece in memory of exactly its size; 0 means all at once.
Outcome run(const std::uint8_t* data, std::size_t size, std::size_t step, Parser::Asked asked) {
  Parser parser(asked);
  Outcome out;
  while (out.consumed < size && !out.complete && parser.fault() == Parser::Fault::none) {
    const std::size_t n = step == 0 ? size : std::min(step, size - out.consumed);
    const std::unique_ptr<char[]> piece(new char[n]);
    std::memcpy(piece.get(), data + out.consumed, n);
    const Parser::Step taken = parser.feed(piece.get(), n);
    require(taken.consumed <= n);
    require(taken.consumed == n || taken.complete || parser.fault() != Parser::Fault::none);
    require(!taken.head || !out.head);
    require(taken.body.empty() || out.head || taken.head);
    out.body += taken.body;
    out.head = out.head || taken.head;
    out.complete = taken.complete;
    out.consumed += taken.consumed;
  }
  require(!out.complete || parser.fault() == Parser::Fault::none);
  require(parser.is_complete() == out.complete);
  out.proper_end = parser.finish();
  out.may_reuse = parser.may_reuse();
  out.status = out.head ? parser.status() : 0;
  out.fault = parser.fault();
  if (out.fault != Parser::Fault::none) out.consumed = 0;  // how far it looked is its own affair
  require(out.fault == Parser::Fault::none || !parser.message().empty());
  char more[] = "x";
  if (out.complete) require(parser.feed(more, 1).consumed == 0);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto asked = static_cast<Parser::Asked>(data[0] % 3);
  const std::size_t step = data[1];
  data += 2;
  size -= 2;
  const Outcome whole = run(data, size, 0, asked);
  require(whole == run(data, size, step + 1, asked));
  if (size < 4096) require(whole == run(data, size, 1, asked));
  return 0;
}
