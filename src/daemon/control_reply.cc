// See control_reply.h.
#include "daemon/control_reply.h"

namespace clasp::daemon {

namespace {
constexpr std::size_t kCongested = 256 * 1024;
}  // namespace

void ControlReply::send(int status, const JsonPtr& body) {
  send_text(status, "application/json", dump_json(body) + "\n");
}

void ControlReply::send_text(int status, std::string_view type, std::string_view body) {
  if (over_ || in_lines_) return;
  over_ = true;
  if (stream_ == nullptr) return;
  wire::Headers headers;
  headers.add("content-type", std::string(type));
  stream_->answer(status, headers, body);
}

void ControlReply::refuse(int status, std::string_view code, std::string_view message) {
  const JsonPtr body(json_pack("{s:{s:o, s:o}}", "error", "code", text_value(code), "message",
                               text_value(message)));
  send(status, body);
}

void ControlReply::begin_lines() {
  if (over_ || in_lines_ || stream_ == nullptr) return;
  in_lines_ = true;
  wire::Headers headers;
  headers.add("content-type", "application/x-ndjson");
  stream_->begin(200, headers);
}

void ControlReply::line(std::string_view json) {
  begin_lines();
  if (over_ || stream_ == nullptr) return;
  stream_->write(std::string(json) + "\n");
}

void ControlReply::end() {
  if (over_) return;
  over_ = true;
  if (stream_ != nullptr && in_lines_) stream_->end();
}

bool ControlReply::congested() const {
  return stream_ != nullptr && stream_->pending() > kCongested;
}

}  // namespace clasp::daemon
