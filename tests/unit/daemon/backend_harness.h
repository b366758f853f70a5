// A loop with a backend client on it and a scripted server on loopback, for the tests of the
// client. Every wait is bounded.
#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "daemon/backend_client.h"
#include "daemon/scheduler.h"

struct ssl_st;
struct ssl_ctx_st;

namespace clasp::daemon::test {

inline constexpr int kPatience = 5'000;  // milliseconds

// The server's side of one connection, blocking with a limit.
class Peer {
 public:
  explicit Peer(UniqueFd fd) : fd_(std::move(fd)) {}
  ~Peer();
  bool accept_tls(ssl_ctx_st* context);
  void stop_tls();  // goes on in clear, without a goodbye
  // Head and body by Content-Length; empty when the connection ended or nothing came.
  std::string read_request();
  std::string read_head();
  std::string read_some(std::size_t most = 65536);
  bool send(std::string_view bytes);
  bool wait_closed(int ms = kPatience);  // reads and throws away until the end
  void close();                          // FIN (TLS: with close_notify)
  void reset();                          // RST
  int fd() const { return fd_.get(); }
  bool was_resumed() const;
  std::string server_name() const;

 private:
  bool wait_readable(int ms);
  UniqueFd fd_;
  ssl_st* ssl_ = nullptr;
  std::string buffer_;
};

// Runs `script` in a thread for each connection; `index` counts them from 0.
class Server {
 public:
  using Script = std::function<void(Peer& peer, int index)>;
  explicit Server(Script script, int backlog = 64);
  ~Server();
  // Waits for every script to end. What they wrote may be read afterwards.
  void stop();
  int port() const { return port_; }
  std::string url(const std::string& host = "127.0.0.1", const std::string& scheme = "http",
                  const std::string& target = "/v1/x") const;
  int connections() const { return accepted_; }

 private:
  void run();
  Script script_;
  int port_ = 0;
  UniqueFd fd_;
  std::atomic<int> accepted_{0};
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> workers_;
  std::thread thread_;
};

// A listening socket in the tests' own range of ports.
UniqueFd listen_on_loopback(int& port, int backlog);

struct Recorder final : exchange::BackendEvents {
  void on_backend_head(int s, wire::Headers h) override;
  void on_backend_body(std::string_view bytes) override;
  void on_backend_end() override;
  void on_backend_failed(const exchange::BackendFailure& f) override;
  bool is_over() const { return ended || failed; }

  int status = 0;
  wire::Headers headers;
  std::string body;
  std::size_t body_bytes = 0;
  std::size_t largest_read = 0;
  bool keep_body = true;
  bool ended = false;
  bool failed = false;
  int after_over = 0;  // events that should not have come
  exchange::BackendFailure failure;
  std::function<void()> at_head, at_body, at_end, at_failure;
  std::unique_ptr<exchange::BackendCall> call;
};

class Loop {
 public:
  explicit Loop(BackendClientOptions options = {});
  ~Loop();
  bool run_until(const std::function<bool()>& done, int ms = kPatience);
  void run_for(int ms);
  // Starts a call into `recorder`.
  void start(Recorder& recorder, exchange::BackendRequest request);
  void start(Recorder& recorder, const std::string& url, std::string body = "{}");
  // Starts it and waits for its end.
  void call(Recorder& recorder, const std::string& url, std::string body = "{}");

  EventBasePtr base;
  std::unique_ptr<LoopScheduler> scheduler;
  std::unique_ptr<Resolver> resolver;
  std::unique_ptr<BackendClient> client;
};

exchange::BackendRequest make_request(const std::string& url, std::string body = "{}");

inline const std::string kOkHead = "HTTP/1.1 200 OK\r\n";
std::string ok(std::string_view body, std::string_view more_fields = "");

std::int64_t now_ms();

}  // namespace clasp::daemon::test
