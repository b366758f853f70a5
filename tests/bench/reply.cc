// The reply reader, see the header.
#include "reply.h"

#include <algorithm>
#include <cstdlib>

#include "net.h"

namespace clasp::bench {
namespace {

constexpr std::size_t kMaxLine = 64 * 1024;

}  // namespace

void ReplyReader::reset() {
  state_ = State::head;
  line_.clear();
  tail_.clear();
  start_.clear();
  status_ = 0;
  keep_alive_ = true;
  left_ = body_bytes_ = 0;
}

ReplyReader::State ReplyReader::feed(std::string_view bytes) {
  while (!bytes.empty() && state_ != State::done && state_ != State::bad)
    bytes.remove_prefix(step(bytes));
  if (!bytes.empty()) state_ = State::bad;
  return state_;
}

ReplyReader::State ReplyReader::close() {
  if (state_ != State::done) state_ = state_ == State::until_close ? State::done : State::bad;
  return state_;
}

// Returns how many bytes were taken, at least one.
std::size_t ReplyReader::step(std::string_view bytes) {
  switch (state_) {
    case State::head:
      return read_head(bytes);
    case State::chunk_size:
    case State::chunk_end:
    case State::trailer:
      return read_line(bytes);
    case State::until_close:
      take_body(bytes);
      return bytes.size();
    case State::body:
    case State::chunk_data:
      break;
    case State::done:
    case State::bad:
      return bytes.size();
  }
  const std::size_t size = std::min<std::uint64_t>(left_, bytes.size());
  take_body(bytes.substr(0, size));
  left_ -= size;
  if (left_ == 0) state_ = state_ == State::body ? State::done : State::chunk_end;
  return size;
}

std::size_t ReplyReader::read_head(std::string_view bytes) {
  const std::size_t before = line_.size();
  line_ += bytes;
  const std::size_t end = line_.find("\r\n\r\n", before > 3 ? before - 3 : 0);
  if (end == line_.npos) {
    if (line_.size() > kMaxLine) state_ = State::bad;
    return bytes.size();
  }
  line_.resize(end + 2);
  on_head();
  return end + 4 - before;
}

void ReplyReader::on_head() {
  if (line_.rfind("HTTP/1.1 ", 0) != 0) {
    state_ = State::bad;
    return;
  }
  status_ = std::atoi(line_.c_str() + 9);
  keep_alive_ = !equals_ignoring_case(header_value(line_, "Connection"), "close");
  const std::string length(header_value(line_, "Content-Length"));
  if (equals_ignoring_case(header_value(line_, "Transfer-Encoding"), "chunked")) {
    state_ = State::chunk_size;
  } else if (!length.empty()) {
    left_ = std::strtoull(length.c_str(), nullptr, 10);
    state_ = left_ == 0 ? State::done : State::body;
  } else {
    state_ = keep_alive_ ? State::bad : State::until_close;
  }
  line_.clear();
}

std::size_t ReplyReader::read_line(std::string_view bytes) {
  const std::size_t end = bytes.find('\n');
  line_ += bytes.substr(0, end);
  if (end == bytes.npos) {
    if (line_.size() > kMaxLine) state_ = State::bad;
    return bytes.size();
  }
  on_line();
  line_.clear();
  return end + 1;
}

void ReplyReader::on_line() {
  if (line_.empty() || line_.back() != '\r') {
    state_ = State::bad;
  } else if (state_ == State::chunk_end) {
    state_ = line_.size() == 1 ? State::chunk_size : State::bad;
  } else if (state_ == State::trailer) {
    if (line_.size() == 1) state_ = State::done;
  } else {
    char* end = nullptr;
    left_ = std::strtoull(line_.c_str(), &end, 16);
    const bool is_number = end != line_.c_str() && (*end == '\r' || *end == ';');
    state_ = !is_number ? State::bad : left_ == 0 ? State::trailer : State::chunk_data;
  }
}

void ReplyReader::take_body(std::string_view bytes) {
  body_bytes_ += bytes.size();
  if (start_.size() < kTail) start_ += bytes.substr(0, kTail - start_.size());
  if (bytes.size() >= kTail) {
    tail_.assign(bytes.substr(bytes.size() - kTail));
    return;
  }
  if (tail_.size() + bytes.size() > 2 * kTail) tail_.erase(0, tail_.size() - kTail);
  tail_ += bytes;
}

}  // namespace clasp::bench
