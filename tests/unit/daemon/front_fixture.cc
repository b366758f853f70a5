// See front_fixture.h.
#include "front_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "backend_certificates.h"
#include "base/text.h"

namespace clasp::test {

using exchange::ClientStream;
using exchange::RequestHead;
using exchange::RequestTask;
using Clock = std::chrono::steady_clock;

// ---- handler ------------------------------------------------------------------------------------

class Handler::Task final : public RequestTask {
 public:
  Task(Handler& handler, ClientStream& stream) : handler_(handler), stream_(&stream) {
    ++handler_.live_tasks;
  }
  ~Task() override { --handler_.live_tasks; }

  void on_client_gone() override {
    stream_ = nullptr;
    timer_.reset();
    ++handler_.gone;
  }
  void on_client_drained() override {
    if (flood_left_ > 0) flood();
  }

  void answer_later(std::string body) {
    timer_ = handler_.scheduler_.after(Duration(2), [this, body = std::move(body)] {
      stream_->answer(200, {{"content-type", "text/plain"}}, body);
    });
  }
  void stream(int count) {
    if (count_ == 0) stream_->begin(200, {{"content-type", "text/event-stream"}});
    if (count_ == count) return stream_->end();
    stream_->write("data: " + std::to_string(count_++) + "\n\n");
    timer_ = handler_.scheduler_.after(Duration(1), [this, count] { stream(count); });
  }
  void start_flood(std::size_t bytes) {
    flood_left_ = bytes;
    stream_->begin(200, {{"content-type", "text/plain"}});
    flood();
  }
  void abort_later() {
    stream_->begin(200, {{"content-type", "text/plain"}});
    stream_->write("half of it");
    timer_ = handler_.scheduler_.after(Duration(20), [this] { stream_->abort(); });
  }

 private:
  void flood() {
    static const std::string block(16 << 10, 'f');
    while (flood_left_ > 0 && stream_->pending() < (256u << 10)) {
      const std::size_t n = std::min(flood_left_, block.size());
      stream_->write(std::string_view(block).substr(0, n));
      flood_left_ -= n;
      handler_.most_pending = std::max(handler_.most_pending.load(), stream_->pending());
    }
    if (flood_left_ == 0) stream_->end();
  }

