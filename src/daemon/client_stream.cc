// See client_stream.h.
#include "daemon/client_stream.h"

namespace clasp::daemon {

AnswerHead HttpClientStream::make_head(int status, const wire::Headers& headers, bool framed) {
  // Without length or chunks only the end of the connection ends the body.
  keep_alive_ = framed && owner_.may_keep_alive();
  if (request_.more.empty()) return {status, headers, owner_.date(), keep_alive_};
  for (const auto& [name, value] : headers) request_.more.add(name, value);
  return {status, request_.more, owner_.date(), keep_alive_};
}

void HttpClientStream::answer(int status, const wire::Headers& headers, std::string_view body) {
  if (state_ != State::waiting) return;
  state_ = State::finished;
  link_->send_answer(make_head(status, headers, true), body.size(),
                     request_.head_only ? std::string_view() : body);
  owner_.on_answer_touched();
}

void HttpClientStream::begin(int status, const wire::Headers& headers) {
  if (state_ != State::waiting) return;
  state_ = State::streaming;
  const bool chunked = request_.minor_version > 0;
  // HEAD announces what GET would do and is complete with the head.
  link_->send_head(make_head(status, headers, chunked || request_.head_only),
                   chunked ? AnswerFraming::chunked : AnswerFraming::until_close);
  owner_.on_answer_touched();
}

void HttpClientStream::write(std::string_view bytes) {
  if (state_ != State::streaming || request_.head_only) return;
  if (request_.minor_version > 0)
    link_->write_chunk(bytes);
  else
    link_->write(bytes);
  owner_.on_answer_touched();
}

void HttpClientStream::end() {
  if (state_ != State::streaming) return;
  state_ = State::finished;
  if (request_.minor_version > 0 && !request_.head_only) link_->write("0\r\n\r\n");
  owner_.on_answer_touched();
}

void HttpClientStream::abort() {
  if (over()) return;
  state_ = State::aborted;
  owner_.on_answer_touched();
}

std::size_t HttpClientStream::pending() const {
  return link_ ? link_->pending() : 0;
}

void HttpClientStream::detach() {
  state_ = State::detached;
  link_ = nullptr;
}

}  // namespace clasp::daemon
