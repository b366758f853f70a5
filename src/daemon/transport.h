// A connected, non-blocking socket on a libevent loop, plain or with TLS: bytes in, bytes out and
// who wants to hear of readiness. It has no buffers, no timers and knows no HTTP.
#pragma once

#include <event2/event.h>
#include <event2/event_struct.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "daemon/tls.h"

namespace clasp::daemon {

// Hears of readiness. Each is the last thing a Transport does with itself on that occasion, so
// the transport may be destroyed or handed on inside.
class TransportOwner {
 public:
  virtual ~TransportOwner() = default;
  virtual void on_transport_readable() = 0;
  virtual void on_transport_writable() = 0;
};

class Transport {
 public:
  Transport(event_base* base, UniqueFd fd, TransportOwner& owner);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  void set_owner(TransportOwner& owner) { owner_ = &owner; }
  int fd() const { return fd_.get(); }

  // Level-triggered: told again until read() has said want_read, or write() want_write.
  void want_read(bool want);
  void want_write(bool want);

  // From now on everything goes through `session`, which must be on this fd().
  void start_tls(std::unique_ptr<TlsSession> session) { tls_ = std::move(session); }
  IoResult handshake();
  const TlsSession* tls() const { return tls_.get(); }

  IoResult read(char* data, std::size_t size);
  // `head` then `body` in one system call (one TLS record where it fits); `bytes` counts both.
  IoResult write(std::string_view head, std::string_view body);

  // True while the peer has sent neither bytes nor its end.
  bool is_quiet();
  void say_goodbye() {
    if (tls_) tls_->say_goodbye();
  }
  std::string error() const;

 private:
  static void on_read_thunk(evutil_socket_t, short, void* self) noexcept;
  static void on_write_thunk(evutil_socket_t, short, void* self) noexcept;
  IoResult plain_result(ssize_t n);
  IoResult write_tls(std::string_view head, std::string_view body);
  void update_events();
  void announce_pending();

  UniqueFd fd_;
  TransportOwner* owner_;
  std::unique_ptr<TlsSession> tls_;
  event_base* base_;
  event* again_ = nullptr;  // made when TLS holds bytes that no event will announce
  event read_event_{};
  event write_event_{};
  int errno_ = 0;
  bool wants_read_ = false;
  bool wants_write_ = false;
  bool read_armed_ = false;
  bool write_armed_ = false;
  // TLS may need the other direction: what the last read() and write() waited for.
  bool read_needs_write_ = false;
  bool write_needs_read_ = false;
};

}  // namespace clasp::daemon
