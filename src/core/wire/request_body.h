// Bodies of requests: chunked framing is taken off, gzip is inflated, both within limits. Pure:
// bytes in, bytes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/wire/request_head.h"

namespace clasp::wire {

// Takes chunked framing off a body that arrives in pieces. Strict: sizes are plain hex without
// sign or prefix, line ends are CR LF, extensions and trailers are bounded and dropped.
class RequestChunkDecoder {
 public:
  explicit RequestChunkDecoder(std::uint64_t body_limit) : limit_(body_limit) {}

  enum class State { more, done, refused };
  // Takes bytes off the front of `in` and appends body bytes to `out`. After done, what is left
  // in `in` belongs to the next request.
  State decode(std::string_view& in, std::string& out);
  const RequestRefusal& refusal() const { return refusal_; }

 private:
  enum class Part {
    size,
    size_end,
    extension,
    extension_end,
    data,
    data_cr,
    data_lf,
    trailer_start,
    trailer,
    trailer_end,
    last_lf
  };
  State refuse(int status, std::string_view message);
  State step(char c);
  State on_size_char(char c);
  State end_of_size();

  Part part_ = Part::size;
  std::uint64_t limit_;
  std::uint64_t total_ = 0;  // body bytes promised so far
  std::uint64_t left_ = 0;   // of the current chunk
  unsigned digits_ = 0;
  std::size_t overhead_ = 0;  // bytes of extensions and trailers
  RequestRefusal refusal_;
};

// Inflates a whole gzip body (all members of it) to at most `limit` bytes; the result has
// `padding` bytes of spare capacity. 413 above the limit, 400 when it is not gzip, is cut short
// or has something behind it.
Result<std::string, RequestRefusal> inflate_gzip(std::string_view body, std::uint64_t limit,
                                                 std::size_t padding);

}  // namespace clasp::wire
