// The states of one call once it has a connection, and its waits; backend_call_connect.cc has the
// way to the connection. Everything that goes wrong becomes one deferred on_backend_failed, so
// that nobody is called from inside start().
#include "daemon/backend_call.h"

#include <algorithm>

#include "core/wire/http_request.h"
#include "daemon/error_text.h"

namespace clasp::daemon {
namespace {

using exchange::FailureKind;
using Parser = wire::HttpResponseParser;

constexpr int kWritesPerTurn = 64;  // a fast peer must not keep the loop for itself
constexpr Duration kKeepAliveMargin{1'000};

}  // namespace

BackendCallImpl::BackendCallImpl(BackendClient& client, exchange::BackendRequest request,
                                 exchange::BackendEvents& events)
    : client_(client), events_(&events), request_(std::move(request)) {}

BackendCallImpl::~BackendCallImpl() = default;

void BackendCallImpl::enter(State state) {
  state_ = state;
  switch (state) {
    case State::resolving:
      return restart_wait(Wait::connect);
    case State::tunnelling:
      return restart_wait(Wait::tunnel);
    case State::handshaking:
      return restart_wait(Wait::tls);
    case State::exchanging:
      return restart_wait(Wait::first_byte);
    case State::fresh:
    case State::connecting:
      return restart_wait(Wait::none);  // the connector has timers of its own
    case State::failing:
    case State::over:
      restart_wait(Wait::none);
      query_.reset();
      connector_.reset();
      transport_.reset();
  }
}

std::string BackendCallImpl::peer() const {
  return route_->url.host_and_port();
}

// ---- from the caller -------------------------------------------------------------------------

void BackendCallImpl::begin() {
  auto route = client_.route(request_.url);
  if (!route) return fail(FailureKind::name, route.error().message);
  route_ = std::move(*route);
  transport_ = client_.pool_.take(route_->origin, *this);
  if (!transport_) return open_connection();
  reused_ = true;
  ++client_.counters_.reused;
  start_exchange();
}

void BackendCallImpl::pause() {
  if (paused_) return;
  paused_ = true;
  if (state_ != State::exchanging) return;
  transport_->want_read(false);
  timer_.reset();
}

void BackendCallImpl::resume() {
  if (!paused_) return;
  paused_ = false;
  if (state_ != State::exchanging) return;
  restart_wait(wait_);
  transport_->want_read(true);
}

void BackendCallImpl::cancel() {
  deferred_.reset();
  enter(State::over);
}

// ---- request and answer ----------------------------------------------------------------------

void BackendCallImpl::start_exchange() {
  const wire::RequestHeadParts parts{request_.method, route_->target, route_->authority,
                                     route_->proxy_authorization, request_.body.size()};
  auto head = wire::render_request_head(parts, request_.headers);
  if (!head) return fail(FailureKind::protocol, head.error().message);
  head_ = std::move(*head);
  sent_ = 0;
  has_sent_ = is_deaf_ = false;
  parser_ = Parser(request_.method == "HEAD" ? Parser::Asked::head : Parser::Asked::normal);
  enter(State::exchanging);
  transport_->want_read(!paused_);
  write_some();
}

std::string_view BackendCallImpl::body_to_send() const {
  return state_ == State::tunnelling ? std::string_view() : std::string_view(request_.body);
}

void BackendCallImpl::write_some() {
  const std::string_view head = head_;
  const std::string_view body = body_to_send();
  const std::size_t total = head.size() + body.size();
  for (int i = 0; i < kWritesPerTurn && sent_ < total; ++i) {
    const std::size_t in_head = std::min(sent_, head.size());
    const IoResult put = transport_->write(head.substr(in_head), body.substr(sent_ - in_head));
    if (put.status == IoStatus::want_write) return transport_->want_write(true);
    if (put.status != IoStatus::done) {
      // Whether it still answers, or how it ended, the reading side will tell.
      is_deaf_ = true;
      return transport_->want_write(false);
    }
    sent_ += put.bytes;
    client_.counters_.bytes_out += put.bytes;
    since_ = client_.scheduler_.now();
  }
  transport_->want_write(sent_ < total);
  if (sent_ < total || state_ != State::exchanging) return;
  has_sent_ = true;
  if (received_) drop_request();
}

// From here on nothing can be tried again.
void BackendCallImpl::drop_request() {
  std::string().swap(head_);
  std::string().swap(request_.body);
  std::string().swap(request_.url);
  request_.headers = wire::Headers();
  sent_ = 0;
}

void BackendCallImpl::on_transport_writable() {
  if (state_ == State::handshaking)
    drive_handshake();
  else if (state_ == State::exchanging || state_ == State::tunnelling)
    write_some();
}

void BackendCallImpl::on_transport_readable() {
  busy_ = true;
  if (state_ == State::handshaking)
    drive_handshake();
  else if (state_ == State::tunnelling)
    read_tunnel();
  else if (state_ == State::exchanging)
    read_exchange();
  leave_callback();
}

// The last statement of every function that calls the caller: `this` may be gone afterwards.
void BackendCallImpl::leave_callback() {
  busy_ = false;
  if (client_.released_.get() == this) client_.released_.reset();
}

void BackendCallImpl::read_exchange() {
  char* const data = client_.scratch();
  const IoResult got = transport_->read(data, BackendClient::kScratch);
  switch (got.status) {
    case IoStatus::done:
      return take_bytes(data, got.bytes);
    case IoStatus::want_read:
    case IoStatus::want_write:
      return;
    case IoStatus::eof:
      if (parser_.finish()) return end(false);
      return on_broken(received_ ? "connection closed in the middle of the answer"
                                 : "connection closed before an answer came");
    case IoStatus::truncated:
      return on_broken("TLS connection cut off by the other side");
    case IoStatus::failed:
      return on_broken(transport_->error());
  }
}

void BackendCallImpl::take_bytes(char* data, std::size_t size) {
  client_.counters_.bytes_in += size;
  if (!received_) {
    received_ = true;
    if (has_sent_) drop_request();
    restart_wait(Wait::idle);
  } else {
    since_ = client_.scheduler_.now();
  }
  const Parser::Step step = parser_.feed(data, size);
  if (step.head) {
    events_->on_backend_head(parser_.status(), parser_.take_headers());
    if (state_ == State::over) return;
  }
  if (!step.body.empty()) {
    events_->on_backend_body(step.body);
    if (state_ == State::over) return;
  }
  if (parser_.fault() == Parser::Fault::malformed)
    return fail(FailureKind::protocol, peer() + ": " + parser_.message());
  if (parser_.fault() == Parser::Fault::too_large)
    return fail(FailureKind::too_large, peer() + ": " + parser_.message());
  if (step.complete) end(step.consumed < size);
}

// A connection that ends before a byte came: most likely it was closed while idle in the pool, or
// the server is restarting. Once, and at once, another one is tried.
void BackendCallImpl::on_broken(const std::string& why) {
  if (tried_again_ || received_) return fail(FailureKind::reset, peer() + ": " + why);
  tried_again_ = true;
  ++client_.counters_.retried;
  reused_ = false;
  transport_.reset();
  open_connection();
}

// The connection is back in the pool before the caller is told, who may start the next call.
void BackendCallImpl::end(bool has_surplus) {
  std::unique_ptr<Transport> transport = std::move(transport_);
  const bool keep = parser_.may_reuse() && !has_surplus && has_sent_ && !is_deaf_;
  enter(State::over);
  if (keep) {
    Duration limit = Duration::max();
    if (const auto seconds = parser_.keep_alive_seconds(); seconds && *seconds < 86'400)
      limit = std::chrono::seconds(*seconds) - kKeepAliveMargin;
    client_.pool_.put(route_->origin, std::move(transport), limit);
  } else {
    transport->say_goodbye();
    transport.reset();
  }
  events_->on_backend_end();
}

void BackendCallImpl::fail(FailureKind kind, std::string message) {
  failure_ = std::make_unique<exchange::BackendFailure>();
  failure_->kind = kind;
  failure_->message = std::move(message);
  failure_->no_byte_received = !received_;
  failure_->connection_reused = reused_;
  enter(State::failing);
  deferred_ = client_.scheduler_.after(Duration::zero(), [this] { tell_failure(); });
}

void BackendCallImpl::tell_failure() {
  busy_ = true;
  enter(State::over);
  events_->on_backend_failed(*failure_);
  leave_callback();
}

// ---- waiting ---------------------------------------------------------------------------------

Duration BackendCallImpl::limit() const {
  switch (wait_) {
    case Wait::none:
      return Duration::zero();
    case Wait::connect:
    case Wait::tunnel:
      return Duration(request_.timeouts.connect_ms);
    case Wait::tls:
      return Duration(request_.timeouts.tls_ms);
    case Wait::first_byte:
      return Duration(request_.timeouts.first_byte_ms);
    case Wait::idle:
      return Duration(request_.timeouts.idle_ms);
  }
  return Duration::zero();
}

void BackendCallImpl::restart_wait(Wait wait) {
  wait_ = wait;
  since_ = client_.scheduler_.now();
  arm();
}

// A timer that fires too early looks again; so progress costs a clock reading, not a new timer.
void BackendCallImpl::arm() {
  const bool is_paused = paused_ && state_ == State::exchanging;
  if (limit() <= Duration::zero() || is_paused) return timer_.reset();
  const TimePoint deadline = since_ + limit();
  if (timer_ && fires_at_ <= deadline) return;
  fires_at_ = deadline;
  const Duration left = std::chrono::ceil<Duration>(deadline - client_.scheduler_.now());
  timer_ = client_.scheduler_.after(std::max(left, Duration(1)), [this] { on_timer(); });
}

void BackendCallImpl::on_timer() {
  timer_.reset();
  if (client_.scheduler_.now() < since_ + limit()) return arm();
  fail(wait_ == Wait::connect ? FailureKind::name : FailureKind::timeout, render_timeout());
}

std::string BackendCallImpl::render_timeout() const {
  const std::string time = render_delay(limit());
  const wire::Url& next = route_->proxy ? *route_->proxy : route_->url;
  switch (wait_) {
    case Wait::connect:
      return "look up " + next.host + ": no answer within " + time;
    case Wait::tunnel:
      return "proxy " + next.host_and_port() + ": no answer to CONNECT within " + time;
    case Wait::tls:
      return "TLS handshake with " + peer() + ": not done within " + time;
    case Wait::first_byte:
      return has_sent_ ? peer() + ": no byte of an answer within " + time
                       : peer() + ": no byte of the request taken within " + time;
    case Wait::idle:
      return peer() + ": no byte for " + time + " in the middle of the answer";
    case Wait::none:
      break;
  }
  return peer() + ": timed out";
}

}  // namespace clasp::daemon
