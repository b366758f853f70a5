// The client's side of an exchange: a whole answer, or a stream that is opened late, kept alive
// with pings and held back while the client is slow. Owns the buffer into which one backend read
// is translated, so that one read becomes one write.
#pragma once

#include <functional>
#include <string>

#include "base/count.h"
#include "base/scheduler.h"
#include "core/exchange/body_log.h"
#include "core/exchange/ports.h"
#include "core/wire/anthropic_events.h"
#include "core/wire/api_error.h"

namespace clasp::exchange {

// Above this many unsent bytes the backend is not read any more.
inline constexpr std::size_t kClientHighWater = 256 * 1024;

class Answer {
 public:
  // `client` may be dropped with forget_client(); nothing is sent after that. The text of
  // `request_id` must outlive this.
  Answer(ClientStream& client, Scheduler& scheduler, Duration ping_interval, bool stream,
         std::string_view request_id);

  bool committed() const { return committed_; }  // a byte of the answer was sent
  bool over() const { return over_; }
  bool streams() const { return stream_; }
  int status() const { return status_; }
  std::uint64_t bytes_out() const { return bytes_out_; }

  // Where events are written; for plain answers the message is collected instead.
  wire::EventSink& sink();

  // The same place for whole events, or a whole message, that are handed on as they are.
  std::string& raw() { return stream_ ? out_ : collector_.whole(); }

  // Opens the stream with status 200 unless it is open, and starts the pings.
  void open_stream(wire::Headers headers);
  // Sends what the sink has gathered, as one write. Only after open_stream().
  void flush();
  // Keeps an open stream alive where there is nothing else to send.
  void ping();
  // Forgets what was gathered of a plain answer, for another attempt.
  void discard();
  // From the next flush() on the time between two of them is counted there; nullptr: nowhere.
  void measure_gaps(Histogram* gaps) { gaps_ = gaps; }
  bool has_output() const { return !out_.empty(); }
  // More than kClientHighWater is waiting for the client.
  bool congested() const;
  // Ends a stream properly, or sends the collected message of a plain answer. The headers
  // count while nothing was sent.
  void complete(wire::Headers headers);
  // An error: as an answer when nothing was sent, else as the stream's last event.
  void fail(const wire::ApiError& error, wire::Headers headers);
  void forget_client();
  // What the client gets is told there too, if anywhere.
  void log_to(BodyLog* bodies) { bodies_ = bodies; }

 private:
  void arm_ping(Duration delay);
  void on_ping_timer();
  void send(std::string_view bytes);
  void end_stream();
  void send_whole(int status, wire::Headers headers, std::string_view body);

  ClientStream* client_;
  Scheduler& scheduler_;
  BodyLog* bodies_ = nullptr;
  Duration ping_interval_;
  bool stream_;
  bool committed_ = false;
  bool over_ = false;
  int status_ = 0;
  std::uint64_t bytes_out_ = 0;
  std::string_view request_id_;
  std::string out_;
  wire::SseEventWriter writer_;
  wire::MessageCollector collector_;
  TimePoint last_sent_;
  TimePoint last_content_{};  // zero: none was sent
  Histogram* gaps_ = nullptr;
  TimerHandle ping_timer_;
};

}  // namespace clasp::exchange
