// The HTTP server of one worker: listeners, connections and what ties them to the program. What
// a request means is the HttpHandler's business; how one connection is read and answered is the
// gate's (gate.h); the library is behind http_engine.h.
#pragma once

#include <event2/event.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/count.h"
#include "base/fd.h"
#include "base/random.h"
#include "base/result.h"
#include "base/scheduler.h"
#include "core/exchange/ports.h"
#include "core/exchange/record.h"
#include "core/wire/api_error.h"
#include "core/wire/request_head.h"
#include "daemon/http_engine.h"

namespace clasp::daemon {

struct HttpAnswer {
  int status = 200;
  wire::Headers headers;  // without framing, connection and date
  std::string body;
  bool last = false;  // the connection ends with it
};

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  // A head is complete and valid, nothing of the body is read. An answer refuses (or settles) the
  // request before its body is read; a small body is then skipped, a large one costs the client
  // the connection. What is filled in here (the client) comes back with on_request().
  virtual std::optional<HttpAnswer> on_head(exchange::RequestHead& head) = 0;
  // An answer of on_head() is on its way; what has no other place to be counted.
  virtual void on_early_answer(const exchange::RequestHead&, const HttpAnswer&) {}
  // The server refuses a request by itself, before or after its head was understood.
  virtual void on_refusal(int /*status*/) {}
  // Where places are kept (HttpLimits::reserved): whether they are for this user of a Unix socket.
  virtual bool has_precedence(std::optional<std::uint32_t> /*peer_user*/) { return true; }
  // What every answer to this request carries besides its own headers, the server's refusals too.
  virtual wire::Headers more_headers(const exchange::RequestHead&) { return {}; }
  // JSON for a refusal of the server's own; empty: an error of the Messages API.
  virtual std::string refusal_body(int /*status*/, std::string_view /*message*/) { return {}; }
  // What on_head() refused, and what the server refuses by itself; the answer is on its way.
  virtual void on_refused(const exchange::Refusal&) {}
  // The whole request; the body is decoded and has kBodyPadding spare capacity. May answer at once
  // and return nullptr. A returned task lives until its answer is sent or the client is gone;
  // on_client_gone() is called only while its answer is not over.
  virtual std::unique_ptr<exchange::RequestTask> on_request(exchange::RequestHead head,
                                                            std::string body,
                                                            exchange::ClientStream& stream) = 0;
};

// Sizes in bytes.
struct HttpLimits {
  wire::HeadLimits head;
  std::uint64_t body_bytes = 32u << 20;  // a body of exactly this size passes
  std::size_t connections = 10'000;      // above: 529
  // Of these, kept for those with precedence; where there are some, the connection that has waited
  // longest for its next request makes room when all are taken.
  std::size_t reserved = 0;
  Duration stranger_timeout{3'000};  // with `reserved`: header_timeout of those without
  Duration header_timeout{15'000};   // whole head, and from connecting to the first byte
  Duration body_timeout{60'000};     // between two reads of a body
  Duration idle_timeout{120'000};    // between two requests
  Duration write_timeout{60'000};    // a client that takes no byte of its answer
  Duration linger_timeout{2'000};    // after the last answer, for the client to read it
};

// One of a worker's listening sockets.
struct OpenListener {
  std::uint64_t id = 0;
  EntrancePtr entrance;
  UniqueFd fd;          // none: it is there already
  bool shared = false;  // with other workers
};

// Of one server; readable from any thread.
struct HttpCounters {
  Count accepted, open;  // connections
  Count bytes_in, bytes_out;
  Count handshakes, prefaces_refused;  // TLS that was agreed; TLS and PROXY headers that were not
};

class Gate;
class Preface;

// Connections above the limit are accepted and answered 529 at once rather than left waiting in
// the kernel's queue: clients know how to retry a 529 and cannot tell a queue from a dead server.
class HttpServer final : private AcceptHandler {
 public:
  HttpServer(event_base* base, HttpHandler& handler, const HttpLimits& limits, Scheduler& scheduler,
             Random& random);
  // Closes everything; tasks get on_client_gone(). Not from inside a call of the server's.
  ~HttpServer() override;
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // The socket must be listening (open_listener(), or inherited).
  Result<void> add_listener(UniqueFd listening_socket, EntrancePtr entrance, std::uint64_t id = 0,
                            bool shared = false);
  // Plain HTTP.
  Result<void> add_listener(UniqueFd listening_socket);
  // From now on these are all: those known by their id go on with another entrance, those with a
  // socket are new, others stop accepting. Connections stay.
  void set_listeners(std::vector<OpenListener> listeners);
  // What waits to be accepted is still served; the sockets close one turn of the loop later. Of
  // those in `leave` nobody more is accepted.
  void stop_accepting(const std::vector<std::uint64_t>& leave = {});
  // Closes connections between two requests; from now on every answer says "Connection: close".
  // With `patience` each may send one more: a client learns from an answer that it should connect
  // again, not from a connection that is gone. Those that rest for as long as ever, or for that
  // time, are closed then. May be called again, with less.
  void drain(Duration patience = {});
  // Connections with something left to do. One whose last answer the kernel has taken does not
  // count, although it may linger for the client to read it.
  std::size_t connections() const;
  const HttpCounters& counters() const { return counters_; }

 private:
  friend class Gate;
  void on_accept(std::unique_ptr<EngineConnection> connection) override;
  std::string render_overload_answer() override;

  bool make_room(bool precedence);

  // For the gates.
  void touch(Gate& gate);   // flush it at the end of this turn
  void retire(Gate& gate);  // destroy it at the end of this turn
  void on_lingering(int change) { lingering_ += static_cast<std::size_t>(change); }
  std::string_view date();
  HttpAnswer render_refusal(int status, std::string_view message);
  // Strangers decide how often this happens: a few lines a minute.
  void log_refused(const EngineConnection& link, const Preface& preface);

  void post_turn_end();
  void end_turn();

  event_base* base_;
  HttpHandler& handler_;
  const HttpLimits limits_;
  Scheduler& scheduler_;
  Random& random_;
  // Every read of every connection lands here first; only what must wait is copied.
  std::vector<char> read_buffer_;
  wire::HttpRequestHead parsed_head_;  // kept for the capacity of its list
  HttpEngine engine_;                  // after what gates use, before the gates
  std::vector<std::unique_ptr<Gate>> gates_;
  std::vector<std::unique_ptr<Gate>> retired_;
  std::vector<Gate*> touched_;
  std::vector<Gate*> flushing_;  // keeps its capacity between turns
  std::size_t lingering_ = 0;
  HttpCounters counters_;
  bool draining_ = false;
  Duration patience_{};  // while draining, with connections between two requests
  bool turn_end_posted_ = false;
  TimePoint refused_since_{};
  std::uint32_t refused_ = 0;  // since then
  std::string date_;
  std::int64_t date_second_ = -1;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace clasp::daemon
