// A gate's life apart from its input: start, requests, output, timers, end. See gate.h; what it
// reads is in gate_input.cc.
#include "daemon/gate.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace clasp::daemon {
namespace {

// While we do not read we look this often whether the client is still there.
constexpr Duration kPresenceCheck{500};
// A client that keeps uploading after its refusal is listened to this many linger times at most.
constexpr int kLingerRounds = 15;
// What a connection that has asked for nothing yet has left when the server drains.
constexpr Duration kLastHandshake{1000};
constexpr std::string_view kTooMany = "too many connections; try again";

}  // namespace

// ---- start --------------------------------------------------------------------------------------

Gate::Gate(HttpServer& server, std::unique_ptr<EngineConnection> link)
    : server_(server), link_(std::move(link)), scanner_(server.limits_.head) {
  link_->set_events(*this);
}

Gate::~Gate() = default;

void Gate::start(bool overloaded) {
  read_event_.reset(
      event_new(server_.base_, link_->fd(), EV_READ | EV_PERSIST, &Gate::on_readable_thunk, this));
  timer_.reset(evtimer_new(server_.base_, &Gate::on_timer_thunk, this));
  if (!read_event_ || !timer_) {
    close();
    return;
  }
  resume_reading();
  set_deadline(precedence ? server_.limits_.header_timeout : server_.limits_.stranger_timeout);
  idle_since_ = server_.scheduler_.now();
  if (link_->entrance().tls || link_->entrance().listener.proxy_protocol) {
    preface_ = std::make_unique<Preface>(*link_);
    overloaded_ = overloaded;
  } else if (overloaded) {
    refuse(529, kTooMany);
  }
}

// The deadline of the first head runs meanwhile.
void Gate::advance_preface() {
  const Preface::State state = preface_->advance();
  if (state == Preface::State::waiting) return;
  const std::unique_ptr<Preface> done = std::move(preface_);
  switch (state) {
    case Preface::State::waiting:
      return;
    case Preface::State::ready:
      if (link_->has_tls()) ++server_.counters_.handshakes;
      if (overloaded_) refuse(529, kTooMany);
      return;
    case Preface::State::plain_http:
      return refuse(400, "this port speaks HTTPS; use https:// in the address");
    case Preface::State::refused:
      ++server_.counters_.prefaces_refused;
      server_.log_refused(*link_, *done);
      if (!link_->has_tls()) return close();
      return linger();  // the alert must get there
    case Preface::State::gone:
      return close();
  }
}

// ---- requests -----------------------------------------------------------------------------------

bool Gate::open_stream(const exchange::RequestHead& head, HttpClientStream::Request answer) {
  if (!link_->open_request(head.method, head.path, answer.minor_version)) {
    log_error("libevhtp refused a request that the gate had accepted");
    close();
    return false;
  }
  set_state(State::running);
  clear_deadline();
  AnswerOwner& owner = *this;
  stream_ = std::make_unique<HttpClientStream>(*link_, owner, std::move(answer));
  return true;
}

void Gate::run(Incoming& in) {
  if (!open_stream(in.head, in.answer)) return;
  task_ = server_.handler_.on_request(std::move(in.head), std::move(in.body), *stream_);
  if (task_ || stream_->over()) return;
  log_error("a request was neither answered nor taken on");
  const HttpAnswer answer = server_.render_refusal(500, "Internal server error");
  stream_->answer(answer.status, answer.headers, answer.body);
  stream_->abort();  // when an answer had been begun; else the line above ended it
}

bool Gate::may_keep_alive() const {
  return keep_alive_ && !input_ended_ && !server_.draining_;
}

// The answer is out. Runs from the loop, never from inside the task.
void Gate::complete_request() {
  // What the answer's head has promised is kept where there is time for it.
  const bool keep = stream_->keeps_alive() && keep_alive_ && !input_ended_ &&
                    (!server_.draining_ || server_.patience_.count() > 0);
  task_.reset();
  stream_.reset();
  ++served_;
  if (!keep) return linger();
  link_->close_request();
  set_state(State::head);
  set_deadline(idle_time());
  idle_since_ = server_.scheduler_.now();
  resume_reading();
  if (state_ == State::head && !pending_.empty()) take_pending();
}

