// Reads one HTTP reply after another from a stream of bytes, as the load generator needs it: it
// finds where a reply ends and keeps the little that is checked. It never keeps a whole body.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace clasp::bench {

class ReplyReader {
 public:
  enum class State {
    head,
    body,
    chunk_size,
    chunk_data,
    chunk_end,
    trailer,
    until_close,
    done,
    bad
  };

  // Takes the next bytes; what follows the end of a reply makes it bad, since nothing is pipelined.
  State feed(std::string_view bytes);
  // The peer closed: ends a reply that is delimited by that, breaks any other.
  State close();
  // Forgets everything, ready for the next reply.
  void reset();

  State state() const { return state_; }
  int status() const { return status_; }
  std::uint64_t body_bytes() const { return body_bytes_; }
  bool keep_alive() const { return keep_alive_; }
  // The last bytes of the body, at most kTail of them.
  std::string_view tail() const { return tail_; }
  // The beginning of the body, at most kTail bytes, for messages about unexpected replies.
  std::string_view start() const { return start_; }

  static constexpr std::size_t kTail = 2048;

 private:
  std::size_t step(std::string_view bytes);
  std::size_t read_head(std::string_view bytes);
  std::size_t read_line(std::string_view bytes);
  void on_head();
  void on_line();
  void take_body(std::string_view bytes);

  State state_ = State::head;
  std::string line_;  // the head, or a line of the chunked framing
  std::string tail_, start_;
  int status_ = 0;
  bool keep_alive_ = true;
  std::uint64_t left_ = 0;  // of the body or of the chunk
  std::uint64_t body_bytes_ = 0;
};

}  // namespace clasp::bench
