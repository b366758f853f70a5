// What a gate reads: bytes off the socket, heads, bodies, up to the complete request. See gate.h.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "daemon/gate.h"

namespace clasp::daemon {
namespace {

// What a client may send ahead while its request runs, before we stop reading.
constexpr std::size_t kPipelinedBytes = 64u << 10;
// A body that nobody wants is skipped up to this size; above, the connection ends instead.
constexpr std::uint64_t kSkippedBytes = 1u << 20;
// One read of a large body, and what is set aside for it before it has arrived.
constexpr std::size_t kBodyStep = 256u << 10;
constexpr std::size_t kBodyReserve = 1u << 20;
// The first read of a request. A longer body is not read here and copied, but where it will stay.
constexpr std::size_t kFirstRead = 16u << 10;

}  // namespace

// ---- input --------------------------------------------------------------------------------------

void Gate::on_readable_thunk(evutil_socket_t, short, void* self) noexcept {
  auto* gate = static_cast<Gate*>(self);
  gate->on_readable();
  gate->announce_buffered();
}

void Gate::on_buffered_thunk(evutil_socket_t fd, short, void* self) noexcept {
  if (static_cast<Gate*>(self)->reading_) on_readable_thunk(fd, 0, self);
}

// What TLS holds no event of the socket tells of. In the next turn, so that others get theirs.
void Gate::announce_buffered() {
  const bool wanted = state_ == State::head || state_ == State::body || state_ == State::running;
  if (!wanted || !reading_ || !link_->has_buffered_input()) return;
  if (!buffered_event_)
    buffered_event_.reset(evtimer_new(server_.base_, &Gate::on_buffered_thunk, this));
  constexpr timeval kNextTurn{0, 0};
  if (!buffered_event_ || event_add(buffered_event_.get(), &kNextTurn) != 0) lose();
}

long Gate::receive(char* data, std::size_t size) {
  const long got = link_->receive(data, size);
  if (got == 0) on_end_of_input();
  if (got > 0) server_.counters_.bytes_in += static_cast<std::uint64_t>(got);
  if (got < 0 && errno != EAGAIN && errno != EINTR) lose();
  return got;
}

void Gate::on_readable() {
  if (preface_) return advance_preface();
  switch (state_) {
    case State::body:
      if (incoming_->framing == wire::BodyFraming::length) return read_body();
      [[fallthrough]];
    case State::head:
    case State::running:
      return read_more();
    case State::closing:
    case State::lingering:
      return discard_input();
    case State::closed:
      return;
  }
}

// A half-closed connection counts as left: HTTP clients that wait for an answer do not do that,
// and nothing else tells us that nobody waits any more. Only an answer that is complete already is
// still delivered.
void Gate::on_end_of_input() {
  input_ended_ = true;
  pause_reading();
  switch (state_) {
    case State::running:
      if (!stream_->over()) lose();
      return;
    case State::closing:
      return;
    case State::head:
    case State::body:
    case State::lingering:
      return close();
    case State::closed:
      return;
  }
}

void Gate::read_more() {
  std::vector<char>& buffer = server_.read_buffer_;
  const bool first = state_ == State::head && skip_ == 0;
  const std::size_t size = first ? std::min(kFirstRead, buffer.size()) : buffer.size();
  const long got = receive(buffer.data(), size);
  if (got <= 0) return;
  take({buffer.data(), static_cast<std::size_t>(got)});
  // There is most likely more.
  if (first && static_cast<std::size_t>(got) == size && state_ == State::body && reading_)
    on_readable();
}

// Straight into the body, which is zeroed once per byte and never read past its length: the next
// request stays in the socket.
void Gate::read_body() {
  Incoming& in = *incoming_;
  if (in.received == in.body.size()) grow_body();
  const long got = receive(in.body.data() + in.received, in.body.size() - in.received);
  if (got <= 0) return;
  in.received += static_cast<std::size_t>(got);
  if (in.received == in.length)
    on_body_complete();
  else
    set_deadline(server_.limits_.body_timeout);
}

void Gate::discard_input() {
  const long got = link_->receive_raw(server_.read_buffer_.data(), server_.read_buffer_.size());
  if (got == 0) return on_end_of_input();
  if (got < 0 && errno != EAGAIN && errno != EINTR) return lose();
  if (got > 0 && state_ == State::lingering && server_.scheduler_.now() < linger_until_)
    set_deadline(server_.limits_.linger_timeout);
}

void Gate::take(std::string_view bytes) {
  if (pending_.empty()) {
    const std::size_t used = consume(bytes);
    if (state_ != State::closed) pending_.assign(bytes.substr(used));
  } else {
    pending_.append(bytes);
    take_pending();
  }
  if (state_ == State::running && pending_.size() > kPipelinedBytes) pause_reading();
}

// The bytes are taken out while they are looked at: handlers run meanwhile.
void Gate::take_pending() {
  std::string held = std::exchange(pending_, {});
  const std::size_t used = consume(held);
  if (state_ == State::closed) return;
  if (used == 0)
    pending_ = std::move(held);
  else
    pending_.assign(held, used);
}

// Returns how much need not be kept.
std::size_t Gate::consume(std::string_view bytes) {
  const std::size_t total = bytes.size();
  while (!bytes.empty()) {
    if (skip_ > 0 && (state_ == State::head || state_ == State::running)) {
      const std::size_t n = std::min<std::uint64_t>(skip_, bytes.size());
      bytes.remove_prefix(n);
      skip_ -= n;
      continue;
    }
    switch (state_) {
      case State::head:
        if (!consume_head(bytes)) return total - bytes.size();
        break;
      case State::body:
        consume_body(bytes);
        break;
      case State::running:
        return total - bytes.size();
      case State::closing:
      case State::lingering:
      case State::closed:
        return total;
    }
  }
  return total;
}

void Gate::pause_reading() {
  if (!reading_) return;
  reading_ = false;
  event_del(read_event_.get());
  if (state_ == State::running) watch();
}

void Gate::resume_reading() {
  if (reading_ || input_ended_) return;
  reading_ = event_add(read_event_.get(), nullptr) == 0;
  if (!reading_) return lose();
  announce_buffered();
}

// ---- heads --------------------------------------------------------------------------------------

// False: more bytes are needed and all of these must be kept.
bool Gate::consume_head(std::string_view& bytes) {
  const bool first_bytes = !scanner_.started();
  switch (scanner_.scan(bytes)) {
    case wire::HeadScanner::State::incomplete:
      // For the first request of a connection the time began with the connection.
      if (first_bytes && scanner_.started() && served_ > 0)
        set_deadline(server_.limits_.header_timeout);
      return false;
    case wire::HeadScanner::State::refused:
      refuse(scanner_.refusal().status, scanner_.refusal().message);
      return true;
    case wire::HeadScanner::State::complete:
      break;
  }
  const std::size_t end = scanner_.head_end();
  const std::string_view head = bytes.substr(scanner_.head_begin(), end - scanner_.head_begin());
  scanner_ = wire::HeadScanner(server_.limits_.head);
  on_head_complete(head, bytes.size() > end);
  bytes.remove_prefix(end);
  return true;
}

exchange::RequestHead Gate::make_request_head() const {
  const wire::HttpRequestHead& parsed = server_.parsed_head_;
  exchange::RequestHead head;
  head.method = parsed.method;
  head.path = parsed.path;
  head.query = parsed.query;
  head.headers.reserve(parsed.fields.size());
  for (const auto& [name, value] : parsed.fields) head.headers.add(name, value);
  head.peer = link_->render_peer();
  if (head.peer == "unix") head.peer_user = link_->peer_user();
  head.certificate_name = link_->certificate_name();
  head.body_length = parsed.content_length;
  return head;
}

void Gate::on_head_complete(std::string_view text, bool more_follows) {
  wire::HttpRequestHead& parsed = server_.parsed_head_;
  const auto refusal = wire::parse_request_head(text, server_.limits_.head, parsed);
  const HttpClientStream::Request answer{parsed.minor_version, parsed.method == "HEAD"};
  if (refusal) return refuse(refusal->status, refusal->message, answer);
  keep_alive_ = parsed.keep_alive;
  incoming_ = std::make_unique<Incoming>();
  Incoming& in = *incoming_;
  in.head = make_request_head();
  in.answer = answer;
  in.answer.more = server_.handler_.more_headers(in.head);
  in.framing = parsed.framing;
  in.coding = parsed.coding;
  in.length = parsed.content_length;
  const bool wants_continue = parsed.expect_continue && !more_follows;
  if (const auto early = server_.handler_.on_head(in.head)) {
    server_.handler_.on_early_answer(in.head, *early);
    if (early->status >= 400) tell_refusal(*early, wire::message_of_error_body(early->body));
    return settle_early(*early, wants_continue);
  }
  if (in.length > server_.limits_.body_bytes)
    return refuse(413, "Request exceeds the maximum size", in.answer);
  start_body(wants_continue);
}

// The answer is known before the body. A short body is skipped, so that the connection lives on; a
// long one, or one that may never come, is not waited for.
void Gate::settle_early(const HttpAnswer& answer, bool body_is_held_back) {
  Incoming& in = *incoming_;
  const bool skippable = !answer.last && in.framing != wire::BodyFraming::chunked &&
                         in.length <= kSkippedBytes && !(body_is_held_back && in.length > 0);
  if (!skippable) return send_last_answer(answer, in.answer);
  skip_ = in.length;
  if (!open_stream(in.head, in.answer)) return;
  incoming_.reset();
  stream_->answer(answer.status, answer.headers, answer.body);
}

// ---- bodies -------------------------------------------------------------------------------------

void Gate::start_body(bool wants_continue) {
  Incoming& in = *incoming_;
  if (in.framing == wire::BodyFraming::none) return on_body_complete();
  set_state(State::body);
  set_deadline(server_.limits_.body_timeout);
  if (in.framing == wire::BodyFraming::chunked)
    in.chunks = wire::RequestChunkDecoder(server_.limits_.body_bytes);
  else
    in.body.reserve(std::min<std::uint64_t>(in.length, kBodyReserve) + exchange::kBodyPadding);
  if (wants_continue) {
    link_->write("HTTP/1.1 100 Continue\r\n\r\n");
    server_.touch(*this);
  }
}

// What came together with the head, and all of a chunked body.
void Gate::consume_body(std::string_view& bytes) {
  Incoming& in = *incoming_;
  if (in.framing == wire::BodyFraming::length) {
    const std::size_t n = std::min<std::uint64_t>(in.length, bytes.size());
    in.body.assign(bytes.substr(0, n));
    in.received = n;
    bytes.remove_prefix(n);
    if (in.received == in.length) on_body_complete();
    return;
  }
  switch (in.chunks.decode(bytes, in.body)) {
    case wire::RequestChunkDecoder::State::more:
      return set_deadline(server_.limits_.body_timeout);
    case wire::RequestChunkDecoder::State::done:
      in.received = in.body.size();
      return on_body_complete();
    case wire::RequestChunkDecoder::State::refused: {
      const wire::RequestRefusal refusal = in.chunks.refusal();
      return refuse(refusal.status, refusal.message, in.answer);
    }
  }
}

// Room for the next read. What a client declares but does not send costs nothing: beyond the first
// megabyte memory grows with what has come.
void Gate::grow_body() {
  Incoming& in = *incoming_;
  const std::size_t size = std::min<std::uint64_t>(in.length, in.received + kBodyStep);
  if (in.body.capacity() < size + exchange::kBodyPadding)
    in.body.reserve(std::min<std::uint64_t>(in.length, 2 * in.received) + exchange::kBodyPadding);
  in.body.resize(size);
}

void Gate::on_body_complete() {
  const std::unique_ptr<Incoming> in = std::move(incoming_);
  in->body.resize(in->received);
  if (in->coding == wire::BodyCoding::gzip && !in->body.empty()) {
    auto inflated =
        wire::inflate_gzip(in->body, server_.limits_.body_bytes, exchange::kBodyPadding);
    if (!inflated) return refuse(inflated.error().status, inflated.error().message, in->answer);
    in->body = std::move(*inflated);
  }
  if (in->body.capacity() < in->body.size() + exchange::kBodyPadding)
    in->body.reserve(in->body.size() + exchange::kBodyPadding);
  run(*in);
}

}  // namespace clasp::daemon