void Gate::refuse(int status, std::string_view message, HttpClientStream::Request request) {
  const HttpAnswer answer = server_.render_refusal(status, message);
  tell_refusal(answer, message);
  send_last_answer(answer, request);
}

// For the log; the head is known where it could be read.
void Gate::tell_refusal(const HttpAnswer& answer, std::string_view message) const {
  exchange::Refusal refusal;
  refusal.request_id = answer.headers.get("request-id");
  refusal.status = answer.status;
  refusal.error = message;
  std::string peer;
  if (incoming_) {
    const exchange::RequestHead& head = incoming_->head;
    refusal.client = head.peer;
    if (head.client) refusal.client_name = head.client->name;
    refusal.method = head.method;
    refusal.path = head.path;
  } else {
    peer = link_->render_peer();
    refusal.client = peer;
  }
  server_.handler_.on_refused(refusal);
}

// An answer after which the connection ends, whatever the client still sends.
void Gate::send_last_answer(const HttpAnswer& answer, HttpClientStream::Request request) {
  // evhtp renders answers to requests only: one that it must not see gets a stand-in.
  if (!link_->open_request(request.head_only ? "HEAD" : "GET", "/", request.minor_version))
    return close();
  wire::Headers headers = std::move(request.more);
  for (const auto& [name, value] : answer.headers) headers.add(name, value);
  link_->send_answer({answer.status, headers, server_.date(), false}, answer.body.size(),
                     request.head_only ? std::string_view() : answer.body);
  incoming_.reset();
  pending_.clear();
  pending_.shrink_to_fit();
  set_state(State::closing);
  set_deadline(server_.limits_.write_timeout);
  server_.touch(*this);
}

// ---- output -------------------------------------------------------------------------------------

void Gate::flush() {
  touched = false;
  if (state_ == State::closed) return;
  if (stream_ && stream_->state() == HttpClientStream::State::aborted) {
    link_->reset_on_close();
    return close();
  }
  const bool was_blocked = link_->blocked();
  const EngineConnection::Flush flushed = link_->flush();
  count_output();
  switch (flushed) {
    case EngineConnection::Flush::done:
      return on_output_drained();
    case EngineConnection::Flush::failed:
      return lose();
    case EngineConnection::Flush::blocked:
      if (was_blocked || state_ != State::running) return;
      stall_mark_ = link_->taken();
      stall_since_ = server_.scheduler_.now();
      return watch();
  }
}

void Gate::count_output() {
  const std::uint64_t taken = link_->taken();
  server_.counters_.bytes_out += taken - counted_output_;
  counted_output_ = taken;
}

void Gate::on_output_drained() {
  if (preface_) return advance_preface();
  count_output();
  if (state_ == State::closing) return linger();
  if (state_ != State::running) return;
  switch (stream_->state()) {
    case HttpClientStream::State::finished:
      return complete_request();
    case HttpClientStream::State::streaming:
      if (deadline_ != TimePoint{}) watch();
      if (task_) task_->on_client_drained();
      return;
    case HttpClientStream::State::waiting:  // only "100 Continue" went out
    case HttpClientStream::State::aborted:  // flush() ends it
    case HttpClientStream::State::detached:
      return;
  }
}

// ---- timers -------------------------------------------------------------------------------------

// One timer event per connection, armed lazily: a deadline that moves later (every read of a body,
// every request) costs no timer operation; the timer fires at its old time and goes on from there.
void Gate::set_deadline(Duration wait) {
  if (wait.count() <= 0) return clear_deadline();
  deadline_ = server_.scheduler_.now() + wait;
  if (timer_at_ == TimePoint{} || deadline_ < timer_at_) arm_timer(wait);
}

void Gate::clear_deadline() {
  deadline_ = TimePoint{};
}

void Gate::arm_timer(Duration wait) {
  timer_at_ = server_.scheduler_.now() + wait;
  const timeval time = to_timeval(wait);
  if (event_add(timer_.get(), &time) != 0) lose();
}