  Handler& handler_;
  ClientStream* stream_;
  TimerHandle timer_;
  int count_ = 0;
  std::size_t flood_left_ = 0;
};

std::optional<HttpAnswer> Handler::on_head(RequestHead& head) {
  if (head.path == "/denied")
    return HttpAnswer{401, {{"content-type", "application/json"}}, "{\"denied\":true}"};
  return std::nullopt;
}

std::unique_ptr<RequestTask> Handler::on_request(RequestHead head, std::string body,
                                                 ClientStream& stream) {
  ++requests;
  if (body.capacity() < body.size() + exchange::kBodyPadding) padding_missing = true;
  const std::size_t n =
      parse_unsigned(
          std::string_view(head.query).substr(std::min<std::size_t>(2, head.query.size())))
          .value_or(0);
  if (head.path == "/echo") {
    stream.answer(200, {{"content-type", "application/octet-stream"}}, body);
    return nullptr;
  }
  if (head.path == "/who") {
    stream.answer(200, {}, head.peer + "|" + head.certificate_name);
    return nullptr;
  }
  if (head.path == "/broken") return nullptr;
  if (head.path == "/evil") {
    stream.answer(200, {{"x-evil", "a\r\nset-cookie: b"}, {"x-bad\r\nname", "c"}}, "x");
    return nullptr;
  }
  if (head.path == "/status") {
    stream.answer(static_cast<int>(n), {{"content-type", "text/plain"}}, n == 204 ? "" : "s");
    return nullptr;
  }
  auto task = std::make_unique<Task>(*this, stream);
  if (head.path == "/hold") return task;
  if (head.path == "/later") {
    task->answer_later(head.method + " " + head.path + " " + head.query + " " + body);
    return task;
  }
  if (head.path == "/stream") return task->stream(static_cast<int>(n)), std::move(task);
  if (head.path == "/flood") return task->start_flood(n), std::move(task);
  if (head.path == "/abort") return task->abort_later(), std::move(task);
  stream.answer(
      200, {{"content-type", "text/plain"}},
      head.method + " " + head.path + " " + head.query + " " + std::to_string(body.size()));
  return task;
}

// ---- server -------------------------------------------------------------------------------------

std::shared_ptr<daemon::Entrance> make_tls_entrance() {
  static const daemon::test::Authority authority;
  static const auto files = authority.files({.alternative_names = "DNS:localhost,IP:127.0.0.1"});
  auto entrance = std::make_shared<daemon::Entrance>();
  entrance->listener.tls.certificates = {{files.certificate, files.private_key}};
  std::vector<std::string> warnings;
  entrance->tls = *daemon::TlsServer::make(entrance->listener.tls, warnings);
  return entrance;
}

Server::Server(daemon::HttpLimits limits, bool unix_socket) {
  tls_ = std::getenv("CLASP_FRONT_TLS") != nullptr;
  start(limits, unix_socket, tls_ ? make_tls_entrance() : std::make_shared<daemon::Entrance>());
}

Server::Server(daemon::HttpLimits limits, std::shared_ptr<daemon::Entrance> entrance) {
  start(limits, false, std::move(entrance));
}

void Server::start(daemon::HttpLimits limits, bool unix_socket, daemon::EntrancePtr entrance) {
  base_.reset(event_base_new());
  scheduler_ = std::make_unique<daemon::LoopScheduler>(base_.get());
  mailbox_ = std::move(*daemon::Mailbox::make(base_.get()));
  handler_ = std::make_unique<Handler>(*scheduler_);
  server_ =
      std::make_unique<daemon::HttpServer>(base_.get(), *handler_, limits, *scheduler_, random_);
  config::Listener where;
  if (unix_socket) {
    path_ = "/tmp/clasp-front-" + std::to_string(getpid()) + ".sock";
    where.address = path_;
    where.is_unix = true;
  } else {
    where.port = 0;
  }
  auto fd = daemon::open_listener(where, false);
  if (fd && !unix_socket) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(fd->get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  if (fd) (void)server_->add_listener(std::move(*fd), std::move(entrance), 1);
  thread_ = std::thread([this] { event_base_loop(base_.get(), EVLOOP_NO_EXIT_ON_EMPTY); });
}

Server::~Server() {
  mailbox_->send([this] { event_base_loopbreak(base_.get()); });
  thread_.join();
  server_.reset();
  handler_.reset();
  mailbox_.reset();
  scheduler_.reset();
  if (!path_.empty()) unlink(path_.c_str());
}

void Server::run(std::function<void(daemon::HttpServer&)> work) {
  std::promise<void> done;
  mailbox_->send([&] {
    work(*server_);
    done.set_value();
  });
  done.get_future().wait_for(std::chrono::seconds(20));
}

std::size_t Server::connections() {
  std::size_t count = 0;
  run([&](daemon::HttpServer& server) { count = server.connections(); });
  return count;
}

// ---- client -------------------------------------------------------------------------------------

Client::Client(const Server& server, int receive_buffer, int port) {
  sockaddr_in in{};
  sockaddr_un un{};
  const bool is_unix = !server.path().empty();
  fd_ = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (receive_buffer > 0)
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const timeval wait{20, 0};
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  in.sin_family = AF_INET;
  in.sin_port = htons(static_cast<std::uint16_t>(port ? port : server.port()));
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  un.sun_family = AF_UNIX;
  std::strncpy(un.sun_path, server.path().c_str(), sizeof un.sun_path - 1);
  const auto* address =
      is_unix ? reinterpret_cast<sockaddr*>(&un) : reinterpret_cast<sockaddr*>(&in);
  if (connect(fd_, address, is_unix ? sizeof un : sizeof in) != 0) close();
  if (fd_ >= 0 && server.tls() && (port == 0 || port == server.port())) start_tls();
}

bool Client::start_tls(const std::function<void(ssl_st*)>& adjust) {
  static SSL_CTX* const context = [] {
    SSL_CTX* made = SSL_CTX_new(TLS_client_method());
    SSL_CTX_clear_mode(made, SSL_MODE_AUTO_RETRY);
    return made;
  }();
  ssl_ = SSL_new(context);
  SSL_set_fd(ssl_, fd_);
  if (adjust) adjust(ssl_);
  return SSL_connect(ssl_) == 1;
}

void Client::half_close() {
  if (ssl_ != nullptr) SSL_shutdown(ssl_);
  ::shutdown(fd_, SHUT_WR);
}

Client::~Client() {
  close();
}

void Client::close() {
  SSL_free(ssl_);
  ssl_ = nullptr;
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void Client::reset() {
  const linger now{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

bool Client::send(std::string_view bytes) {
  if (ssl_ == nullptr) return send_raw(bytes);
  std::size_t n = 0;
  return bytes.empty() || SSL_write_ex(ssl_, bytes.data(), bytes.size(), &n) == 1;
}

bool Client::send_raw(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool Client::fill(Clock::time_point until) {
  if (ended_ || fd_ < 0) return false;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
  pollfd one{fd_, POLLIN, 0};
  const bool here = ssl_ != nullptr && SSL_pending(ssl_) > 0;
  if (!here && (left.count() <= 0 || poll(&one, 1, static_cast<int>(left.count())) <= 0))
    return false;
  char bytes[65536];
  ssize_t n;
  if (ssl_ == nullptr) {
    n = recv(fd_, bytes, sizeof bytes, 0);
  } else {
    errno = 0;
    n = SSL_read(ssl_, bytes, sizeof bytes);
    if (n <= 0 && SSL_get_error(ssl_, static_cast<int>(n)) == SSL_ERROR_WANT_READ) return true;
  }
  if (n > 0) {
    buffer_.append(bytes, static_cast<std::size_t>(n));
    return true;
  }
  ended_ = true;
  reset_ = n < 0 && errno == ECONNRESET;
  return false;
}

Response Client::read(bool head_request, std::chrono::milliseconds wait) {
  const auto until = Clock::now() + wait;
  Response out;
  std::size_t end;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
    if (!fill(until)) return out;
  std::string_view head = std::string_view(buffer_).substr(0, end);
  out.status = static_cast<int>(parse_unsigned(head.substr(9, 3)).value_or(0));
  for (const std::string_view raw : split(head, '\n')) {
    const std::string_view line = trim(raw);
    if (const std::size_t colon = line.find(':'); colon != line.npos)
      out.headers.emplace(to_lower(line.substr(0, colon)),
                          std::string(trim(line.substr(colon + 1))));
  }
  buffer_.erase(0, end + 4);
  if (out.status / 100 == 1) {
    ++interim_;
    return read(head_request,
                std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()));
  }
  out.chunked = out.headers.count("transfer-encoding") > 0;
  if (head_request || out.status == 204) {
    out.complete = true;
  } else if (out.chunked) {
    while (true) {
      const std::size_t line = buffer_.find("\r\n");
      if (line == std::string::npos) {
        if (!fill(until)) return out;
        continue;
      }
      const std::size_t size = std::stoul(buffer_.substr(0, line), nullptr, 16);
      while (buffer_.size() < line + 2 + size + 2)
        if (!fill(until)) return out;
      out.body.append(buffer_, line + 2, size);
      buffer_.erase(0, line + 2 + size + 2);
      if (size == 0) break;
    }
    out.complete = true;
  } else if (out.headers.count("content-length") > 0) {
    const std::size_t size = std::stoul(out.headers["content-length"]);
    while (buffer_.size() < size)
      if (!fill(until)) break;
    out.complete = buffer_.size() >= size;
    out.body = buffer_.substr(0, size);
    buffer_.erase(0, size);
  } else {
    while (fill(until)) {
    }
    out.complete = ended_ && !reset_;
    out.body = std::exchange(buffer_, {});
  }
  return out;
}

std::string Client::read_all(std::chrono::milliseconds wait) {
  const auto until = Clock::now() + wait;
  while (fill(until)) {
  }
  return std::exchange(buffer_, {});
}

bool Client::closed_within(std::chrono::milliseconds wait) {
  const auto until = Clock::now() + wait;
  while (fill(until)) buffer_.clear();
  return ended_;
}

std::string get(std::string_view path, std::string_view fields) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: t\r\n" + std::string(fields) + "\r\n";
}

std::string post(std::string_view path, std::string_view body, std::string_view fields) {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: t\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}

bool eventually(const std::function<bool()>& check) {
  for (int i = 0; i < 500; ++i) {
    if (check()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return check();
}

}  // namespace clasp::test
