// Chunked framing and gzip of request bodies.
#include "core/wire/request_body.h"

#include <zlib.h>

#include <algorithm>
#include <memory>

namespace clasp::wire {
namespace {

// More digits than any allowed size needs; also keeps the value from overflowing.
constexpr unsigned kMaxSizeDigits = 15;
// Extensions and trailers of one body together. Nothing we know of sends any.
constexpr std::size_t kMaxOverhead = 8u << 10;
// zlib counts in 32 bits.
constexpr std::uint64_t kMaxStep = 1u << 30;
constexpr RequestRefusal kTooLarge{413, "Request exceeds the maximum size"};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_text(char c) {
  return (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) || c == '\t';
}

struct InflateEnd {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

}  // namespace

RequestChunkDecoder::State RequestChunkDecoder::refuse(int status, std::string_view message) {
  refusal_ = {status, message};
  return State::refused;
}

RequestChunkDecoder::State RequestChunkDecoder::on_size_char(char c) {
  if (const int digit = hex_digit(c); digit >= 0) {
    if (++digits_ > kMaxSizeDigits) return refuse(400, "a chunk size is too long");
    left_ = left_ * 16 + static_cast<unsigned>(digit);
    return State::more;
  }
  if (digits_ == 0) return refuse(400, "a chunk has no size");
  if (c == ';') {
    part_ = Part::extension;
    return State::more;
  }
  if (c != '\r') return refuse(400, "a chunk size is not a hexadecimal number");
  part_ = Part::size_end;
  return State::more;
}

RequestChunkDecoder::State RequestChunkDecoder::end_of_size() {
  digits_ = 0;
  total_ += left_;
  if (left_ > limit_ || total_ > limit_) return refuse(kTooLarge.status, kTooLarge.message);
  part_ = left_ > 0 ? Part::data : Part::trailer_start;
  return State::more;
}

// Every byte that is not body data.
RequestChunkDecoder::State RequestChunkDecoder::step(char c) {
  const auto expect = [&](char wanted, Part next) {
    if (c != wanted) return refuse(400, "a line of a chunked body must end with CR LF");
    part_ = next;
    return State::more;
  };
  switch (part_) {
    case Part::size:
      return on_size_char(c);
    case Part::size_end:
    case Part::extension_end:
      return c == '\n' ? end_of_size() : expect('\n', part_);
    case Part::data:
      return State::more;  // taken in decode()
    case Part::data_cr:
      return expect('\r', Part::data_lf);
    case Part::data_lf:
      return expect('\n', Part::size);
    case Part::trailer_end:
      return expect('\n', Part::trailer_start);
    case Part::last_lf:
      return c == '\n' ? State::done : expect('\n', part_);
    case Part::trailer_start:
      if (c == '\r') return expect('\r', Part::last_lf);
      part_ = Part::trailer;
      break;
    case Part::extension:
    case Part::trailer:
      if (c == '\r')
        return expect('\r', part_ == Part::trailer ? Part::trailer_end : Part::extension_end);
      break;
  }
  if (!is_text(c)) return refuse(400, "a chunked body has a control character in its framing");
  if (++overhead_ > kMaxOverhead) return refuse(400, "a chunked body has too much beside its data");
  return State::more;
}

RequestChunkDecoder::State RequestChunkDecoder::decode(std::string_view& in, std::string& out) {
  while (!in.empty()) {
    if (part_ == Part::data) {
      const std::size_t n = std::min<std::uint64_t>(left_, in.size());
      out.append(in.substr(0, n));
      in.remove_prefix(n);
      left_ -= n;
      if (left_ == 0) part_ = Part::data_cr;
      continue;
    }
    const State state = step(in.front());
    in.remove_prefix(1);
    if (state != State::more) return state;
  }
  return State::more;
}

Result<std::string, RequestRefusal> inflate_gzip(std::string_view body, std::uint64_t limit,
                                                 std::size_t padding) {
  const auto broken = tl::unexpected(RequestRefusal{400, "the gzip body is damaged"});
  if (body.size() > kMaxStep || limit > kMaxStep) return tl::unexpected(kTooLarge);
  z_stream stream{};
  constexpr int kGzipOnly = 15 + 16;
  if (inflateInit2(&stream, kGzipOnly) != Z_OK)
    return tl::unexpected(RequestRefusal{500, "no memory to inflate the body"});
  const std::unique_ptr<z_stream, InflateEnd> guard(&stream);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());

  std::string out;
  std::size_t size = 0;
  while (true) {
    if (size == out.size()) {
      // One byte above the limit shows that there is more.
      if (size > limit) return tl::unexpected(kTooLarge);
      const std::size_t want = std::min<std::size_t>(
          std::max<std::size_t>({size * 2, body.size() * 4, 4096}), limit + 1);
      out.reserve(want + padding);
      out.resize(want);
    }
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + size);
    stream.avail_out = static_cast<uInt>(out.size() - size);
    const int result = inflate(&stream, Z_NO_FLUSH);
    size = out.size() - stream.avail_out;
    if (result == Z_STREAM_END) {
      if (stream.avail_in == 0) break;
      if (inflateReset(&stream) != Z_OK) return broken;  // another member follows
    } else if (result != Z_OK || (stream.avail_in == 0 && stream.avail_out > 0)) {
      return broken;
    }
  }
  if (size > limit) return tl::unexpected(kTooLarge);
  out.resize(size);
  return out;
}

}  // namespace clasp::wire
