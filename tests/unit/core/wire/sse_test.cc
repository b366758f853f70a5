// The SSE parser: every spelling of a line end, every split, and its limits.
#include "core/wire/sse.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using clasp::wire::SseEvent;
using clasp::wire::SseParser;

namespace {

struct Seen {
  std::vector<std::string> events;  // "name|data"
  bool too_long = false;
};

void drain(SseParser& parser, Seen& seen) {
  SseEvent event;
  for (;;) {
    const auto next = parser.next(event);
    if (next == SseParser::Next::more) return;
    if (next == SseParser::Next::too_long) {
      seen.too_long = true;
      return;
    }
    seen.events.push_back(std::string(event.name) + "|" + std::string(event.data));
  }
}

Seen parse(std::string_view text, std::size_t step, std::size_t limit = SseParser::kDefaultLimit) {
  SseParser parser(limit);
  Seen seen;
  for (std::size_t at = 0; at < text.size() && !seen.too_long; at += step) {
    const std::string piece(text.substr(at, step));
    parser.feed(piece);
    drain(parser, seen);
  }
  if (seen.too_long) return seen;
  parser.feed({});
  parser.end();
  drain(parser, seen);
  return seen;
}

using Events = std::vector<std::string>;

}  // namespace

TEST_CASE("vector 127, trap 10, defect 6: line ends, missing space, comments, several data lines") {
  const std::string text =
      "\xEF\xBB\xBF: OPENROUTER PROCESSING\n\n"
      "data:{\"a\":1}\r\n\r\n"
      "event: error\rdata: x\r\r"
      "id: 7\nretry: 10\ndata: one\ndata:  two\ndata\n\n"
      ":\n\nevent: nothing\n\n"
      "data: {\"b\":2}\n\ndata: last";
  const Events wanted = {"|{\"a\":1}", "error|x", "|one\n two\n", "|{\"b\":2}", "|last"};
  for (std::size_t step = 1; step <= text.size(); ++step) {
    CAPTURE(step);
    CHECK(parse(text, step).events == wanted);
  }
}

TEST_CASE("sse: an event inside one read is not copied") {
  const std::string read = "data: abc\n\ndata: def\n\n";
  SseParser parser;
  parser.feed(read);
  SseEvent event;
  REQUIRE(parser.next(event) == SseParser::Next::event);
  CHECK(event.data.data() == read.data() + 6);
  CHECK(event.slack == read.size() - 9);
  REQUIRE(parser.next(event) == SseParser::Next::event);
  CHECK(event.data == "def");
  CHECK(event.slack == 2);
  CHECK(parser.next(event) == SseParser::Next::more);
}

TEST_CASE("sse: a line or an event above the limit is an error") {
  const std::string line(100, 'x');
  CHECK(parse("data: " + line + "\n\n", 7, 50).too_long);
  CHECK(parse("data: " + line, 7, 50).too_long);
  CHECK(parse("data: " + line + "\n\n", 1000, 50).too_long);
  std::string many;
  for (int i = 0; i < 20; ++i) many += "data: 12345678\n";
  CHECK(parse(many, 3, 50).too_long);
  CHECK_FALSE(parse("data: " + line + "\n\n", 7, 200).too_long);
}

TEST_CASE("sse: nothing comes of empty input or of comments alone") {
  CHECK(parse("", 1).events.empty());
  CHECK(parse(": ping\n\n: ping\n\n\n\n", 2).events.empty());
  SseParser parser;
  parser.feed("<html>\n</html>\n");
  SseEvent event;
  CHECK(parser.next(event) == SseParser::Next::more);
  CHECK_FALSE(parser.seen_any());
}
