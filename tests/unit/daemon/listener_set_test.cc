// Sets of listeners across reloads: what stays, what is new, and that a failure changes nothing.
#include "daemon/listener_set.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "backend_certificates.h"
#include "config/listen.h"
#include "daemon/listener.h"

using namespace clasp;
using namespace clasp::daemon;

namespace {

config::Listener tcp(int port = 0) {
  config::Listener listener;
  listener.port = static_cast<std::uint16_t>(port);
  return listener;
}

config::Settings with(std::vector<config::Listener> listeners) {
  config::Settings settings;
  settings.listeners = std::move(listeners);
  return settings;
}

int port_of(const UniqueFd& fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

}  // namespace

TEST_CASE("listeners that stay keep their socket, new ones are opened for every worker") {
  ListenerSet set(2);
  auto first = set.prepare(with({tcp()}));
  REQUIRE(first);
  const auto opened = set.commit(std::move(*first));
  REQUIRE(opened.size() == 2);
  CHECK(opened[0].front().fd);
  CHECK(opened[1].front().fd);
  CHECK(set.newly_exposed().empty());
  // "Any free port" is one for all workers, and what is shown.
  CHECK(port_of(opened[0].front().fd) == port_of(opened[1].front().fd));
  CHECK(set.render() == "127.0.0.1:" + std::to_string(port_of(opened[0].front().fd)));
  config::Listener exposed = tcp();
  exposed.address = "0.0.0.0";
  auto second = set.prepare(with({tcp(), exposed, tcp()}));
  REQUIRE(second);
  const auto changed = set.commit(std::move(*second));
  REQUIRE(changed[0].size() == 3);
  CHECK_FALSE(changed[0][0].fd);
  CHECK(changed[0][0].id == opened[0][0].id);
  CHECK(changed[0][1].fd);
  CHECK(changed[0][2].fd);  // port 0 again is another one
  CHECK(changed[0][2].id != opened[0][0].id);
  REQUIRE(set.newly_exposed().size() == 1);
  CHECK(set.newly_exposed()[0].port == port_of(changed[0][1].fd));
  auto same = set.prepare(with({exposed}));
  REQUIRE(same);
  CHECK_FALSE(set.commit(std::move(*same))[0].front().fd);
  CHECK(set.newly_exposed().empty());
  const std::string port = std::to_string(port_of(changed[0][1].fd));
  CHECK(port == std::to_string(port_of(changed[1][1].fd)));
  CHECK(set.render() == "0.0.0.0:" + port);
}

TEST_CASE(
    "one that cannot be opened, or whose certificate is broken, leaves everything as it was") {
  ListenerSet set(1);
  auto first = set.prepare(with({tcp()}));
  REQUIRE(first);
  const auto opened = set.commit(std::move(*first));
  const int taken = port_of(opened[0].front().fd);
  const auto failed = set.prepare(with({tcp(), tcp(taken)}));
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message.find("another program listens there") != std::string::npos);
  config::Listener broken = tcp();
  broken.name = "tls";
  broken.tls.certificates = {{"/nowhere", "/nowhere"}};
  const auto refused = set.prepare(with({broken}));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.starts_with("[listener tls]: certificate /nowhere: "));
  CHECK(set.render() == "127.0.0.1:" + std::to_string(taken));
}

TEST_CASE("a Unix socket is one, shared by all workers; its mode is changed where it stands") {
  config::Listener listener;
  listener.is_unix = true;
  listener.address = "/tmp/clasp-set-" + std::to_string(getpid()) + ".sock";
  listener.unix_mode = 0600;
  const auto mode = [&] {
    struct stat info {};
    return stat(listener.address.c_str(), &info) == 0 ? info.st_mode & 0777u : 0u;
  };
  ListenerSet set(2);
  auto first = set.prepare(with({listener}));
  REQUIRE(first);
  const auto opened = set.commit(std::move(*first));
  CHECK(opened[1].front().fd);
  CHECK(mode() == 0600);
  listener.unix_mode = 0666;
  auto second = set.prepare(with({listener}));
  REQUIRE(second);
  CHECK_FALSE(set.commit(std::move(*second))[0].front().fd);
  CHECK(mode() == 0666);
  unlink(listener.address.c_str());
}

