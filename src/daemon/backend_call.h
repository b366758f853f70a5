// One call of the backend client: resolve, connect, tunnel, handshake, send, receive. An internal
// part of BackendClient; nobody else includes it.
#pragma once

#include <memory>
#include <string>

#include "core/exchange/ports.h"
#include "core/wire/http_response.h"
#include "daemon/backend_client.h"
#include "daemon/connector.h"
#include "daemon/transport.h"

namespace clasp::daemon {

class BackendCallImpl final : public TransportOwner, public ConnectorOwner {
 public:
  BackendCallImpl(BackendClient& client, exchange::BackendRequest request,
                  exchange::BackendEvents& events);
  ~BackendCallImpl() override;

  void begin();
  void pause();
  void resume();
  // The caller does not want it any more: closes the connection, calls nobody again.
  void cancel();
  bool is_busy() const { return busy_; }
  // An answer has begun and its end is not far.
  bool may_linger() const { return state_ == State::exchanging && received_ && has_sent_; }
  void redirect(exchange::BackendEvents& events) { events_ = &events; }

  void on_transport_readable() override;
  void on_transport_writable() override;
  void on_connected(UniqueFd fd) override;
  void on_connect_failed(const ConnectFailure& failure) override;

 private:
  enum class State : std::uint8_t {
    fresh,
    resolving,
    connecting,
    tunnelling,   // CONNECT through a proxy
    handshaking,  // TLS
    exchanging,   // request out, answer in
    failing,      // the failure is about to be told
    over,         // ended, failed or cancelled
  };
  enum class Wait : std::uint8_t { none, connect, tunnel, tls, first_byte, idle };

  void open_connection();
  void connect_to(const NameAnswer& answer);
  void start_tunnel();
  void start_handshake();
  void drive_handshake();
  void start_exchange();

  void write_some();
  void drop_request();
  void read_exchange();
  void take_bytes(char* data, std::size_t size);
  void read_tunnel();
  void on_broken(const std::string& why);
  void end(bool has_surplus);
  void fail(exchange::FailureKind kind, std::string message);
  void tell_failure();
  void enter(State state);
  void leave_callback();
  std::string_view body_to_send() const;
  std::string render_timeout() const;

  void restart_wait(Wait wait);
  Duration limit() const;
  void arm();
  void on_timer();

  std::string peer() const;  // "host:port", for messages

  BackendClient& client_;
  exchange::BackendEvents* events_;
  std::shared_ptr<const BackendRoute> route_;
  exchange::BackendRequest request_;
  std::string head_;
  std::size_t sent_ = 0;  // of head_ and the body together
  wire::HttpResponseParser parser_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<NameQuery> query_;
  std::unique_ptr<Connector> connector_;
  std::unique_ptr<exchange::BackendFailure> failure_;
  TimerHandle timer_;
  TimerHandle deferred_;
  TimePoint since_;     // of the current wait
  TimePoint fires_at_;  // of timer_
  State state_ = State::fresh;
  Wait wait_ = Wait::none;
  bool paused_ = false;
  bool busy_ = false;         // inside one of its callbacks
  bool reused_ = false;       // the connection came from the pool
  bool tried_again_ = false;  // on another connection
  bool received_ = false;     // a byte of the answer
  bool has_sent_ = false;     // the whole request
  bool is_deaf_ = false;      // the peer takes no more of the request; its answer may still come
};

}  // namespace clasp::daemon
