// An incremental parser of HTTP/1.x answers as backends send them: status line, fields, body by
// length, chunks or close. Tolerant where tolerance is harmless (bare LF, folded lines), strict
// where the framing would become a guess. It never buffers a body and never decodes one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "core/wire/headers.h"

namespace clasp::wire {

class HttpResponseParser {
 public:
  // What was asked decides whether a body may follow the head.
  enum class Asked { normal, head, connect };

  static constexpr std::size_t kMaxHead = 64 * 1024;
  static constexpr std::size_t kMaxFields = 256;
  static constexpr std::size_t kMaxInterim = 32;      // 1xx answers before the final one
  static constexpr std::size_t kMaxChunkLine = 4096;  // size and extensions
  static constexpr std::size_t kMaxTrailers = 16 * 1024;

  enum class Fault { none, malformed, too_large };

  struct Step {
    std::size_t consumed = 0;  // less than was given only after the end or a fault
    bool head = false;         // the final head became complete in this step
    bool complete = false;     // the answer ended in this step
    std::string_view body;     // body bytes of this step, inside the given memory
  };

  explicit HttpResponseParser(Asked asked = Asked::normal) : asked_(asked) {}

  // Takes the next bytes. The memory is written to: the parts of a chunked body are moved
  // together. After `complete` or a fault nothing more is consumed.
  Step feed(char* data, std::size_t size);
  // The connection was closed cleanly. True when that ends the answer properly.
  bool finish();

  Fault fault() const { return fault_; }
  const std::string& message() const { return message_; }  // of the fault
  bool has_head() const { return phase_ != Phase::head; }
  bool is_complete() const { return phase_ == Phase::done; }

  int status() const { return status_; }
  const Headers& headers() const { return headers_; }
  // The fields, which the parser then has no more.
  Headers take_headers() { return std::exchange(headers_, {}); }

  // After the end: whether another request may follow on this connection.
  bool may_reuse() const { return reusable_ && is_complete(); }
  // Seconds of "Keep-Alive: timeout=…", when the backend told.
  std::optional<std::uint64_t> keep_alive_seconds() const { return keep_alive_seconds_; }

 private:
  enum class Phase : std::uint8_t { head, length, chunked, until_close, done };
  enum class Chunk : std::uint8_t { size, extension, data, data_end, trailer };

  std::size_t take_head(const char* data, std::size_t size, Step& step);
  bool parse_head(std::string_view block);
  bool parse_status_line(std::string_view line);
  bool parse_field(std::string_view line);
  bool parse_fields(std::string_view rest);
  void choose_framing(Step& step);
  std::optional<std::uint64_t> read_length();
  void read_persistence();
  std::size_t take_length(char* data, std::size_t size, Step& step);
  std::size_t take_chunks(char* data, std::size_t size, Step& step);
  bool take_size_byte(char c);
  bool end_size_line();
  bool take_trailer_byte(char c);
  bool break_off(std::string message, Fault fault = Fault::malformed);

  std::string head_;  // only while a head spans reads
  std::string message_;
  Headers headers_;
  std::uint64_t left_ = 0;  // of the body or of the current chunk
  std::optional<std::uint64_t> keep_alive_seconds_;
  std::size_t line_ = 0;  // bytes of the current chunk line or of all trailers
  std::size_t interim_ = 0;
  int status_ = 0;
  Asked asked_;
  Phase phase_ = Phase::head;
  Chunk chunk_ = Chunk::size;
  Fault fault_ = Fault::none;
  bool is_http_1_0_ = false;
  bool reusable_ = true;
  bool seen_digit_ = false;    // in a chunk size
  bool line_is_empty_ = true;  // in the trailers
};

}  // namespace clasp::wire
