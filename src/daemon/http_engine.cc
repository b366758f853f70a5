// Listening sockets under evhtp: accepting, shortage of descriptors, the end of accepting. See
// http_engine.h; connections are in http_engine_connection.cc.
#include "daemon/http_engine.h"

#include <evhtp.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "base/log.h"

namespace clasp::daemon {
namespace {

// How many waiting connections one shortage of descriptors turns away, and how long it then waits.
constexpr int kShedAtOnce = 16;
constexpr Duration kAcceptAgain{100};
// A shortage lasts, and its log line is the same each time.
constexpr Duration kShortageLine{60'000};

}  // namespace

void HttpEngine::ParserEnd::operator()(htparser* parser) const {
  std::free(parser);
}

// evhtp_free() leaves the listening socket open.
void HttpEngine::ListenerEnd::operator()(evhtp* htp) const {
  evhtp_unbind_socket(htp);
  evhtp_free(htp);
}

HttpEngine::HttpEngine(event_base* base, Scheduler& scheduler, AcceptHandler& handler)
    : base_(base),
      scheduler_(scheduler),
      handler_(handler),
      parser_(htparser_new()),
      reserve_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {
  std::signal(SIGPIPE, SIG_IGN);  // evhtp does this only when it binds by itself
}

HttpEngine::~HttpEngine() = default;

Result<void> HttpEngine::add_listener(UniqueFd listening, EntrancePtr entrance, std::uint64_t id,
                                      bool shared) {
  const int fd = listening.get();
  const int flags = fcntl(fd, F_GETFL);
  int accepting = 0;
  socklen_t size = sizeof accepting;
  if (flags < 0 || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &size) != 0 || !accepting)
    return fail("descriptor " + std::to_string(fd) +
                " is not a listening socket; check the socket unit that passes it");
  // A blocking one (systemd's default) would hang the loop after the first accept.
  fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // no-op on Unix sockets

  std::unique_ptr<evhtp, ListenerEnd> htp(evhtp_new(base_, this));
  if (!htp || !parser_) return fail("no memory for a listener");
  auto listener =
      std::make_unique<Listener>(Listener{*this, std::move(htp), std::move(entrance), id, shared});
  evhtp* const raw = listener->htp.get();
  evhtp_set_gencb(raw, &on_request_thunk, this);
  evhtp_set_post_accept_cb(raw, &on_accept_thunk, listener.get());
  if (evhtp_accept_socket(raw, fd, 0) != 0) return fail("libevent took no listening socket");
  listening.release();  // closed by the listener now
  evconnlistener_set_error_cb(raw->server, &on_accept_error_thunk);
  listeners_.push_back(std::move(listener));
  return {};
}

void HttpEngine::set_entrance(std::uint64_t id, const EntrancePtr& entrance) {
  for (const auto& listener : listeners_)
    if (listener->id == id && !listener->stopped) listener->entrance = entrance;
}

std::uint16_t HttpEngine::on_accept_thunk(evhtp_connection* connection, void* listener) noexcept {
  auto* from = static_cast<Listener*>(listener);
  HttpEngine* const engine = &from->engine;
  void* argument = nullptr;
  bufferevent_event_cb on_event = nullptr;
  bufferevent_getcb(connection->bev, &engine->evhtp_read_, &engine->evhtp_write_, &on_event,
                    &argument);
  engine->handler_.on_accept(
      std::make_unique<EngineConnection>(*engine, connection, from->entrance));
  // At the end everything is taken that waits.
  if (from->shared && !from->stopped) engine->let_others_accept(*from);
  return EVHTP_RES_OK;
}

// Until the end of this turn of the loop.
void HttpEngine::let_others_accept(Listener& listener) {
  evconnlistener_disable(listener.htp->server);
  scheduler_.post([this, alive = std::weak_ptr<char>(alive_), &listener] {
    if (!alive.lock() || !listener.htp->server || accept_again_) return;
    evconnlistener_enable(listener.htp->server);
  });
}

void HttpEngine::on_request_thunk(evhtp_request* request, void* self) noexcept {
  static_cast<HttpEngine*>(self)->fresh_request_ = request;
}

void HttpEngine::on_accept_error_thunk(evconnlistener* listener, void* htp) noexcept {
  static_cast<HttpEngine*>(static_cast<evhtp*>(htp)->arg)->on_accept_error(listener);
}

// Without a callback evhtp would spin: the listening socket stays readable while there is no
// descriptor to accept with.
void HttpEngine::on_accept_error(evconnlistener* listener) {
  const int error = errno;
  if (error == EMFILE || error == ENFILE) shed_connections(listener);
  if (accept_again_) return;
  const TimePoint now = scheduler_.now();
  if (shortage_told_ == TimePoint{} || now - shortage_told_ >= kShortageLine) {
    shortage_told_ = now;
    log_warn("cannot accept connections: " + std::string(std::strerror(error)) +
             "; waiting until there is room (raise the limit of open files if this lasts)");
  }
  for (const auto& one : listeners_)
    if (one->htp->server) evconnlistener_disable(one->htp->server);
  accept_again_ = scheduler_.after(kAcceptAgain, [this] {
    accept_again_.reset();
    for (const auto& one : listeners_)
      if (one->htp->server) evconnlistener_enable(one->htp->server);
  });
}

// Tells some of those who wait that it will not work, instead of leaving them in the dark.
void HttpEngine::shed_connections(evconnlistener* listener) {
  const int listening_fd = evconnlistener_get_fd(listener);
  std::string answer = handler_.render_overload_answer();
  for (const auto& one : listeners_)  // a handshake is too much now
    if (one->htp->server == listener && one->entrance->tls) answer.clear();
  for (int i = 0; i < kShedAtOnce; ++i) {
    reserve_.reset();
    const UniqueFd client(accept4(listening_fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!client) break;
    char request[4096];
    (void)!recv(client.get(), request, sizeof request, MSG_DONTWAIT);
    (void)!send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    ::shutdown(client.get(), SHUT_WR);
  }
  reserve_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

// Closing a listening socket resets the connections that wait in its queue. Posted work of posted
// work runs a turn later, after the loop has accepted them.
void HttpEngine::close_soon(std::vector<Listener*> listeners) {
  for (Listener* one : listeners) one->stopped = true;
  const std::weak_ptr<char> alive = alive_;
  scheduler_.post([this, alive, listeners = std::move(listeners)] {
    if (!alive.lock()) return;
    scheduler_.post([alive, listeners] {
      if (!alive.lock()) return;
      for (const Listener* one : listeners) evhtp_unbind_socket(one->htp.get());
    });
  });
}

void HttpEngine::stop_listeners_but(const std::vector<std::uint64_t>& keep) {
  std::vector<Listener*> others;
  for (const auto& one : listeners_)
    if (!one->stopped && std::find(keep.begin(), keep.end(), one->id) == keep.end())
      others.push_back(one.get());
  if (!others.empty()) close_soon(std::move(others));
}

void HttpEngine::stop_accepting(const std::vector<std::uint64_t>& leave) {
  accept_again_.reset();
  for (const auto& one : listeners_) {
    if (one->stopped || std::find(leave.begin(), leave.end(), one->id) == leave.end()) continue;
    one->stopped = true;
    evhtp_unbind_socket(one->htp.get());
  }
  stop_listeners_but({});
}

}  // namespace clasp::daemon
