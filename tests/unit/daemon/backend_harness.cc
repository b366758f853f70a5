// See the header.
#include "backend_harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <csignal>
#include <cstring>

#include "base/text.h"

namespace clasp::daemon::test {

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string ok(std::string_view body, std::string_view more_fields) {
  return kOkHead + std::string(more_fields) + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}

// ---- peer ------------------------------------------------------------------------------------

Peer::~Peer() {
  close();
}

bool Peer::wait_readable(int ms) {
  if (ssl_ != nullptr && SSL_pending(ssl_) > 0) return true;
  pollfd p{fd_.get(), POLLIN, 0};
  return fd_ && poll(&p, 1, ms) == 1;
}

bool Peer::accept_tls(SSL_CTX* context) {
  timeval limit{kPatience / 1000, 0};
  setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ssl_ = SSL_new(context);
  SSL_set_fd(ssl_, fd_.get());
  return SSL_accept(ssl_) == 1;
}

void Peer::stop_tls() {
  if (ssl_ == nullptr) return;
  SSL_set_quiet_shutdown(ssl_, 1);
  SSL_free(ssl_);
  ssl_ = nullptr;
}

bool Peer::was_resumed() const {
  return SSL_session_reused(ssl_) == 1;
}

std::string Peer::server_name() const {
  const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : "";
}

std::string Peer::read_some(std::size_t most) {
  if (!buffer_.empty()) return std::exchange(buffer_, "");
  if (!wait_readable(kPatience)) return "";
  std::string bytes(most, '\0');
  const auto n = ssl_ != nullptr ? SSL_read(ssl_, bytes.data(), static_cast<int>(most))
                                 : ::recv(fd_.get(), bytes.data(), most, 0);
  bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return bytes;
}

std::string Peer::read_head() {
  std::string text;
  while (text.find("\r\n\r\n") == text.npos) {
    const std::string more = read_some();
    if (more.empty()) return "";
    text += more;
  }
  const std::size_t end = text.find("\r\n\r\n") + 4;
  buffer_ = text.substr(end);
  text.resize(end);
  return text;
}

std::string Peer::read_request() {
  std::string text = read_head();
  const std::size_t at = text.find("Content-Length: ");
  if (at == text.npos) return text;
  const std::size_t want = text.size() + std::stoul(text.substr(at + 16));
  while (text.size() < want) {
    const std::string more = read_some();
    if (more.empty()) return "";
    text += more;
  }
  buffer_ = text.substr(want);
  text.resize(want);
  return text;
}

bool Peer::send(std::string_view bytes) {
  timeval limit{kPatience / 1000, 0};
  setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  while (!bytes.empty()) {
    const auto n = ssl_ != nullptr ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                                   : ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool Peer::wait_closed(int ms) {
  const auto end = now_ms() + ms;
  while (now_ms() < end) {
    if (!wait_readable(static_cast<int>(end - now_ms()))) return false;
    char bytes[4096];
    if (::recv(fd_.get(), bytes, sizeof bytes, 0) <= 0) return true;
  }
  return false;
}

void Peer::close() {
  if (ssl_ != nullptr) {
    SSL_shutdown(ssl_);
    SSL_free(ssl_);
    ssl_ = nullptr;
  }
  fd_.reset();
}

void Peer::reset() {
  stop_tls();
  const linger hard{1, 0};
  setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  fd_.reset();
}

// ---- server ----------------------------------------------------------------------------------

UniqueFd listen_on_loopback(int& port, int backlog) {
  static std::atomic<int> next{22'000 + static_cast<int>(getpid()) % 900};
  for (int tries = 0; tries < 1'000; ++tries) {
    port = 22'000 + (next++ - 22'000) % 1'000;
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
        listen(fd.get(), backlog) == 0)
      return fd;
  }
  REQUIRE_MESSAGE(false, "no free port");
  return UniqueFd();
}

Server::Server(Script script, int backlog)
    : script_(std::move(script)),
      fd_(listen_on_loopback(port_, backlog)),
      thread_([this] { run(); }) {}

Server::~Server() {
  stop();
}

void Server::stop() {
  if (stopping_.exchange(true)) return;
  thread_.join();
  for (std::thread& worker : workers_) worker.join();
}

std::string Server::url(const std::string& host, const std::string& scheme,
                        const std::string& target) const {
  return scheme + "://" + host + ":" + std::to_string(port_) + target;
}

void Server::run() {
  while (!stopping_) {
    pollfd p{fd_.get(), POLLIN, 0};
    if (poll(&p, 1, 10) != 1) continue;
    UniqueFd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd) continue;
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const int index = accepted_++;
    workers_.emplace_back([this, index, raw = fd.release()] {
      Peer peer((UniqueFd(raw)));
      script_(peer, index);
    });
  }
}

// ---- client side -----------------------------------------------------------------------------

void Recorder::on_backend_head(int s, wire::Headers h) {
  after_over += is_over();
  status = s;
  headers = h;
  if (at_head) at_head();
}

void Recorder::on_backend_body(std::string_view bytes) {
  after_over += is_over();
  if (keep_body) body += bytes;
  body_bytes += bytes.size();
  largest_read = std::max(largest_read, bytes.size());
  if (at_body) at_body();
}

void Recorder::on_backend_end() {
  after_over += is_over();
  ended = true;
  if (at_end) at_end();
}

void Recorder::on_backend_failed(const exchange::BackendFailure& f) {
  after_over += is_over();
  failed = true;
  failure = f;
  if (at_failure) at_failure();
}

Loop::Loop(BackendClientOptions options) : base(event_base_new()) {
  std::signal(SIGPIPE, SIG_IGN);
  scheduler = std::make_unique<LoopScheduler>(base.get());
  Resolver::Options names;
  names.lookup = [](const std::string& host) {
    if (host.ends_with(".test")) return NameAnswer{{*parse_ip_address("127.0.0.1")}, ""};
    return NameAnswer{{}, "name or service not known"};
  };
  resolver = std::make_unique<Resolver>(std::move(names));
  client = std::make_unique<BackendClient>(base.get(), *scheduler, *resolver, std::move(options));
}

Loop::~Loop() {
  client.reset();
  resolver.reset();
  scheduler.reset();
}

bool Loop::run_until(const std::function<bool()>& done, int ms) {
  const auto end = now_ms() + ms;
  while (!done()) {
    if (now_ms() > end) return false;
    const auto wake = scheduler->after(Duration(5), [] {});
    event_base_loop(base.get(), EVLOOP_ONCE);
  }
  return true;
}

void Loop::run_for(int ms) {
  run_until([] { return false; }, ms);
}

exchange::BackendRequest make_request(const std::string& url, std::string body) {
  exchange::BackendRequest request;
  request.url = url;
  request.headers.add("Content-Type", "application/json");
  request.body = std::move(body);
  request.timeouts = {2'000, 2'000, 3'000, 3'000};
  return request;
}

void Loop::start(Recorder& recorder, exchange::BackendRequest request) {
  recorder.call = client->start(std::move(request), recorder);
}

void Loop::start(Recorder& recorder, const std::string& url, std::string body) {
  start(recorder, make_request(url, std::move(body)));
}

void Loop::call(Recorder& recorder, const std::string& url, std::string body) {
  start(recorder, url, std::move(body));
  CHECK(run_until([&] { return recorder.is_over(); }));
}

}  // namespace clasp::daemon::test
