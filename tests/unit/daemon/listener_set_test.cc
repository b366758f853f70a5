// Sets of listeners across reloads: what stays, what is new, and that a failure changes nothing.
#include "daemon/listener_set.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend_certificates.h"

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
  auto same = set.prepare(with({exposed}));
  REQUIRE(same);
  CHECK_FALSE(set.commit(std::move(*same))[0].front().fd);
  CHECK(set.newly_exposed().empty());
  CHECK(set.render() == "0.0.0.0:0");
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
  CHECK(set.render() == "127.0.0.1:0");
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

TEST_CASE("dates are looked at again, without the files") {
  const test::Authority authority;
  const auto files = authority.files({.valid_from = -100, .valid_to = -50});
  config::Listener listener = tcp();
  listener.tls.certificates = {{files.certificate, files.private_key}};
  ListenerSet set(1);
  auto prepared = set.prepare(with({listener}));
  REQUIRE(prepared);
  set.commit(std::move(*prepared));
  CHECK(set.date_warnings().size() == 1);
  CHECK(set.render() == "127.0.0.1:0 (https)");
  std::vector<std::string> warnings;
  CHECK(check_listeners(with({listener}), true, warnings));
  CHECK(warnings.size() == 1);
}
