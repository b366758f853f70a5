// One connection as evhtp sees it: its bufferevent, its request objects, its answers. See
// http_engine.h. Every comment that begins with "evhtp" names a behaviour of libevhtp 1.2.18 that
// was read in its source or measured.
#include <evhtp.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/control_chars.h"
#include "base/text.h"
#include "daemon/http_engine.h"

namespace clasp::daemon {
namespace {

// libevent writes 16 KB per wake-up by default.
constexpr std::size_t kMaxSingleWrite = 1u << 20;
constexpr std::size_t kTlsRecord = 16u << 10;
// evhtp prints "UNKNOWN" for these.
struct Reason {
  int status;
  std::string_view text;
};
constexpr Reason kReasons[] = {
    {408, "Request Timeout"},
    {413, "Content Too Large"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {498, "Capacity Exceeded"},
    {505, "HTTP Version Not Supported"},
    {529, "Overloaded"},
};

bool is_own_header(std::string_view name) {
  constexpr std::string_view kOwn[] = {"content-length", "transfer-encoding", "connection", "date"};
  return std::any_of(std::begin(kOwn), std::end(kOwn), [name](std::string_view own) {
    return own.size() == name.size() && iequals(own, name);
  });
}

void clear_headers(evhtp_headers_t* headers) {
  while (evhtp_kv_t* first = TAILQ_FIRST(headers)) evhtp_kv_rm_and_free(headers, first);
}

}  // namespace

EngineConnection::EngineConnection(HttpEngine& engine, evhtp_connection* connection,
                                   EntrancePtr entrance)
    : engine_(engine),
      connection_(connection),
      entrance_(std::move(entrance)),
      bev_(connection->bev),
      fd_(connection->sock) {
  std::free(connection->parser);  // evhtp made it with malloc
  connection->parser = engine.parser_.get();
  // Reading is the gate's, with an event of its own and large reads (libevent takes 4 KB a call
  // and an ioctl each). Writing is done by flush(); libevent only helps out when the socket is
  // full.
  bufferevent_disable(bev_, EV_READ | EV_WRITE);
  bufferevent_setcb(bev_, nullptr, &on_write_thunk, &on_event_thunk, this);
  bufferevent_set_max_single_write(bev_, kMaxSingleWrite);
  evbuffer_unfreeze(bufferevent_get_input(bev_), 0);
  evhtp_connection_set_hook(
      connection, evhtp_hook_on_connection_fini,
      reinterpret_cast<evhtp_hook>(reinterpret_cast<void (*)()>(&HttpEngine::on_free_thunk)), this);
  fcntl(fd_, F_SETFD, FD_CLOEXEC);  // evhtp does not ask accept4() for it
}

// Who waits for the end of an answer must not take the end of the connection for it: close_notify
// is only for those who have got everything.
EngineConnection::~EngineConnection() {
  if (tls_ && connection_ != nullptr && !reset_ && pending() == 0) tls_->say_goodbye();
  tls_writable_.reset();
  tls_.reset();
  if (connection_ != nullptr) evhtp_connection_free(connection_);
}

std::optional<PeerAddress> EngineConnection::peer() const {
  if (told_peer_) return told_peer_;
  const sockaddr* address = connection_ ? connection_->saddr : nullptr;
  if (address != nullptr && address->sa_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(address);
    return PeerAddress{map_ipv4(reinterpret_cast<const unsigned char*>(&in->sin_addr)),
                       ntohs(in->sin_port)};
  }
  if (address != nullptr && address->sa_family == AF_INET6) {
    const auto* in = reinterpret_cast<const sockaddr_in6*>(address);
    PeerAddress out;
    std::memcpy(out.address.data(), &in->sin6_addr, out.address.size());
    out.port = ntohs(in->sin6_port);
    return out;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> EngineConnection::peer_user() const {
  ucred who{};
  socklen_t size = sizeof who;
  // On other sockets the kernel says that it does not know: pid 0.
  if (getsockopt(fd_, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 || who.pid == 0)
    return std::nullopt;
  return who.uid;
}

const std::string& EngineConnection::render_peer() const {
  if (peer_text_.empty()) {
    const auto known = peer();
    peer_text_ = known ? clasp::render_peer(*known) : "unix";
  }
  return peer_text_;
}

// evhtp is fed the request line alone. The header fields are the gate's, and evhtp must not see
// them: a body's framing would make it wait for a body, "Expect" would make it answer 100, a
// multipart content type would make it render a wrong answer head.
bool EngineConnection::open_request(std::string_view method, std::string_view path,
                                    int minor_version) {
  if (connection_ == nullptr || request_ != nullptr) return false;
  minor_version_ = static_cast<unsigned char>(minor_version);
  std::string line;
  line.reserve(method.size() + path.size() + 16);
  line.append(method).append(" ").append(path);
  line.append(minor_version == 0 ? " HTTP/1.0\r\n\r\n" : " HTTP/1.1\r\n\r\n");
  evbuffer* input = bufferevent_get_input(bev_);
  if (evbuffer_add_reference(input, line.data(), line.size(), nullptr, nullptr) != 0) return false;

  htparser* parser = engine_.parser_.get();
  htparser_init(parser, htp_type_request);
  htparser_set_userdata(parser, connection_);
  // evhtp's own read callback: parse what is in the input buffer. It was replaced on the
  // bufferevent, which evhtp set when it accepted; the engine keeps it.
  engine_.fresh_request_ = nullptr;
  engine_.evhtp_read_(bev_, connection_);
  request_ = connection_ ? std::exchange(engine_.fresh_request_, nullptr) : nullptr;
  return request_ != nullptr;
}

// evhtp copies nothing: `block` must live until the answer is rendered. Each header costs evhtp an
// object and four small writes, so it is given two: the content type, which it looks for, and the
// date with all others behind it, line breaks and all. They are clean: a line break in a value is
// how answers are split.
void EngineConnection::add_headers(const AnswerHead& head, std::string& block) {
  const auto add = [&](const char* name, const char* value) {
    evhtp_headers_add_header(request_->headers_out, evhtp_header_new(name, value, 0, 0));
  };
  constexpr std::size_t kUsualBlock = 1024;
  block.reserve(kUsualBlock);
  block.assign(head.date);
  for (const auto& [name, value] : head.headers) {
    if (is_own_header(name) || name.empty() || has_control(name)) continue;
    // Clients refuse an answer with any of them.
    const bool clean = !has_control(value);
    if (clean && name.size() == 12 && iequals(name, "content-type")) {
      add(name.data(), value.data());
      continue;
    }
    block.append("\r\n").append(name).append(": ").append(value);
    if (clean) continue;
    const auto begin = block.end() - static_cast<std::ptrdiff_t>(value.size());
    block.erase(std::remove_if(begin, block.end(), is_control), block.end());
  }
  add("date", block.c_str());
  if (head.keep_alive)
    request_->flags |= EVHTP_REQ_FLAG_KEEPALIVE;
  else
    request_->flags &= ~EVHTP_REQ_FLAG_KEEPALIVE;  // evhtp's setter cannot clear it
}

// After evhtp has rendered: drop the borrowed header strings, count, and give the status a reason
// phrase where evhtp has none.
void EngineConnection::render(int status, std::size_t output_before) {
  clear_headers(request_->headers_out);
  queued_ += pending() - output_before;
  const auto reason = std::find_if(std::begin(kReasons), std::end(kReasons),
                                   [status](const Reason& r) { return r.status == status; });
  if (reason == std::end(kReasons) || output_before != 0) return;
  evbuffer* out = output();
  evbuffer_unfreeze(out, 1);
  const evbuffer_ptr end = evbuffer_search(out, "\r\n", 2, nullptr);
  constexpr std::size_t kStatusSize = sizeof "HTTP/1.1 529 " - 1;
  if (end.pos < static_cast<ssize_t>(kStatusSize)) return;
  char line[64];
  const int size = std::snprintf(line, sizeof line, "HTTP/1.%d %d %.*s", minor_version_, status,
                                 static_cast<int>(reason->text.size()), reason->text.data());
  const std::size_t before = pending();
  evbuffer_drain(out, static_cast<std::size_t>(end.pos));
  evbuffer_prepend(out, line, static_cast<std::size_t>(size));
  queued_ += pending() - before;
}

void EngineConnection::send_answer(const AnswerHead& head, std::size_t body_length,
                                   std::string_view body) {
  const std::size_t before = pending();
  std::string block;
  add_headers(head, block);
  const std::string length = std::to_string(body_length);
  if (head.status == 204 || head.status == 304)
    request_->flags |= EVHTP_REQ_FLAG_CHUNKED;  // keeps evhtp from adding a Content-Length
  else
    evhtp_headers_add_header(request_->headers_out,
                             evhtp_header_new("content-length", length.c_str(), 0, 0));
  if (!body.empty()) evbuffer_add(request_->buffer_out, body.data(), body.size());
  htparser_set_major(connection_->parser, 1);
  htparser_set_minor(connection_->parser, minor_version_);
  evhtp_send_reply(request_, static_cast<evhtp_res>(head.status));
  render(head.status, before);
}

// evhtp's own chunked start also chunks for HTTP/1.0, and its chunk functions copy and format with
// printf: the head is evhtp's, the chunks are written by write_chunk().
void EngineConnection::send_head(const AnswerHead& head, AnswerFraming framing) {
  const std::size_t before = pending();
  std::string block;
  add_headers(head, block);
  request_->flags |= EVHTP_REQ_FLAG_CHUNKED;  // no Content-Length from evhtp
  if (framing == AnswerFraming::chunked)
    evhtp_headers_add_header(request_->headers_out,
                             evhtp_header_new("transfer-encoding", "chunked", 0, 0));
  htparser_set_major(connection_->parser, 1);
  htparser_set_minor(connection_->parser, minor_version_);
  evhtp_send_reply_start(request_, static_cast<evhtp_res>(head.status));
  render(head.status, before);
}

// evhtp ends a request in its write callback, when everything is sent. That callback is called
// here directly: as a bufferevent callback it would not come when the output was flushed before.
void EngineConnection::close_request() {
  if (request_ == nullptr) return;
  request_->flags |= EVHTP_REQ_FLAG_FINISHED | EVHTP_REQ_FLAG_KEEPALIVE;
  request_ = nullptr;
  engine_.evhtp_write_(bev_, connection_);
}

evbuffer* EngineConnection::output() const {
  return bufferevent_get_output(bev_);
}

std::size_t EngineConnection::pending() const {
  return connection_ ? evbuffer_get_length(output()) : 0;
}

void EngineConnection::write(std::string_view bytes) {
  if (connection_ == nullptr || bytes.empty()) return;
  if (evbuffer_add(output(), bytes.data(), bytes.size()) == 0) queued_ += bytes.size();
}

void EngineConnection::write_chunk(std::string_view bytes) {
  if (bytes.empty()) return;  // an empty chunk would end the body
  char size[24];
  const int digits = std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  write({size, static_cast<std::size_t>(digits)});
  write(bytes);
  write("\r\n");
}

EngineConnection::Flush EngineConnection::flush() {
  if (connection_ == nullptr) return Flush::failed;
  if (blocked_) return Flush::blocked;
  evbuffer* out = output();
  if (evbuffer_get_length(out) == 0) return Flush::done;
  if (tls_) return flush_tls();
  evbuffer_unfreeze(out, 1);  // libevent freezes the front of a bufferevent's output
  if (evbuffer_write(out, fd_) < 0 && errno != EAGAIN && errno != EINTR) return Flush::failed;
  if (evbuffer_get_length(out) == 0) return Flush::done;
  blocked_ = true;
  bufferevent_enable(bev_, EV_WRITE);
  return Flush::blocked;
}

void EngineConnection::on_write_thunk(bufferevent*, void* self) noexcept {
  auto* connection = static_cast<EngineConnection*>(self);
  if (!connection->blocked_ || connection->pending() > 0) return;
  connection->blocked_ = false;
  bufferevent_disable(connection->bev_, EV_WRITE);
  connection->events_->on_output_drained();
}

// ---- TLS ----------------------------------------------------------------------------------------

Result<void> EngineConnection::start_tls() {
  auto session = entrance_->tls->make_session(fd_);
  if (!session) return tl::unexpected(session.error());
  tls_ = std::move(*session);
  return {};
}

IoResult EngineConnection::handshake() {
  const IoResult result = tls_->handshake();
  if (result.status == IoStatus::want_write) await_tls_writable();
  // The first request may have come together with the end of the handshake.
  if (result.status == IoStatus::done) buffered_input_ = tls_->has_pending();
  return result;
}

long EngineConnection::receive_raw(char* data, std::size_t size) {
  return recv(fd_, data, size, 0);
}

long EngineConnection::receive(char* data, std::size_t size) {
  if (!tls_) return receive_raw(data, size);
  const IoResult result = tls_->read(data, size);
  // Less than asked for means that there was no more, although a part of a record may be here.
  buffered_input_ = result.status == IoStatus::done && tls_->has_pending() &&
                    (result.bytes == size || tls_->has_ended());
  switch (result.status) {
    case IoStatus::done:
      return static_cast<long>(result.bytes);
    case IoStatus::eof:
    case IoStatus::truncated:  // where requests end is said by HTTP
      return 0;
    case IoStatus::want_read:
      errno = EAGAIN;
      return -1;
    case IoStatus::want_write:  // new keys are asked for by somebody who takes nothing
    case IoStatus::failed:
      break;
  }
  errno = ECONNABORTED;
  return -1;
}

// A record holds 16 KB at most, and goes out in one call.
EngineConnection::Flush EngineConnection::flush_tls() {
  evbuffer* out = output();
  evbuffer_unfreeze(out, 1);
  while (const std::size_t left = evbuffer_get_length(out)) {
    const std::size_t size = std::min(left, kTlsRecord);
    const unsigned char* record = evbuffer_pullup(out, static_cast<ev_ssize_t>(size));
    if (record == nullptr) return Flush::failed;
    const IoResult result = tls_->write(record, size);
    if (result.status == IoStatus::done) {
      evbuffer_drain(out, result.bytes);
      continue;
    }
    if (result.status != IoStatus::want_write) return Flush::failed;
    blocked_ = true;
    await_tls_writable();
    return blocked_ ? Flush::blocked : Flush::failed;
  }
  return Flush::done;
}

void EngineConnection::await_tls_writable() {
  if (!tls_writable_)
    tls_writable_.reset(event_new(engine_.base_, fd_, EV_WRITE, &on_tls_writable_thunk, this));
  if (!tls_writable_ || event_add(tls_writable_.get(), nullptr) != 0) blocked_ = false;
}

void EngineConnection::on_tls_writable_thunk(evutil_socket_t, short, void* self) noexcept {
  auto* connection = static_cast<EngineConnection*>(self);
  if (connection->blocked_) {
    connection->blocked_ = false;
    const Flush flushed = connection->flush_tls();
    if (flushed == Flush::blocked) return;
    if (flushed == Flush::failed) return connection->events_->on_output_failed();
  }
  connection->events_->on_output_drained();
}

void EngineConnection::on_event_thunk(bufferevent*, short events, void* self) noexcept {
  if (events & (BEV_EVENT_ERROR | BEV_EVENT_EOF))
    static_cast<EngineConnection*>(self)->events_->on_output_failed();
}

void EngineConnection::shutdown_write() {
  if (tls_ && connection_ != nullptr) tls_->say_goodbye();
  ::shutdown(fd_, SHUT_WR);
}

void EngineConnection::reset_on_close() {
  reset_ = true;
  const linger now{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

// evhtp frees a connection when its parser fails, and when we say so. The shared parser must not
// go with it.
std::uint16_t HttpEngine::on_free_thunk(evhtp_connection* connection, void* self) noexcept {
  connection->parser = nullptr;
  auto* owner = static_cast<EngineConnection*>(self);
  owner->connection_ = nullptr;
  owner->request_ = nullptr;
  return EVHTP_RES_OK;
}

}  // namespace clasp::daemon
