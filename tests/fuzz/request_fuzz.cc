// Request heads and chunked bodies from arbitrary bytes: the way they are cut must not change
// what comes out, and what is accepted must be framed in one way only.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/text.h"
#include "core/wire/request_body.h"
#include "core/wire/request_head.h"

using namespace clasp;
using namespace clasp::wire;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

constexpr HeadLimits kLimits{.bytes = 2048, .fields = 20, .target = 512};
constexpr std::uint64_t kBodyLimit = 4096;

// First byte: how the input is cut. The rest: what a client sends.
struct Input {
  std::string_view text;
  std::size_t step;
};

struct Head {
  HeadScanner::State state = HeadScanner::State::incomplete;
  int status = 0;
  std::size_t begin = 0, end = 0;
};

Head scan(std::string_view text, std::size_t step) {
  HeadScanner scanner(kLimits);
  Head head;
  for (std::size_t given = 0; given < text.size();) {
    given = std::min(text.size(), given + step);
    head.state = scanner.scan(text.substr(0, given));
    if (head.state != HeadScanner::State::incomplete) break;
    require(given < kLimits.bytes + step + 2);
  }
  if (head.state == HeadScanner::State::refused) head.status = scanner.refusal().status;
  head.begin = scanner.head_begin();
  head.end = scanner.head_end();
  return head;
}

void check_accepted(const HttpRequestHead& head) {
  int lengths = 0, codings = 0, hosts = 0;
  for (const auto& [name, value] : head.fields) {
    lengths += iequals(name, "content-length");
    codings += iequals(name, "transfer-encoding");
    hosts += iequals(name, "host");
    require(value.find_first_of(std::string_view("\r\n\0", 3)) == value.npos);
    require(name.find_first_of(std::string_view("\r\n\0 \t:", 6)) == name.npos);
  }
  require(lengths + codings <= 1 && hosts <= 1);
  require(hosts == 1 || head.minor_version == 0);
  require((head.framing == BodyFraming::chunked) == (codings == 1));
  require(head.framing != BodyFraming::length || lengths == 1);
  require(head.path.starts_with('/') && head.fields.size() <= kLimits.fields);
  require(head.path.find_first_of("? #\r\n") == head.path.npos);
}

struct Body {
  RequestChunkDecoder::State state = RequestChunkDecoder::State::more;
  std::string text;
  std::size_t used = 0;
};

Body decode(std::string_view text, std::size_t step) {
  RequestChunkDecoder decoder(kBodyLimit);
  Body body;
  while (body.used < text.size() && body.state == RequestChunkDecoder::State::more) {
    std::string_view piece = text.substr(body.used, step);
    const std::size_t size = piece.size();
    body.state = decoder.decode(piece, body.text);
    body.used += size - piece.size();
  }
  require(body.text.size() <= kBodyLimit);
  return body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Input in{{reinterpret_cast<const char*>(data) + 1, size - 1},
                 static_cast<std::size_t>(data[0] % 32 + 1)};
  const Head whole = scan(in.text, in.text.size() + 1);
  const Head cut = scan(in.text, in.step);
  require(whole.state == cut.state && whole.status == cut.status);

  std::string_view rest = in.text;
  if (whole.state == HeadScanner::State::complete) {
    require(whole.begin == cut.begin && whole.end == cut.end);
    HttpRequestHead head;
    if (parse_request_head(in.text.substr(whole.begin, whole.end - whole.begin), kLimits, head))
      return 0;
    check_accepted(head);
    rest = in.text.substr(whole.end);
  }
  const Body body = decode(rest, rest.size() + 1);
  const Body pieces = decode(rest, in.step);
  require(body.state == pieces.state && body.text == pieces.text && body.used == pieces.used);
  if (const auto plain = inflate_gzip(rest, kBodyLimit, 64)) require(plain->size() <= kBodyLimit);
  return 0;
}
