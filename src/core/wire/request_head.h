// The head of an HTTP/1.x request: where it ends, and whether it is one that every program on the
// way would read the same. Strict on purpose: what could be framed in two ways is refused, never
// repaired. It reads no body and knows no path of ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace clasp::wire {

struct HeadLimits {
  std::size_t bytes = 64u << 10;  // request line and all fields
  std::size_t fields = 100;
  std::size_t target = 7u << 10;  // path and query
};

// Why a request is refused: an HTTP status and one line for the client.
struct RequestRefusal {
  int status = 400;
  std::string_view message;  // static text
};

// Finds the end of a head that arrives in pieces, and names what can never become a valid one as
// soon as it is there: nobody waits for a timer to learn of a bare line feed. Work is linear in
// the bytes, however they are cut.
class HeadScanner {
 public:
  explicit HeadScanner(const HeadLimits& limits) : limits_(limits) {}

  enum class State { incomplete, complete, refused };
  // `bytes` is everything received since the head began, the part seen by the last call included.
  State scan(std::string_view bytes);
  // After complete: the length of the head with its blank line, and where it starts (blank lines
  // before a request line are skipped).
  std::size_t head_begin() const { return begin_; }
  std::size_t head_end() const { return scanned_; }
  const RequestRefusal& refusal() const { return refusal_; }
  // Whether a byte of a request line has been seen.
  bool started() const { return scanned_ > begin_; }

 private:
  State refuse(int status, std::string_view message);
  State end_line(std::string_view line);
  State check_first_line(std::string_view line);

  HeadLimits limits_;
  std::size_t begin_ = 0;  // first byte of the request line
  std::size_t line_ = 0;   // first byte of the current line
  std::size_t scanned_ = 0;
  std::size_t lines_ = 0;  // finished lines, the request line included
  RequestRefusal refusal_;
};

enum class BodyFraming { none, length, chunked };
enum class BodyCoding { identity, gzip };

// A valid head. All views point into the bytes given to parse_request_head().
struct HttpRequestHead {
  std::string_view method;
  std::string_view path;   // raw, starts with '/'
  std::string_view query;  // without '?'
  int minor_version = 1;   // HTTP/1.<minor>, 0 or 1
  BodyFraming framing = BodyFraming::none;
  std::uint64_t content_length = 0;
  BodyCoding coding = BodyCoding::identity;
  bool keep_alive = true;  // what version and Connection ask for
  bool expect_continue = false;
  std::vector<std::pair<std::string_view, std::string_view>> fields;  // values trimmed
};

// `head` is one complete head as HeadScanner found it. On refusal `out` is unspecified, except
// that minor_version and method are set when the request line was valid. `out` may be reused.
std::optional<RequestRefusal> parse_request_head(std::string_view head, const HeadLimits& limits,
                                                 HttpRequestHead& out);

}  // namespace clasp::wire
