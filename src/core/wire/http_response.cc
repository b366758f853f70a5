// The answer parser's states: head, then one of three framings, then done.
#include "core/wire/http_response.h"

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "core/wire/http_chars.h"

namespace clasp::wire {
namespace {

constexpr std::string_view kVersionStart = "HTTP/1.";
constexpr std::size_t kUsualFields = 8;

// Index behind the blank line that ends a head, npos when it is not there yet.
std::size_t find_head_end(std::string_view text, std::size_t from) {
  for (std::size_t i = text.find('\n', from); i != text.npos; i = text.find('\n', i + 1)) {
    if (i + 1 < text.size() && text[i + 1] == '\n') return i + 2;
    if (i + 2 < text.size() && text[i + 1] == '\r' && text[i + 2] == '\n') return i + 3;
  }
  return text.npos;
}

// Takes one line off the front, without its line end.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Calls `visit` with each comma-separated item of every field of that name.
template <class Visit>
void for_each_item(const Headers& headers, std::string_view name, Visit visit) {
  for (const auto& [key, value] : headers) {
    if (!iequals(key, name)) continue;
    for (const std::string_view item : split(value, ',')) visit(trim(item));
  }
}

}  // namespace

bool HttpResponseParser::break_off(std::string message, Fault fault) {
  message_ = std::move(message);
  fault_ = fault;
  reusable_ = false;
  return false;
}

HttpResponseParser::Step HttpResponseParser::feed(char* data, std::size_t size) {
  Step step;
  while (fault_ == Fault::none && phase_ == Phase::head && step.consumed < size)
    step.consumed += take_head(data + step.consumed, size - step.consumed, step);
  if (fault_ != Fault::none || phase_ == Phase::done) {
    step.complete = step.head && fault_ == Fault::none;
    return step;
  }
  char* const rest = data + step.consumed;
  const std::size_t left = size - step.consumed;
  if (phase_ == Phase::length) step.consumed += take_length(rest, left, step);
  if (phase_ == Phase::chunked) step.consumed += take_chunks(rest, left, step);
  if (phase_ == Phase::until_close) {
    step.body = {rest, left};
    step.consumed = size;
  }
  step.complete = phase_ == Phase::done;
  return step;
}

bool HttpResponseParser::finish() {
  if (fault_ == Fault::none && phase_ == Phase::until_close) phase_ = Phase::done;
  return fault_ == Fault::none && phase_ == Phase::done;
}

// ---- head ------------------------------------------------------------------------------------

std::size_t HttpResponseParser::take_head(const char* data, std::size_t size, Step& step) {
  const std::size_t before = head_.size();
  std::string_view seen(data, size);
  if (before != 0) {
    head_.append(data, std::min(size, kMaxHead - before));
    seen = head_;
  }
  // What is not HTTP is told at once: it may never send a blank line.
  const std::size_t known = std::min(seen.size(), kVersionStart.size());
  if (seen.substr(0, known) != kVersionStart.substr(0, known)) {
    break_off("the answer is not HTTP/1.x");
    return 0;
  }
  const std::size_t end = find_head_end(seen, before < 2 ? 0 : before - 2);
  if (end == seen.npos || end > kMaxHead) {
    if (seen.size() >= kMaxHead) {
      break_off("the head of the answer is longer than 64 KB", Fault::too_large);
      return 0;
    }
    if (before == 0) head_.assign(data, size);
    return size;
  }
  if (parse_head(seen.substr(0, end)) && status_ >= 200) choose_framing(step);
  std::string().swap(head_);
  return end - before;
}

bool HttpResponseParser::parse_head(std::string_view block) {
  headers_.clear();
  headers_.reserve(kUsualFields);
  if (!parse_status_line(take_line(block)) || !parse_fields(block)) return false;
  if (status_ >= 200) return true;
  if (status_ == 101) return break_off("the backend switches protocols (101)");
  if (++interim_ > kMaxInterim) return break_off("too many interim answers (1xx)");
  headers_.clear();
  return true;
}

// "HTTP/1.1 200 OK"; the reason may be empty or absent.
bool HttpResponseParser::parse_status_line(std::string_view line) {
  const bool shaped = line.size() >= 12 && line.starts_with(kVersionStart) && is_digit(line[7]) &&
                      line[8] == ' ' && is_digit(line[9]) && is_digit(line[10]) &&
                      is_digit(line[11]) && (line.size() == 12 || line[12] == ' ');
  if (!shaped || line[9] == '0') return break_off("bad status line");
  if (!is_field_value(line)) return break_off("control character in the status line");
  is_http_1_0_ = line[7] == '0';
  status_ = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  return true;
}

bool HttpResponseParser::parse_fields(std::string_view rest) {
  std::size_t count = 0;
  std::string folded;
  while (!rest.empty()) {
    std::string_view line = take_line(rest);
    if (line.empty()) return true;
    if (++count > kMaxFields)
      return break_off("the answer has more than 256 header fields", Fault::too_large);
    if (!rest.empty() && is_blank(rest[0])) {
      folded = line;
      while (!rest.empty() && is_blank(rest[0])) folded.append(" ").append(trim(take_line(rest)));
      line = folded;
    }
    if (!parse_field(line)) return false;
  }
  return true;
}

bool HttpResponseParser::parse_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == line.npos) return break_off("header line without a colon");
  std::string_view name = line.substr(0, colon);
  while (!name.empty() && is_blank(name.back())) name.remove_suffix(1);
  if (!is_token(name)) return break_off("bad header name");
  const std::string_view value = trim(line.substr(colon + 1));
  if (!is_field_value(value)) return break_off("control character in a header");
  headers_.add(name, value);
  return true;
}

