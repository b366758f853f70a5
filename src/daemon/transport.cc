// Socket calls and event interest of one connection. See the header.
#include "daemon/transport.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "daemon/error_text.h"

namespace clasp::daemon {
namespace {
constexpr std::size_t kTlsRecord = 16 * 1024;
}  // namespace

Transport::Transport(event_base* base, UniqueFd fd, TransportOwner& owner)
    : fd_(std::move(fd)), owner_(&owner), base_(base) {
  event_assign(&read_event_, base, fd_.get(), EV_READ | EV_PERSIST, on_read_thunk, this);
  event_assign(&write_event_, base, fd_.get(), EV_WRITE | EV_PERSIST, on_write_thunk, this);
}

Transport::~Transport() {
  event_del(&read_event_);
  event_del(&write_event_);
  if (again_ != nullptr) event_free(again_);
}

void Transport::want_read(bool want) {
  if (wants_read_ == want) return;
  wants_read_ = want;
  update_events();
  announce_pending();
}

void Transport::want_write(bool want) {
  if (wants_write_ == want) return;
  wants_write_ = want;
  update_events();
}

void Transport::update_events() {
  const auto set = [](event& e, bool& armed, bool want) {
    if (armed == want) return;
    armed = want;
    if (want)
      event_add(&e, nullptr);
    else
      event_del(&e);
  };
  const bool read_waits = wants_read_ && !read_needs_write_;
  const bool write_waits = wants_write_ && !write_needs_read_;
  set(read_event_, read_armed_, read_waits || (wants_write_ && write_needs_read_));
  set(write_event_, write_armed_, write_waits || (wants_read_ && read_needs_write_));
}

// A timer of zero length waits for the next turn, so that a fast peer cannot starve the others.
void Transport::announce_pending() {
  if (!tls_ || !wants_read_ || !tls_->has_pending()) return;
  if (again_ == nullptr) again_ = evtimer_new(base_, on_read_thunk, this);
  constexpr timeval kNextTurn{0, 0};
  if (again_ != nullptr) event_add(again_, &kNextTurn);
}

void Transport::on_read_thunk(evutil_socket_t, short, void* arg) noexcept {
  auto* self = static_cast<Transport*>(arg);
  if (self->wants_write_ && self->write_needs_read_) {
    self->write_needs_read_ = false;
    self->update_events();
    self->owner_->on_transport_writable();
  } else if (self->wants_read_) {
    self->owner_->on_transport_readable();
  }
}

void Transport::on_write_thunk(evutil_socket_t, short, void* arg) noexcept {
  auto* self = static_cast<Transport*>(arg);
  if (self->wants_read_ && self->read_needs_write_) {
    self->read_needs_write_ = false;
    self->update_events();
    self->owner_->on_transport_readable();
  } else if (self->wants_write_) {
    self->owner_->on_transport_writable();
  }
}

IoResult Transport::handshake() {
  const IoResult result = tls_->handshake();
  want_read(result.status == IoStatus::want_read);
  want_write(result.status == IoStatus::want_write);
  return result;
}

IoResult Transport::plain_result(ssize_t n) {
  if (n > 0) return {IoStatus::done, static_cast<std::size_t>(n)};
  if (n == 0) return {IoStatus::eof, 0};
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoStatus::want_read, 0};
  errno_ = errno;
  return {IoStatus::failed, 0};
}

IoResult Transport::read(char* data, std::size_t size) {
  if (!tls_) {
    ssize_t n;
    do n = ::recv(fd_.get(), data, size, 0);
    while (n < 0 && errno == EINTR);
    return plain_result(n);
  }
  const IoResult result = tls_->read(data, size);
  read_needs_write_ = result.status == IoStatus::want_write;
  update_events();
  // A full buffer may have left something behind; so may an end that came with the last bytes.
  if (result.status == IoStatus::done && (result.bytes == size || tls_->has_ended()))
    announce_pending();
  return result;
}

IoResult Transport::write(std::string_view head, std::string_view body) {
  if (tls_) return write_tls(head, body);
  std::array<iovec, 2> parts{{{const_cast<char*>(head.data()), head.size()},
                              {const_cast<char*>(body.data()), body.size()}}};
  msghdr message{};
  message.msg_iov = parts.data() + (head.empty() ? 1 : 0);
  message.msg_iovlen = head.empty() || body.empty() ? 1 : 2;
  ssize_t n;
  do n = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  IoResult result = plain_result(n);
  if (result.status == IoStatus::want_read) result.status = IoStatus::want_write;
  return result;
}

// A record holds 16 KB at most; a short request with its head goes out as one.
IoResult Transport::write_tls(std::string_view head, std::string_view body) {
  IoResult result;
  if (head.empty() || body.empty() || head.size() >= kTlsRecord) {
    const std::string_view part = head.empty() ? body : head;
    result = tls_->write(part.data(), std::min(part.size(), kTlsRecord));
  } else {
    std::array<char, kTlsRecord> joined;
    const std::size_t more = std::min(body.size(), kTlsRecord - head.size());
    std::memcpy(joined.data(), head.data(), head.size());
    std::memcpy(joined.data() + head.size(), body.data(), more);
    result = tls_->write(joined.data(), head.size() + more);
  }
  write_needs_read_ = result.status == IoStatus::want_read;
  if (write_needs_read_) result.status = IoStatus::want_write;
  update_events();
  return result;
}

bool Transport::is_quiet() {
  char byte;
  const ssize_t n = ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return false;
  if (!tls_) return n < 0;
  if (n < 0 && !tls_->has_pending()) return true;
  // It may be a session ticket, which is read past here.
  return read(&byte, 1).status == IoStatus::want_read;
}

std::string Transport::error() const {
  if (tls_ && !tls_->error().empty()) return tls_->error();
  if (errno_ == 0) return "";
  return describe_errno(errno_);
}

}  // namespace clasp::daemon
