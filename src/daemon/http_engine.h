// libevhtp, boxed in: everything that includes its header, knows its structures or works around
// its bugs is in this pair of files. evhtp accepts connections, owns them and their bufferevents,
// makes a request object for every message and renders answer heads. It never reads a socket and
// never sees a byte that the gate (gate.h) has not judged: its parser appends stray bytes
// when a request line comes in two segments, reads out of bounds, and accepts most framing tricks.
#pragma once

#include <event2/event.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/scheduler.h"
#include "core/wire/headers.h"
#include "daemon/entrance.h"
#include "daemon/scheduler.h"

struct bufferevent;
struct evbuffer;
struct evconnlistener;
struct evhtp;
struct evhtp_connection;
struct evhtp_request;
struct htparser;

namespace clasp::daemon {

class HttpEngine;

// What a connection's owner is told about its output.
class EngineEvents {
 public:
  virtual ~EngineEvents() = default;
  // After flush() had said `blocked`: the kernel has taken everything now.
  virtual void on_output_drained() = 0;
  // The peer is gone. Like the above, never called from inside a call of EngineConnection.
  virtual void on_output_failed() = 0;
};

enum class AnswerFraming { length, chunked, until_close };

// The head of an answer. `headers` must not be about framing or the connection; such are skipped.
struct AnswerHead {
  int status;
  const wire::Headers& headers;
  std::string_view date;  // IMF-fixdate, null-terminated
  bool keep_alive;
};

// One accepted connection. Destroying it closes the socket. Nothing here blocks; nothing is sent
// before flush().
class EngineConnection {
 public:
  EngineConnection(HttpEngine& engine, evhtp_connection* connection, EntrancePtr entrance);
  ~EngineConnection();
  EngineConnection(const EngineConnection&) = delete;
  EngineConnection& operator=(const EngineConnection&) = delete;

  // Must be called once, before anything is written.
  void set_events(EngineEvents& events) { events_ = &events; }
  int fd() const { return fd_; }
  const Entrance& entrance() const { return *entrance_; }
  // Of a Unix socket: whose process connected.
  std::optional<std::uint32_t> peer_user() const;
  const std::string& render_peer() const;  // "127.0.0.1:54321", "[::1]:54321", "unix"
  // Who is at the other end, or, behind a PROXY header, who that one speaks for. None: a Unix
  // socket.
  std::optional<PeerAddress> peer() const;
  void set_peer(const PeerAddress& peer) {
    told_peer_ = peer;
    peer_text_.clear();
  }

  // What goes over the wire is TLS from now on; nothing else may be sent before the handshake is
  // done. After want_write it is tried again when on_output_drained() says so.
  Result<void> start_tls();
  IoResult handshake();
  bool has_tls() const { return tls_ != nullptr; }
  const std::string& tls_error() const { return tls_->error(); }
  std::string certificate_name() const { return tls_ ? tls_->certificate_name() : std::string(); }

  // As recv() does it: bytes, 0 at the end of the input, or -1 with errno.
  long receive(char* data, std::size_t size);
  // Bytes of no interest, as they come off the wire.
  long receive_raw(char* data, std::size_t size);
  // receive() has more to give that no event of the descriptor will announce.
  bool has_buffered_input() const { return buffered_input_; }

  // Makes evhtp's request object for a message that the gate accepted, or a stand-in for one that
  // it refused. False when evhtp did not want it; the connection is useless then.
  bool open_request(std::string_view method, std::string_view path, int minor_version);
  bool has_request() const { return request_ != nullptr; }
  // Both need an open request. `body_length` is what Content-Length says; `body` may be empty with
  // it, which is how HEAD is answered.
  void send_answer(const AnswerHead& head, std::size_t body_length, std::string_view body);
  void send_head(const AnswerHead& head, AnswerFraming framing);
  // Ends the request object; all output must have been taken.
  void close_request();

  // Body bytes, as they go over the wire or as one chunk.
  void write(std::string_view bytes);
  void write_chunk(std::string_view bytes);
  std::size_t pending() const;
  // Bytes the kernel has taken since the connection began; shows progress.
  std::uint64_t taken() const { return queued_ - pending(); }

  // One write call to the socket. After `blocked` libevent goes on by itself and tells the events.
  enum class Flush { done, blocked, failed };
  Flush flush();
  bool blocked() const { return blocked_; }
  void shutdown_write();
  // Makes the closing of the socket a reset, which no client takes for a proper end.
  void reset_on_close();