// RFC 9112 §6.3, in its order.
void HttpResponseParser::choose_framing(Step& step) {
  step.head = true;
  read_persistence();
  const bool tunnel = asked_ == Asked::connect && status_ < 300;
  if (asked_ == Asked::head || tunnel || status_ == 204 || status_ == 304) {
    phase_ = Phase::done;
    return;
  }
  bool is_chunked = false;
  for_each_item(headers_, "Transfer-Encoding", [&](std::string_view coding) {
    if (coding.empty() || iequals(coding, "identity")) return;
    if (is_chunked || !iequals(coding, "chunked")) break_off("unsupported transfer coding");
    is_chunked = true;
  });
  const auto length = fault_ == Fault::none && !is_chunked ? read_length() : std::nullopt;
  if (fault_ != Fault::none) {
    step.head = false;
    return;
  }
  if (is_chunked) {
    // A length beside chunks, or chunks from HTTP/1.0, is a muddle: read it, do not go on after.
    if (is_http_1_0_ || headers_.find("Content-Length")) reusable_ = false;
    phase_ = Phase::chunked;
  } else if (length) {
    left_ = *length;
    phase_ = left_ == 0 ? Phase::done : Phase::length;
  } else {
    reusable_ = false;
    phase_ = Phase::until_close;
  }
}

// Several equal lengths are one; different ones are a fault.
std::optional<std::uint64_t> HttpResponseParser::read_length() {
  std::optional<std::uint64_t> length;
  for_each_item(headers_, "Content-Length", [&](std::string_view item) {
    const auto value = parse_unsigned(item);
    if (!value || (length && *length != *value)) {
      break_off("bad Content-Length");
      return;
    }
    length = value;
  });
  return length;
}

void HttpResponseParser::read_persistence() {
  bool close = false;
  bool keep = false;
  for_each_item(headers_, "Connection", [&](std::string_view item) {
    close = close || iequals(item, "close");
    keep = keep || iequals(item, "keep-alive");
  });
  reusable_ = !close && (!is_http_1_0_ || keep);
  for_each_item(headers_, "Keep-Alive", [&](std::string_view item) {
    constexpr std::string_view kTimeout = "timeout=";
    if (item.size() > kTimeout.size() && iequals(item.substr(0, kTimeout.size()), kTimeout))
      keep_alive_seconds_ = parse_unsigned(trim(item.substr(kTimeout.size())));
  });
}

// ---- body ------------------------------------------------------------------------------------

std::size_t HttpResponseParser::take_length(char* data, std::size_t size, Step& step) {
  const std::size_t taken = static_cast<std::size_t>(std::min<std::uint64_t>(size, left_));
  step.body = {data, taken};
  left_ -= taken;
  if (left_ == 0) phase_ = Phase::done;
  return taken;
}

std::size_t HttpResponseParser::take_chunks(char* data, std::size_t size, Step& step) {
  char* out = data;
  std::size_t i = 0;
  while (i < size && phase_ != Phase::done && fault_ == Fault::none) {
    if (chunk_ == Chunk::data) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(size - i, left_));
      if (out != data + i) std::memmove(out, data + i, n);
      out += n;
      i += n;
      left_ -= n;
      if (left_ == 0) chunk_ = Chunk::data_end;
      line_ = 0;
      continue;
    }
    const char c = data[i++];
    if (chunk_ == Chunk::trailer)
      take_trailer_byte(c);
    else
      take_size_byte(c);
  }
  step.body = {data, static_cast<std::size_t>(out - data)};
  return i;
}

// One byte of the line end behind a chunk's data or of a size line.
bool HttpResponseParser::take_size_byte(char c) {
  if (++line_ > kMaxChunkLine) return break_off("the line before a chunk is too long");
  if (chunk_ == Chunk::data_end) {
    if (c == '\r' && line_ == 1) return true;
    if (c != '\n') return break_off("a chunk is longer than its size");
    chunk_ = Chunk::size;
    line_ = 0;
    return true;
  }
  if (c == '\n') return end_size_line();
  if (chunk_ == Chunk::extension) return true;
  if (const int digit = hex_digit(c); digit >= 0) {
    if (left_ >> 56 != 0) return break_off("a chunk size is too large");
    left_ = left_ * 16 + static_cast<unsigned>(digit);
    seen_digit_ = true;
    return true;
  }
  if (!seen_digit_ || (c != ';' && c != '\r' && !is_blank(c))) return break_off("bad chunk size");
  chunk_ = Chunk::extension;
  return true;
}

bool HttpResponseParser::end_size_line() {
  if (!seen_digit_) return break_off("bad chunk size");
  seen_digit_ = false;
  line_ = 0;
  line_is_empty_ = true;
  chunk_ = left_ == 0 ? Chunk::trailer : Chunk::data;
  return true;
}

// Trailers carry nothing that is needed here; they are read past.
bool HttpResponseParser::take_trailer_byte(char c) {
  if (++line_ > kMaxTrailers) return break_off("the trailers are too long", Fault::too_large);
  if (c == '\n') {
    if (line_is_empty_) phase_ = Phase::done;
    line_is_empty_ = true;
  } else if (c != '\r') {
    line_is_empty_ = false;
  }
  return true;
}

}  // namespace clasp::wire