TEST_CASE(
    "files of Unix sockets go with their listeners, and not with the process that gives them "
    "away") {
  const auto unix_listener = [](const char* name) {
    config::Listener out;
    out.is_unix = true;
    out.address = "/tmp/clasp-set-" + std::to_string(getpid()) + name;
    return out;
  };
  const config::Listener one = unix_listener("-one"), two = unix_listener("-two");
  const auto there = [](const config::Listener& listener) {
    struct stat info {};
    return lstat(listener.address.c_str(), &info) == 0;
  };
  const auto apply = [](ListenerSet& set, std::vector<config::Listener> list) {
    auto prepared = set.prepare(with(std::move(list)));
    REQUIRE(prepared);
    set.commit(std::move(*prepared));
  };
  ListenerSet set(1);
  apply(set, {one, two});
  CHECK((there(one) && there(two)));
  apply(set, {two});  // a reload that drops one
  CHECK((!there(one) && there(two)));
  apply(set, {one, two});
  // Somebody else's by now.
  REQUIRE(unlink(one.address.c_str()) == 0);
  const auto stranger = open_listener(one, false);
  REQUIRE(stranger);
  apply(set, {two});
  CHECK(there(one));
  remove_socket_file(own_name("listen", one), one);
  CHECK_FALSE(there(one));
  SUBCASE("a stop removes what is not kept") {
    set.let_go([](const std::string&) { return true; });
    CHECK(there(two));
    set.let_go([](const std::string&) { return false; });
    CHECK_FALSE(there(two));
  }
  SUBCASE("another process goes on with it") {
    set.give_away();
    CHECK(there(two));
    unlink(two.address.c_str());
  }
}

TEST_CASE("dates are looked at again, without the files") {
  const test::Authority authority;
  const auto files = authority.files({.valid_from = -100, .valid_to = -50});
  config::Listener listener = tcp();
  listener.tls.certificates = {{files.certificate, files.private_key}};
  ListenerSet set(1);
  auto prepared = set.prepare(with({listener}));
  REQUIRE(prepared);
  const auto opened = set.commit(std::move(*prepared));
  CHECK(set.date_warnings().size() == 1);
  CHECK(set.render() == "127.0.0.1:" + std::to_string(port_of(opened[0].front().fd)) + " (https)");
  std::vector<std::string> warnings;
  CHECK(check_listeners(with({listener}), true, warnings));
  CHECK(warnings.size() == 1);
}

// ---- sockets that others opened -------------------------------------------------------------

namespace {

SharedFd listening(const config::Listener& where) {
  auto fd = open_listener(where, true);
  return fd ? std::make_shared<const UniqueFd>(std::move(*fd)) : nullptr;
}

PassedSocket passed(const std::string& name, const config::Listener& where) {
  auto socket = look_at_socket(name, listening(where));
  REQUIRE_MESSAGE(socket, (socket ? "" : socket.error().message));
  return *socket;
}

bool nothing_is_kept(const std::string&) {
  return false;
}

}  // namespace