void Gate::on_timer_thunk(evutil_socket_t, short, void* self) noexcept {
  auto* gate = static_cast<Gate*>(self);
  gate->timer_at_ = TimePoint{};
  if (gate->deadline_ == TimePoint{}) return;
  const auto left = gate->deadline_ - gate->server_.scheduler_.now();
  if (left.count() > 0) return gate->arm_timer(std::chrono::ceil<Duration>(left));
  gate->deadline_ = TimePoint{};
  gate->on_deadline();
}

void Gate::on_deadline() {
  switch (state_) {
    case State::head:
      if (scanner_.started()) return refuse(408, "the request head did not arrive in time");
      return close();
    case State::body:
      return refuse(408, "the request body stopped arriving", incoming_->answer);
    case State::running:
      return watch();
    case State::closing:
    case State::lingering:
    case State::closed:
      return close();
  }
}

// While a request runs there are two things to wait for: a client that does not take its answer,
// and, when we stopped reading, one that left. Sets the next deadline if there is anything.
void Gate::watch() {
  const TimePoint now = server_.scheduler_.now();
  const bool blocked = link_->pending() > 0;
  if (!blocked || link_->taken() != stall_mark_) {
    stall_mark_ = link_->taken();
    stall_since_ = now;
  } else if (server_.limits_.write_timeout.count() > 0 &&
             now - stall_since_ >= server_.limits_.write_timeout) {
    return lose();
  }
  const bool deaf = !reading_ && !input_ended_;
  if (deaf && peer_has_left()) return lose();
  if (deaf)
    set_deadline(kPresenceCheck);
  else if (blocked)
    set_deadline(server_.limits_.write_timeout / 4);
  else
    clear_deadline();
}

// A client that sent more ahead than the kernel holds for us cannot tell us that it left: its FIN
// waits behind that data. It is noticed when its answer is written or complete.
bool Gate::peer_has_left() const {
  pollfd one{link_->fd(), POLLRDHUP, 0};
  return poll(&one, 1, 0) > 0 && (one.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

// ---- end ----------------------------------------------------------------------------------------

void Gate::set_state(State state) {
  if (state_ == State::lingering) server_.on_lingering(-1);
  state_ = state;
  if (state_ == State::lingering) server_.on_lingering(+1);
}

// Closing with unread input would send a reset, and a reset makes the client's system throw away
// the answer. So: say that no more comes, and read until the client closes too or time is up.
void Gate::linger() {
  if (input_ended_) return close();
  link_->shutdown_write();
  set_state(State::lingering);
  linger_until_ = server_.scheduler_.now() + kLingerRounds * server_.limits_.linger_timeout;
  set_deadline(server_.limits_.linger_timeout);
  resume_reading();
}

void Gate::drain() {
  if (preface_ && state_ == State::head)
    return set_deadline(kLastHandshake);  // who is just coming in is still served
  if (!idle()) return;
  on_readable();  // a request that has arrived is still served
  announce_buffered();
  if (!idle()) return;
  if (const Duration patience = server_.patience_; patience.count() > 0) {
    const bool sooner =
        deadline_ != TimePoint{} && deadline_ <= server_.scheduler_.now() + patience;
    return sooner ? void() : set_deadline(patience);
  }
  // A client that has only just connected is about to ask, and cannot know that it may ask again.
  if (served_ == 0) return set_deadline(kLastHandshake);
  close();
}

void Gate::give_way() {
  if (!idle()) return;
  on_readable();
  announce_buffered();
  if (idle()) close();
}

Duration Gate::idle_time() const {
  const Duration usual = server_.limits_.idle_timeout;
  if (!server_.draining_) return usual;
  return usual.count() > 0 ? std::min(usual, server_.patience_) : server_.patience_;
}

void Gate::shut_down() {
  if (task_ && !stream_->over()) {
    stream_->detach();
    task_->on_client_gone();
  }
  task_.reset();
}

// The client is gone, or as good as.
void Gate::lose() {
  if (state_ == State::closed) return;
  shut_down();
  close();
}

void Gate::close() {
  if (state_ == State::closed) return;
  set_state(State::closed);
  read_event_.reset();
  buffered_event_.reset();
  timer_.reset();
  preface_.reset();
  task_.reset();
  stream_.reset();
  incoming_.reset();
  server_.retire(*this);
}

}  // namespace clasp::daemon
