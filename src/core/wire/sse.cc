// The SSE parser: finds line ends with memchr, copies only what must outlive a read.
#include "core/wire/sse.h"

#include <cstring>

namespace clasp::wire {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
// A buffer that once held a long event is given back rather than kept for the whole stream.
constexpr std::size_t kKeepCapacity = 4096;

void clear_buffer(std::string& buffer) {
  buffer.clear();
  if (buffer.capacity() > kKeepCapacity) buffer.shrink_to_fit();
}

// Position of the first CR or LF, npos when there is none.
std::size_t find_line_end(std::string_view text) {
  const auto* lf = static_cast<const char*>(std::memchr(text.data(), '\n', text.size()));
  const std::size_t span = lf ? static_cast<std::size_t>(lf - text.data()) : text.size();
  const auto* cr = static_cast<const char*>(std::memchr(text.data(), '\r', span));
  if (cr) return static_cast<std::size_t>(cr - text.data());
  return lf ? span : std::string_view::npos;
}

}  // namespace

void SseParser::feed(std::string_view bytes) {
  input_ = bytes;
  if (skip_lf_ && !input_.empty()) {
    if (input_.front() == '\n') input_.remove_prefix(1);
    skip_lf_ = false;
  }
}

void SseParser::end() {
  ended_ = true;
}

// Takes one whole line out of the stored start and the read; false when its end has not come.
bool SseParser::take_line(std::string_view& line) {
  if (line_used_) {
    clear_buffer(line_);
    line_used_ = false;
  }
  if (input_.empty()) return false;
  const std::size_t at = find_line_end(input_);
  if (at == std::string_view::npos) return false;
  line = input_.substr(0, at);
  if (!line_.empty()) {
    line_.append(line);
    line = line_;
    line_used_ = true;
  }
  const bool cr = input_[at] == '\r';
  input_.remove_prefix(at + 1);
  if (cr) {
    if (input_.empty())
      skip_lf_ = true;
    else if (input_.front() == '\n')
      input_.remove_prefix(1);
  }
  return true;
}

// Keeps what is left of the read for the next one.
bool SseParser::keep_tail() {
  if (has_data_ && !stored_) {
    data_store_.assign(data_);
    stored_ = true;
  }
  if (line_.size() + input_.size() > limit_) return false;
  line_.append(input_);
  input_ = {};
  return true;
}

// Interprets one line that is not blank. `stored`: it lives in line_ and dies with it.
bool SseParser::on_line(std::string_view line, bool stored) {
  seen_any_ = seen_any_ || line.front() == ':';
  const std::size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value;
  if (colon != std::string_view::npos) value = line.substr(colon + 1);
  if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  if (field == "event") {
    name_.assign(value);
  } else if (field == "data") {
    if (!has_data_ && !stored) {
      data_ = value;
    } else {
      if (has_data_ && !stored_) data_store_.assign(data_);
      if (has_data_) data_store_.push_back('\n');
      data_store_.append(value);
      stored_ = true;
    }
    has_data_ = true;
    if (data_store_.size() > limit_) return false;
  }
  return name_.size() <= limit_;
}

void SseParser::reset_event() {
  has_data_ = stored_ = false;
  data_ = {};
  clear_buffer(data_store_);
  name_.clear();
}

bool SseParser::dispatch(SseEvent& event) {
  if (!has_data_) {
    name_.clear();
    return false;
  }
  seen_any_ = true;
  event.name = name_;
  if (stored_) {
    event.data = data_store_;
    event.slack = data_store_.capacity() - data_store_.size();
  } else {
    event.data = data_;
    event.slack =
        static_cast<std::size_t>(input_.data() + input_.size() - (data_.data() + data_.size()));
  }
  return true;
}

SseParser::Next SseParser::next(SseEvent& event) {
  if (too_long_) return Next::too_long;
  // The event handed out by the previous call is over now.
  if (event_out_) {
    reset_event();
    event_out_ = false;
  }
  std::string_view line;
  while (take_line(line)) {
    if (at_start_) {
      at_start_ = false;
      if (line.substr(0, 3) == kByteOrderMark) line.remove_prefix(3);
    }
    if (line.empty()) {
      if (!dispatch(event)) continue;
      event_out_ = true;
      return Next::event;
    }
    if (line.size() > limit_ || !on_line(line, line_used_)) {
      too_long_ = true;
      return Next::too_long;
    }
  }
  if (!keep_tail()) {
    too_long_ = true;
    return Next::too_long;
  }
  if (!ended_) return Next::more;
  if (!line_.empty()) {
    std::string last;
    last.swap(line_);
    if (!on_line(last, true)) {
      too_long_ = true;
      return Next::too_long;
    }
  }
  if (!dispatch(event)) return Next::more;
  event_out_ = true;
  return Next::event;
}

}  // namespace clasp::wire
