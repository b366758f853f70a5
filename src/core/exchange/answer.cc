// See answer.h. Nothing here knows why something is sent.
#include "core/exchange/answer.h"

namespace clasp::exchange {

namespace {
// Memory kept between two reads of a stream; more is given back.
constexpr std::size_t kKeptBuffer = 512;
}  // namespace

Answer::Answer(ClientStream& client, Scheduler& scheduler, Duration ping_interval, bool stream,
               std::string_view request_id)
    : client_(&client),
      scheduler_(scheduler),
      ping_interval_(ping_interval),
      stream_(stream),
      request_id_(request_id),
      writer_(out_) {}

wire::EventSink& Answer::sink() {
  if (stream_) return writer_;
  return collector_;
}

void Answer::send(std::string_view bytes) {
  if (client_ == nullptr || over_ || bytes.empty()) return;
  client_->write(bytes);
  if (bodies_ != nullptr) bodies_->client_answer(bytes);
  bytes_out_ += bytes.size();
  last_sent_ = scheduler_.now();
}

void Answer::open_stream(wire::Headers headers) {
  if (committed_ || over_ || client_ == nullptr) return;
  committed_ = true;
  status_ = 200;
  headers.add("content-type", "text/event-stream; charset=utf-8");
  headers.add("cache-control", "no-cache");
  headers.add("x-accel-buffering", "no");
  client_->begin(200, headers);
  last_sent_ = scheduler_.now();
  arm_ping(ping_interval_);
}

void Answer::flush() {
  if (!committed_ || out_.empty()) return;
  send(out_);
  if (gaps_ != nullptr) {
    if (last_content_ != TimePoint{}) gaps_->observe((last_sent_ - last_content_).count());
    last_content_ = last_sent_;
  }
  out_.clear();
  if (out_.capacity() > kKeptBuffer) out_.shrink_to_fit();
}

void Answer::discard() {
  if (!stream_) collector_ = wire::MessageCollector();
}

bool Answer::congested() const {
  return client_ != nullptr && !over_ && committed_ && client_->pending() > kClientHighWater;
}

void Answer::arm_ping(Duration delay) {
  if (ping_interval_.count() <= 0) return;
  ping_timer_ = scheduler_.after(delay, [this] { on_ping_timer(); });
}

void Answer::on_ping_timer() {
  const auto silence = std::chrono::duration_cast<Duration>(scheduler_.now() - last_sent_);
  if (silence < ping_interval_) {
    arm_ping(ping_interval_ - silence);
    return;
  }
  // A client that has not taken the last bytes is not helped by more of them.
  if (client_ != nullptr && client_->pending() == 0) ping();
  arm_ping(ping_interval_);
}

void Answer::ping() {
  if (!committed_) return;
  std::string event;
  wire::append_ping_event(event);
  send(event);
}

void Answer::complete(wire::Headers headers) {
  if (over_ || client_ == nullptr) return;
  if (stream_) {
    open_stream(std::move(headers));
    end_stream();
    return;
  }
  send_whole(200, std::move(headers), collector_.body());
}

void Answer::end_stream() {
  flush();
  over_ = true;
  ping_timer_.reset();
  client_->end();
}

void Answer::send_whole(int status, wire::Headers headers, std::string_view body) {
  over_ = true;
  committed_ = true;
  status_ = status;
  bytes_out_ += body.size();
  headers.add("content-type", "application/json");
  if (bodies_ != nullptr) bodies_->client_answer(body);
  client_->answer(status, headers, body);
}

void Answer::fail(const wire::ApiError& error, wire::Headers headers) {
  if (over_ || client_ == nullptr) return;
  if (committed_) {
    // Whole events that came with the failure are still the client's.
    wire::append_error_event(out_, error, request_id_);
    end_stream();
    return;
  }
  if (error.verbatim.empty()) {
    if (!error.retry_after.empty() && !headers.find("retry-after"))
      headers.add("retry-after", error.retry_after);
    if (error.should_retry && !headers.find("x-should-retry"))
      headers.add("x-should-retry", *error.should_retry ? "true" : "false");
  }
  send_whole(error.status, std::move(headers), wire::render_error_body(error, request_id_));
}

void Answer::forget_client() {
  client_ = nullptr;
  ping_timer_.reset();
}

}  // namespace clasp::exchange
