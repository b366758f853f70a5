// Chunked bodies and gzip bodies of requests, whole, cut anywhere, damaged, and above the limit.
#include "core/wire/request_body.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include <random>
#include <string>

using namespace clasp::wire;
using State = RequestChunkDecoder::State;

namespace {

struct Decoded {
  State state = State::more;
  std::string body;
  std::string rest;
  int status = 0;
};

Decoded decode(std::string_view text, std::uint64_t limit = 1000, std::size_t step = 1'000'000) {
  RequestChunkDecoder decoder(limit);
  Decoded out;
  while (!text.empty() && out.state == State::more) {
    std::string_view piece = text.substr(0, step);
    const std::size_t size = piece.size();
    out.state = decoder.decode(piece, out.body);
    text.remove_prefix(size - piece.size());
  }
  out.rest = text;
  if (out.state == State::refused) out.status = decoder.refusal().status;
  return out;
}

std::string gzip(std::string_view text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = text.size();
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = out.size();
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

int inflate_status(std::string_view body, std::uint64_t limit = 100'000) {
  const auto result = inflate_gzip(body, limit, 64);
  return result ? 0 : result.error().status;
}

}  // namespace

TEST_CASE("chunked bodies, cut anywhere") {
  const std::string_view text =
      "5\r\nhello\r\n1;ext=\"x\"\r\n,\r\n00A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nGET /";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    const Decoded got = decode(text, 1000, step);
    CHECK(got.state == State::done);
    CHECK(got.body == "hello,0123456789");
    CHECK(got.rest == "GET /");
  }
  CHECK(decode("0\r\n\r\n").state == State::done);
  CHECK(decode("0\r\n\r").state == State::more);
}

TEST_CASE("chunked bodies that are refused") {
  const std::pair<const char*, int> vectors[] = {
      {"10000000000000005\r\nhello", 400},
      {"FFFFFFFFFFFFFFFF\r\n", 400},
      {"\x80"
       "5\r\nhello\r\n",
       400},
      {"+5\r\nhello\r\n", 400},
      {"0x5\r\nhello\r\n", 400},
      {" 5\r\nhello\r\n", 400},
      {"5 \r\nhello\r\n", 400},
      {"\r\nhello\r\n", 400},
      {"5\nhello\r\n", 400},
      {"5\r\nhelloX\r\n", 400},
      {"5\r\nhello\n", 400},
      {"5\r\nhello\r5", 400},
      {"5;a\nb\r\nhello\r\n", 400},
      {"0\r\nA: b\n\r\n", 400},
      {"0\r\n\n", 400},
      {"0\r\n\rX", 400},
      {"3e9\r\n", 413},
      {"FFFFFFFFFFFFFFF\r\n", 413},
  };
  for (const auto& [text, status] : vectors) {
    CAPTURE(text);
    const Decoded got = decode(text);
    CHECK(got.state == State::refused);
    CHECK(got.status == status);
  }
  CHECK(decode("5;" + std::string(10'000, 'x')).status == 400);
  std::string trailers = "0\r\n";
  for (int i = 0; i < 2000; ++i) trailers += "A: bcd\r\n";
  CHECK(decode(trailers).status == 400);
}

TEST_CASE("the body limit counts over all chunks and is inclusive") {
  CHECK(decode("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 5).state == State::done);
  const Decoded over = decode("3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n", 5);
  CHECK(over.status == 413);
  CHECK(over.body == "abc");
}

TEST_CASE("gzip bodies") {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "line " + std::to_string(i) + "\n";
  const std::string packed = gzip(text);
  const auto whole = inflate_gzip(packed, 100'000, 64);
  REQUIRE(whole);
  CHECK(*whole == text);
  CHECK(whole->capacity() >= whole->size() + 64);
  CHECK(inflate_gzip(gzip("ab") + gzip("cd"), 100, 64).value() == "abcd");
  CHECK(inflate_gzip(gzip(""), 100, 64).value() == "");
  CHECK(inflate_status(packed, text.size()) == 0);
  CHECK(inflate_status(packed, text.size() - 1) == 413);
}

TEST_CASE("damaged and hostile gzip bodies") {
  const std::string packed = gzip("hello hello hello");
  CHECK(inflate_status("") == 400);
  CHECK(inflate_status("{\"model\":1}") == 400);
  CHECK(inflate_status(packed + "x") == 400);
  for (std::size_t cut = 0; cut < packed.size(); ++cut)
    CHECK(inflate_status(std::string_view(packed).substr(0, cut)) == 400);
  // A small body that inflates to far more than the limit.
  CHECK(inflate_status(gzip(std::string(10'000'000, 'a')), 100'000) == 413);
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = packed;
    damaged[random() % damaged.size()] ^= 1 << (random() % 8);
    const auto result = inflate_gzip(damaged, 1000, 64);
    if (result) CHECK(result->size() <= 1000);
  }
}