 private:
  friend class HttpEngine;
  static void on_write_thunk(bufferevent*, void* self) noexcept;
  static void on_tls_writable_thunk(evutil_socket_t, short, void* self) noexcept;
  Flush flush_tls();
  void await_tls_writable();
  static void on_event_thunk(bufferevent*, short events, void* self) noexcept;
  void add_headers(const AnswerHead& head, std::string& block);
  void render(int status, std::size_t output_before);
  evbuffer* output() const;

  HttpEngine& engine_;
  evhtp_connection* connection_;  // nullptr once evhtp has freed it by itself
  evhtp_request* request_ = nullptr;
  EngineEvents* events_ = nullptr;
  EntrancePtr entrance_;
  std::unique_ptr<TlsServerSession> tls_;
  EventPtr tls_writable_;  // made when the socket was full for the first time
  std::optional<PeerAddress> told_peer_;
  mutable std::string peer_text_;  // made when it is asked for
  bufferevent* bev_ = nullptr;
  std::uint64_t queued_ = 0;
  int fd_ = -1;
  unsigned char minor_version_ = 1;
  bool blocked_ = false;
  bool buffered_input_ = false;
  bool reset_ = false;
};

class AcceptHandler {
 public:
  virtual ~AcceptHandler() = default;
  virtual void on_accept(std::unique_ptr<EngineConnection> connection) = 0;
  // A whole raw answer for a connection that there is no descriptor to serve.
  virtual std::string render_overload_answer() = 0;
};

class HttpEngine {
 public:
  HttpEngine(event_base* base, Scheduler& scheduler, AcceptHandler& handler);
  // All connections must be gone.
  ~HttpEngine();
  HttpEngine(const HttpEngine&) = delete;
  HttpEngine& operator=(const HttpEngine&) = delete;

  // `listening` must be bound and listening already, for instance inherited; it is made
  // non-blocking, close-on-exec and, for TCP, TCP_NODELAY, which accepted sockets inherit. `id` is
  // the caller's name for it. `shared`: others accept there too, so one connection is taken at a
  // time, or who is awake first would take all that wait.
  Result<void> add_listener(UniqueFd listening, EntrancePtr entrance, std::uint64_t id,
                            bool shared = false);
  // For connections that are accepted from now on.
  void set_entrance(std::uint64_t id, const EntrancePtr& entrance);
  // Stops accepting there, as stop_accepting() does, unless `keep` says otherwise.
  void stop_listeners_but(const std::vector<std::uint64_t>& keep);
  // Takes what waits in the accept queues, then closes the listening sockets (in the next turn).
  // Those in `leave` are left at once: others serve who waits there.
  void stop_accepting(const std::vector<std::uint64_t>& leave = {});

 private:
  friend class EngineConnection;
  struct ListenerEnd {
    void operator()(evhtp* htp) const;
  };
  struct Listener {
    HttpEngine& engine;
    std::unique_ptr<evhtp, ListenerEnd> htp;
    EntrancePtr entrance;
    std::uint64_t id;
    bool shared = false;
    bool stopped = false;
  };

  static std::uint16_t on_accept_thunk(evhtp_connection* connection, void* listener) noexcept;
  static std::uint16_t on_free_thunk(evhtp_connection* connection, void* self) noexcept;
  static void on_request_thunk(evhtp_request* request, void* self) noexcept;
  static void on_accept_error_thunk(evconnlistener* listener, void* htp) noexcept;
  void on_accept_error(evconnlistener* listener);
  void shed_connections(evconnlistener* listener);
  void let_others_accept(Listener& listener);
  // Two turns later, for what waits to be accepted.
  void close_soon(std::vector<Listener*> listeners);

  event_base* base_;
  Scheduler& scheduler_;
  AcceptHandler& handler_;
  struct ParserEnd {
    void operator()(htparser* parser) const;
  };
  // evhtp gives every connection a parser of 8 KB. Ours run one complete message at a time on one
  // thread, so all connections of an engine share this one.
  std::unique_ptr<htparser, ParserEnd> parser_;
  // Stopped ones stay: connections point to their evhtp objects.
  std::vector<std::unique_ptr<Listener>> listeners_;
  // The callbacks evhtp puts on its bufferevents; the same for all connections.
  void (*evhtp_read_)(bufferevent*, void*) = nullptr;
  void (*evhtp_write_)(bufferevent*, void*) = nullptr;
  evhtp_request* fresh_request_ = nullptr;  // handed over by on_request_thunk
  UniqueFd reserve_;                        // given up for a moment when descriptors run out
  TimerHandle accept_again_;
  TimePoint shortage_told_{};  // zero: never
  // Posted work looks here whether the engine still exists.
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace clasp::daemon
