// What an exchange needs from the outside, as interfaces: the client it answers, the backend it
// calls. The daemon implements them over sockets, the tests over scripts. Everything happens on
// one loop; no call blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/settings.h"
#include "core/exchange/admission.h"
#include "core/wire/headers.h"

namespace clasp::exchange {

// A body with room behind its end: capacity() >= size() + kBodyPadding, so that the JSON parser
// may read past the end (not use what it read). Make one with padded_body() or reserve yourself.
inline constexpr std::size_t kBodyPadding = 64;

// A request whose head passed the gate: the method and version are known, the path is the raw
// path without the query.
struct RequestHead {
  std::string method;
  std::string path;
  std::string query;  // without '?', may be empty
  wire::Headers headers;
  // "127.0.0.1:54321", "[::1]:54321", "unix"; behind a proxy, whose word is believed, the port may
  // be missing. address_of_peer() takes it off.
  std::string peer;
  // Of a Unix socket: the user id of the process that connected.
  std::optional<std::uint32_t> peer_user = {};
  // Common name of the client certificate that the listener verified, empty: none.
  std::string certificate_name = {};
  // Set where the door knows the client by name; else it is a stranger.
  std::shared_ptr<const config::ClientSettings> client;
  // Set where limits count this request; given back when the last copy is gone.
  std::shared_ptr<Admission> admission;
  std::uint64_t body_length = 0;  // declared, 0 when chunked or absent
};

// The answer's side of one request. Owned by the HTTP server; valid until the RequestTask that
// was given it is destroyed. After answer(), end() or abort() nothing more may be sent.
class ClientStream {
 public:
  virtual ~ClientStream() = default;
  // A whole answer with Content-Length (computed here). For HEAD the body is not sent.
  virtual void answer(int status, const wire::Headers& headers, std::string_view body) = 0;
  // Opens an answer of unknown length (chunked, or until close for HTTP/1.0).
  virtual void begin(int status, const wire::Headers& headers) = 0;
  // One call is at most one write to the socket and one HTTP chunk. The bytes are copied.
  virtual void write(std::string_view bytes) = 0;
  // Ends the body properly.
  virtual void end() = 0;
  // Breaks the connection so that the client cannot mistake the answer for a complete one.
  virtual void abort() = 0;
  // Bytes accepted by write() that the kernel has not taken yet.
  virtual std::size_t pending() const = 0;
};

// The program's side of one request, made when its body is complete. The HTTP server owns it and
// destroys it, never from inside one of its own calls, when the answer is sent or the client left.
class RequestTask {
 public:
  virtual ~RequestTask() = default;
  // The connection is gone; the ClientStream must not be used any more. Destruction follows.
  virtual void on_client_gone() = 0;
  // pending() fell to zero after having been above zero.
  virtual void on_client_drained() = 0;
};

// Time limits of one call; zero means no limit.
struct BackendTimeouts {
  std::int64_t connect_ms = 10'000;      // per address: TCP
  std::int64_t tls_ms = 10'000;          // handshake
  std::int64_t first_byte_ms = 300'000;  // request sent -> first byte of the answer
  std::int64_t idle_ms = 300'000;        // between two bytes of the answer
};

// One HTTP request to a backend.
struct BackendRequest {
  std::string url;  // absolute: scheme, host, port, path, query
  std::string method = "POST";
  wire::Headers headers;  // without Host, Content-Length, Connection: the client adds them
  std::string body;
  BackendTimeouts timeouts;
};

enum class FailureKind {
  name,       // DNS: the host is not known or the resolver failed
  connect,    // refused, unreachable, no address answered
  tls,        // handshake or certificate
  timeout,    // one of BackendTimeouts; `message` says which
  reset,      // the connection broke before the answer was complete
  protocol,   // what came is not HTTP/1.x
  too_large,  // head or buffered body above the limits
  forbidden,  // the host has an address that calls of this kind may not go to
};

struct BackendFailure {
  FailureKind kind = FailureKind::reset;
  std::string message;             // for the log and, masked, for the client
  bool no_byte_received = true;    // not one byte of an answer had come
  bool connection_reused = false;  // the connection came from the pool
};

// What a call reports. Never called from inside BackendPort::start(); after end or failure
// nothing follows. The BackendCall may be destroyed inside any of these.
class BackendEvents {
 public:
  virtual ~BackendEvents() = default;
  virtual void on_backend_head(int status, wire::Headers headers) = 0;
  // All body bytes of one read together; the view is valid during the call only.
  virtual void on_backend_body(std::string_view bytes) = 0;
  // The body is complete by its framing (length, last chunk, or close where allowed).
  virtual void on_backend_end() = 0;
  virtual void on_backend_failed(const BackendFailure& failure) = 0;
};

// A running call. Destroying it cancels: the connection is closed unless the answer was complete.
class BackendCall {
 public:
  virtual ~BackendCall() = default;
  // Stops and restarts reading from the backend; for clients that read slowly. While paused the
  // idle timeout does not run.
  virtual void pause() = 0;
  virtual void resume() = 0;
  // The answer is understood before its body ended, and nothing more is wanted of it: destroying
  // the call now leaves the connection a moment to end the body, so that it can be used again.
  // No event follows.
  virtual void let_finish() = 0;
};

class BackendPort {
 public:
  virtual ~BackendPort() = default;
  // `events` must outlive the returned call.
  virtual std::unique_ptr<BackendCall> start(BackendRequest request, BackendEvents& events) = 0;
};

}  // namespace clasp::exchange
