// One client connection: reads it, judges heads, collects bodies, runs one request after the
// other and owns every wait. Nothing reaches the handler that was not complete and valid, and no
// byte is read twice or by anybody else.
#pragma once

#include <event2/event.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/wire/request_body.h"
#include "core/wire/request_head.h"
#include "daemon/client_stream.h"
#include "daemon/http_server.h"
#include "daemon/preface.h"
#include "daemon/scheduler.h"

namespace clasp::daemon {

class Gate final : private EngineEvents, private AnswerOwner {
 public:
  Gate(HttpServer& server, std::unique_ptr<EngineConnection> link);
  ~Gate() override;

  // Starts reading, or answers 529 and closes when there are too many connections (where HTTP has
  // to wait for something else, later).
  void start(bool overloaded);
  // End of a turn in which something was written.
  void flush();
  // Leaves at once when between two requests.
  void drain();
  // Somebody else needs the place: leaves when idle. A request that has arrived is still served.
  void give_way();
  // The server ends: tells the task.
  void shut_down();
  bool closed() const { return state_ == State::closed; }
  // Between two requests, or before the first one: nothing has come.
  bool idle() const {
    return state_ == State::head && !scanner_.started() && pending_.empty() && !preface_;
  }
  TimePoint idle_since() const { return idle_since_; }

  std::size_t index = 0;  // in the server's list, kept by the server
  bool touched = false;   // is in the server's list of things to flush
  bool precedence = true;

 private:
  enum class State {
    head,       // waiting for, or in the middle of, a request head
    body,       // collecting a body
    running,    // the handler has the request, or its answer is being written
    closing,    // a last answer is being written; input is thrown away
    lingering,  // the answer is out and half-closed; input is thrown away
    closed,
  };
  // A request whose body is still coming.
  struct Incoming {
    exchange::RequestHead head;
    HttpClientStream::Request answer;
    wire::BodyFraming framing = wire::BodyFraming::none;
    wire::BodyCoding coding = wire::BodyCoding::identity;
    wire::RequestChunkDecoder chunks{0};
    std::string body;
    std::uint64_t length = 0;  // declared
    std::size_t received = 0;  // of `body`, which may be longer while it is read into
  };

  // EngineEvents, AnswerOwner
  void on_output_drained() override;
  void on_output_failed() override { lose(); }
  bool may_keep_alive() const override;
  Duration idle_time() const;
  std::string_view date() override { return server_.date(); }
  void on_answer_touched() override { server_.touch(*this); }

  static void on_readable_thunk(evutil_socket_t, short, void* self) noexcept;
  static void on_timer_thunk(evutil_socket_t, short, void* self) noexcept;
  static void on_buffered_thunk(evutil_socket_t, short, void* self) noexcept;
  // What recv() would give, decrypted.
  long receive(char* data, std::size_t size);

  void on_readable();
  void advance_preface();
  void announce_buffered();
  void on_end_of_input();
  void read_more();
  void read_body();
  void discard_input();
  void take(std::string_view bytes);
  std::size_t consume(std::string_view bytes);
  void take_pending();
  bool consume_head(std::string_view& bytes);
  void consume_body(std::string_view& bytes);
  void pause_reading();
  void resume_reading();

  void on_head_complete(std::string_view text, bool more_follows);
  exchange::RequestHead make_request_head() const;
  void settle_early(const HttpAnswer& answer, bool body_is_held_back);
  void start_body(bool wants_continue);
  void grow_body();
  void on_body_complete();
  bool open_stream(const exchange::RequestHead& head, HttpClientStream::Request answer);
  void run(Incoming& in);
  void complete_request();
  void refuse(int status, std::string_view message, HttpClientStream::Request request = {});
  void tell_refusal(const HttpAnswer& answer, std::string_view message) const;
  void send_last_answer(const HttpAnswer& answer, HttpClientStream::Request request);

  void count_output();

  void set_state(State state);
  void set_deadline(Duration wait);
  void clear_deadline();
  void arm_timer(Duration wait);
  void on_deadline();
  void watch();
  bool peer_has_left() const;
  void linger();
  void lose();
  void close();

  HttpServer& server_;
  std::unique_ptr<EngineConnection> link_;
  std::unique_ptr<Preface> preface_;  // while HTTP has not begun
  EventPtr read_event_;
  EventPtr buffered_event_;  // made when TLS held more than one read takes
  EventPtr timer_;
  State state_ = State::head;
  wire::HeadScanner scanner_;
  std::string pending_;  // received, not consumed
  std::unique_ptr<Incoming> incoming_;
  // While running. The stream outlives the task.
  std::unique_ptr<HttpClientStream> stream_;
  std::unique_ptr<exchange::RequestTask> task_;
  std::uint64_t skip_ = 0;            // body bytes of an early answered request, still to come
  std::uint64_t counted_output_ = 0;  // bytes the client had taken when they were last counted
  std::uint64_t stall_mark_ = 0;      // bytes the client had taken at stall_since_
  TimePoint stall_since_{};
  TimePoint linger_until_{};
  TimePoint deadline_{};  // zero: none
  TimePoint idle_since_{};
  TimePoint timer_at_{};  // when the armed timer fires, zero: not armed
  std::uint64_t served_ = 0;
  bool keep_alive_ = true;  // what the current request asks for
  bool reading_ = false;
  bool input_ended_ = false;
  bool overloaded_ = false;  // to be told so when HTTP begins
};

}  // namespace clasp::daemon
