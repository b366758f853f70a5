// The SSE parser on any bytes in any split: same events however the bytes are cut, limits kept.
#include <cstdlib>
#include <string>
#include <vector>

#include "core/wire/sse.h"

using clasp::wire::SseEvent;
using clasp::wire::SseParser;

namespace {

constexpr std::size_t kLimit = 512;

bool parse(std::string_view text, std::size_t step, std::vector<std::string>& events) {
  SseParser parser(kLimit);
  const auto drain = [&] {
    SseEvent event;
    for (;;) {
      const auto next = parser.next(event);
      if (next == SseParser::Next::more) return true;
      if (next == SseParser::Next::too_long) return false;
      if (event.data.size() > 2 * kLimit) abort();
      events.push_back(std::string(event.name) + "\x01" + std::string(event.data));
    }
  };
  for (std::size_t at = 0; at < text.size(); at += step) {
    const std::string piece(text.substr(at, step));
    parser.feed(piece);
    if (!drain()) return false;
  }
  parser.feed({});
  parser.end();
  return drain();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 1 || size > 4096) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::vector<std::string> whole, pieces;
  const bool fine = parse(text, text.size() + 1, whole);
  const bool fine_too = parse(text, 1u + data[0] % 17, pieces);
  // Above the limit the cut decides when it is noticed.
  if (fine && fine_too && whole != pieces) abort();
  return 0;
}
