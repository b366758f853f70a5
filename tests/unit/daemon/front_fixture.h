// A real HttpServer on a loop thread of its own, a handler with a few paths, and a blocking test
// client whose every wait is bounded. With CLASP_FRONT_TLS in the environment both speak TLS, and
// every test of the front says the same of HTTPS.
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "daemon/http_server.h"
#include "daemon/listener.h"
#include "daemon/mailbox.h"
#include "daemon/scheduler.h"
#include "daemon/system_random.h"

struct ssl_st;

namespace clasp::test {

// What `CLASP_FRONT_TLS` turns on, and tests of TLS use: a certificate for localhost.
std::shared_ptr<daemon::Entrance> make_tls_entrance();

using daemon::HttpAnswer;

// Paths: /sync answers at once what it was given; /echo the body; /later the same from a timer;
// /hold never; /stream?n=N writes N chunks, one per millisecond; /flood?n=BYTES streams with
// backpressure; /abort breaks off in the middle; /broken answers nothing; /evil puts line breaks
// into headers; /who answers with peer and certificate's name. on_head refuses /denied with 401.
class Handler final : public daemon::HttpHandler {
 public:
  explicit Handler(Scheduler& scheduler) : scheduler_(scheduler) {}

  std::optional<HttpAnswer> on_head(exchange::RequestHead& head) override;
  std::unique_ptr<exchange::RequestTask> on_request(exchange::RequestHead head, std::string body,
                                                    exchange::ClientStream& stream) override;

  std::atomic<int> requests{0};
  std::atomic<int> gone{0};
  std::atomic<int> live_tasks{0};
  std::atomic<std::size_t> most_pending{0};
  std::atomic<bool> padding_missing{false};

 private:
  class Task;
  Scheduler& scheduler_;
};

class Server {
 public:
  explicit Server(daemon::HttpLimits limits = {}, bool unix_socket = false);
  // Another entrance than the usual one.
  Server(daemon::HttpLimits limits, std::shared_ptr<daemon::Entrance> entrance);
  ~Server();

  int port() const { return port_; }
  bool tls() const { return tls_; }
  const std::string& path() const { return path_; }
  Handler& handler() { return *handler_; }
  // Runs on the loop's thread and waits for it.
  void run(std::function<void(daemon::HttpServer&)> work);
  std::size_t connections();

 private:
  void start(daemon::HttpLimits limits, bool unix_socket, daemon::EntrancePtr entrance);

  bool tls_ = false;
  std::string path_;
  int port_ = 0;
  daemon::EventBasePtr base_;
  std::unique_ptr<daemon::LoopScheduler> scheduler_;
  std::unique_ptr<daemon::Mailbox> mailbox_;
  daemon::SystemRandom random_;
  std::unique_ptr<Handler> handler_;
  std::unique_ptr<daemon::HttpServer> server_;
  std::thread thread_;
};

struct Response {
  int status = 0;                              // 0: nothing came
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  bool complete = false;  // by its framing
  bool chunked = false;
};

class Client {
 public:
  // Connects; receive_buffer limits what the kernel takes for a client that does not read; port is
  // another one than the server's first.
  explicit Client(const Server& server, int receive_buffer = 0, int port = 0);
  // Speaks TLS from now on; false when the handshake fails.
  bool start_tls(const std::function<void(ssl_st*)>& adjust = {});
  ssl_st* tls() const { return ssl_; }
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return fd_ >= 0; }
  // False when the peer does not take it any more.
  bool send(std::string_view bytes);
  // One response; waits at most `wait`. Interim ones (1xx) are counted and skipped.
  Response read(bool head_request = false,
                std::chrono::milliseconds wait = std::chrono::seconds(5));
  // Everything until the peer closes; `reset` says how it closed.
  std::string read_all(std::chrono::milliseconds wait = std::chrono::seconds(5));
  // Whether the peer closes within the time (what it sends before is dropped).
  bool closed_within(std::chrono::milliseconds wait);
  bool was_reset() const { return reset_; }
  int interim() const { return interim_; }
  void half_close();
  // Sent to the socket as they are.
  bool send_raw(std::string_view bytes);
  void reset();  // closes with RST
  void close();
  int fd() const { return fd_; }

 private:
  bool fill(std::chrono::steady_clock::time_point until);
  int fd_ = -1;
  ssl_st* ssl_ = nullptr;
  std::string buffer_;
  bool ended_ = false;
  bool reset_ = false;
  int interim_ = 0;
};

std::string get(std::string_view path, std::string_view fields = {});
std::string post(std::string_view path, std::string_view body, std::string_view fields = {});
// Polls until true; at most 5 s.
bool eventually(const std::function<bool()>& check);

}  // namespace clasp::test