TEST_CASE("a passed socket stands for the default address, and has the settings of its section") {
  PassedSockets sockets;
  sockets.listeners = {passed("http", tcp()), passed("door", tcp())};
  const auto port = sockets.listeners[1].place.port;
  config::Listener by_default = tcp();
  by_default.name = config::kDefaultListener;
  ListenerSet set(2, sockets);
  auto first = set.prepare(with({by_default}));
  REQUIRE(first);
  CHECK(set.commit(std::move(*first))[1].size() == 2);
  CHECK(set.names().size() == 2);
  config::Listener door = tcp(1);
  door.name = "door";
  door.proxy_protocol = true;
  auto second = set.prepare(with({door, tcp()}));
  REQUIRE(second);
  const auto changes = set.commit(std::move(*second));
  REQUIRE(changes[0].size() == 3);  // its own address is not opened, the other one is
  CHECK_FALSE(changes[0][1].fd);
  CHECK(changes[0][1].entrance->listener.proxy_protocol);
  CHECK(changes[0][1].entrance->listener.port == port);
  CHECK(changes[0][2].fd);
  CHECK(set.own().size() == 1);
  CHECK(set.all().size() == 3);
  // When nobody is accepted any more they stay open, for the process after this one.
  CHECK(set.let_go(nothing_is_kept) == std::vector{changes[0][0].id, changes[0][1].id});
}

TEST_CASE("no socket of a predecessor is left without a worker, and no worker without a socket") {
  for (const unsigned before : {1u, 2u, 5u})
    for (const unsigned workers : {1u, 3u}) {
      PassedSockets sockets;
      const std::string name = own_name("listen", tcp());
      config::Listener place = tcp();
      for (unsigned i = 0; i < before; ++i) {
        sockets.own.push_back(passed(name, place));
        place.port = sockets.own.front().place.port;
      }
      ListenerSet set(workers, sockets);
      auto prepared = set.prepare(with({tcp()}));
      REQUIRE(prepared);
      std::size_t shares = 0;
      for (const auto& worker : set.commit(std::move(*prepared))) {
        CHECK(!worker.empty());
        shares += worker.size();
        for (const OpenListener& one : worker) CHECK(port_of(one.fd) == place.port);
      }
      CHECK(shares == std::max(before, workers));
      CHECK(set.own().front().fds.size() == before);
      CHECK(set.own().front().name == name);
      CHECK(set.let_go([&](const std::string& kept) { return kept == name; }).size() == 1);
    }
}

TEST_CASE("any free port is the same one for all workers") {
  ListenerSet set(3);
  auto prepared = set.prepare(with({tcp()}));
  REQUIRE(prepared);
  const auto opened = set.commit(std::move(*prepared));
  CHECK(port_of(opened[0].front().fd) == port_of(opened[1].front().fd));
  CHECK(port_of(opened[0].front().fd) == port_of(opened[2].front().fd));
}

TEST_CASE("names of sockets outside the process: of Unix sockets the file is part of them") {
  CHECK(own_name("listen", tcp(8080)) == "clasp.listen.127.0.0.1%3A8080");
  config::Listener place;
  place.is_unix = true;
  place.address = "/tmp/clasp-name-" + std::to_string(getpid()) + ".sock";
  CHECK(own_name("listen", place).empty());
  const auto first = listening(place);
  const std::string name = own_name("listen", place);
  CHECK(is_own_name(name, "listen", place));
  CHECK_FALSE(is_own_name(name, "control", place));
  // Another file has the name now.
  REQUIRE(std::rename(place.address.c_str(), (place.address + ".old").c_str()) == 0);
  const auto second = listening(place);
  CHECK_FALSE(is_own_name(name, "listen", place));
  unlink(place.address.c_str());
  unlink((place.address + ".old").c_str());
}

TEST_CASE("descriptors that are no listening stream sockets are told apart") {
  const auto look = [](int fd) {
    const auto socket = look_at_socket("x", std::make_shared<const UniqueFd>(fd));
    return socket ? std::string() : socket.error().message;
  };
  CHECK(look(::open("/dev/null", O_RDONLY)).find("not a socket") != std::string::npos);
  CHECK(look(::socket(AF_INET, SOCK_DGRAM, 0)).find("ListenStream=") != std::string::npos);
  CHECK(look(::socket(AF_INET, SOCK_STREAM, 0)).find("Accept=yes") != std::string::npos);
  CHECK(look(::socket(AF_NETLINK, SOCK_RAW, 0)).find("address family") != std::string::npos);
}
