// Listening sockets: what they are set to, what is replaced, and what the errors say.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "daemon/listener.h"
#include "front_fixture.h"

using namespace clasp;
using namespace clasp::test;
using daemon::open_listener;

namespace {

config::Listener tcp(const std::string& address, int port = 0) {
  config::Listener listener;
  listener.address = address;
  listener.port = static_cast<std::uint16_t>(port);
  return listener;
}

config::Listener unix_path(const std::string& path) {
  config::Listener listener;
  listener.address = path;
  listener.is_unix = true;
  return listener;
}

std::string temporary_path() {
  return "/tmp/clasp-front-listener-" + std::to_string(getpid()) + ".sock";
}

int port_of(const UniqueFd& fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

int option(const UniqueFd& fd, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  getsockopt(fd.get(), level, name, &value, &size);
  return value;
}

bool mentions(const Error& error, std::string_view text) {
  CAPTURE(error.message);
  return error.message.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("a TCP listener is non-blocking, not inherited, without delay") {
  const auto fd = open_listener(tcp("127.0.0.1"), false);
  REQUIRE(fd);
  CHECK((fcntl(fd->get(), F_GETFL) & O_NONBLOCK) != 0);
  CHECK((fcntl(fd->get(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(option(*fd, IPPROTO_TCP, TCP_NODELAY) == 1);
  CHECK(option(*fd, SOL_SOCKET, SO_ACCEPTCONN) == 1);
  CHECK(option(*fd, SOL_SOCKET, SO_REUSEPORT) == 0);
}

TEST_CASE("a port in use is named with the remedy; shared ports are shared") {
  const auto first = open_listener(tcp("127.0.0.1"), false);
  REQUIRE(first);
  const auto second = open_listener(tcp("127.0.0.1", port_of(*first)), false);
  REQUIRE_FALSE(second);
  CHECK(mentions(second.error(), "127.0.0.1:" + std::to_string(port_of(*first))));
  CHECK(mentions(second.error(), "another program listens there"));
  const auto shared = open_listener(tcp("127.0.0.1"), true);
  REQUIRE(shared);
  CHECK(open_listener(tcp("127.0.0.1", port_of(*shared)), true));
}

TEST_CASE("addresses that cannot be listened on") {
  const auto foreign = open_listener(tcp("192.0.2.1", 21999), false);
  REQUIRE_FALSE(foreign);
  CHECK(mentions(foreign.error(), "no interface of this machine"));
  const auto nonsense = open_listener(tcp("not an address", 21999), false);
  REQUIRE_FALSE(nonsense);
  CHECK(mentions(nonsense.error(), "configure an IP address"));
}

TEST_CASE("a stale socket file is replaced, a live one and a foreign file are not") {
  const std::string path = temporary_path();
  unlink(path.c_str());
  {
    const auto first = open_listener(unix_path(path), false);
    REQUIRE(first);
    const auto second = open_listener(unix_path(path), false);
    REQUIRE_FALSE(second);
    CHECK(mentions(second.error(), "another program listens there"));
  }
  CHECK(open_listener(unix_path(path), false));  // left behind by the one above
  unlink(path.c_str());
  std::ofstream(path) << "not a socket";
  CHECK_FALSE(open_listener(unix_path(path), false));
  struct stat info {};
  CHECK((lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode)));
  unlink(path.c_str());
  CHECK_FALSE(open_listener(unix_path(std::string(200, 'x')), false));
  CHECK_FALSE(open_listener(unix_path("/nonexistent/dir/socket"), false));
}

TEST_CASE(
    "the server takes several sockets, blocking ones as systemd hands them, and only sockets") {
  Server server;
  auto inherited = open_listener(tcp("127.0.0.1"), false);
  REQUIRE(inherited);
  const int fd = inherited->get();
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
  const int port = port_of(*inherited);
  UniqueFd no_socket(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  UniqueFd not_listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  server.run([&](daemon::HttpServer& http) {
    CHECK(http.add_listener(std::move(*inherited)));
    CHECK_FALSE(http.add_listener(std::move(no_socket)));
    CHECK_FALSE(http.add_listener(std::move(not_listening)));
  });
  for (int i = 0; i < 2; ++i) {
    Client first(server), second(server, 0, port);
    for (Client* client : {&first, &second}) {
      REQUIRE(client->send(get("/sync")));
      CHECK(client->read().status == 200);
    }
  }
}

TEST_CASE(
    "at a shared socket everybody who waits is served at the end, too; one that is left is left") {
  Server server;
  for (const bool leave : {false, true}) {
    auto shared = open_listener(tcp("127.0.0.1"), false);
    REQUIRE(shared);
    const UniqueFd other(fcntl(shared->get(), F_DUPFD_CLOEXEC, 0));  // another process's
    const int port = port_of(*shared);
    constexpr std::uint64_t kId = 7;
    server.run([&](daemon::HttpServer& http) {
      CHECK(http.add_listener(std::move(*shared), std::make_shared<const daemon::Entrance>(), kId,
                              true));
    });
    // The server's own socket may speak TLS, this one never does.
    const auto ask = [&] {
      UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const timeval patience{5, 0};
      setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      address.sin_port = htons(static_cast<std::uint16_t>(port));
      REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
      const std::string text = "GET /sync HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
      REQUIRE(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) > 0);
      return fd;
    };
    std::vector<UniqueFd> clients;
    server.run([&](daemon::HttpServer& http) {
      // The loop is here, so these wait in the queue.
      for (int i = 0; i < 20; ++i) clients.push_back(ask());
      if (leave)
        http.stop_accepting({kId});
      else
        http.set_listeners({});
    });
    if (leave) {
      server.run([](daemon::HttpServer&) {});
      for (std::size_t i = 0; i < clients.size(); ++i)
        CHECK(UniqueFd(accept4(other.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)));
      continue;
    }
    for (const UniqueFd& client : clients) {
      char bytes[16] = "";
      CHECK(::recv(client.get(), bytes, 12, MSG_WAITALL) == 12);
      CHECK(std::string(bytes) == "HTTP/1.1 200");
    }
  }
}
