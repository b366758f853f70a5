// See listener.h.
#include "daemon/listener.h"

#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

namespace clasp::daemon {
namespace {

constexpr mode_t kOwner = 0700;

int last_error = 0;  // the main thread's

std::string render_address(const config::Listener& listener) {
  if (listener.is_unix) return "unix:" + listener.address;
  const bool v6 = listener.address.find(':') != std::string::npos;
  return (v6 ? "[" + listener.address + "]" : listener.address) + ":" +
         std::to_string(listener.port);
}

struct Remedy {
  int error;
  const char* text;
};
constexpr Remedy kRemedies[] = {
    {EADDRINUSE, "another program listens there; stop it or configure another address"},
    {EADDRNOTAVAIL, "no interface of this machine has that address; configure one that it has"},
    {EACCES,
     "ports below 1024 need CAP_NET_BIND_SERVICE, and a socket's directory must be "
     "writable; choose a higher port or change the permission"},
    {EAFNOSUPPORT, "this machine has no such protocol; configure an IPv4 address"},
    {ENOENT, "the directory does not exist; create it"},
};

tl::unexpected<Error> cannot_listen(const config::Listener& listener, int error) {
  std::string text = "cannot listen on " + render_address(listener) + ": " + std::strerror(error);
  for (const Remedy& remedy : kRemedies)
    if (remedy.error == error) text.append("; ").append(remedy.text);
  last_error = error;
  return fail(std::move(text));
}

UniqueFd make_socket(int family) {
  return UniqueFd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

void set_option(const UniqueFd& fd, int level, int option) {
  const int on = 1;
  setsockopt(fd.get(), level, option, &on, sizeof on);
}

struct AddressEnd {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

Result<UniqueFd> open_tcp(const config::Listener& listener, bool reuse_port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed =
      getaddrinfo(listener.address.c_str(), std::to_string(listener.port).c_str(), &hints, &found);
  if (failed != 0)
    return fail("cannot listen on " + render_address(listener) + ": " + gai_strerror(failed) +
                "; configure an IP address or a host name of this machine");
  const std::unique_ptr<addrinfo, AddressEnd> list(found);
  UniqueFd fd = make_socket(found->ai_family);
  if (!fd) return cannot_listen(listener, errno);
  set_option(fd, SOL_SOCKET, SO_REUSEADDR);
  set_option(fd, IPPROTO_TCP, TCP_NODELAY);
  if (found->ai_family == AF_INET6) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
  if (reuse_port) set_option(fd, SOL_SOCKET, SO_REUSEPORT);
  if (bind(fd.get(), found->ai_addr, found->ai_addrlen) != 0 || listen(fd.get(), SOMAXCONN) != 0)
    return cannot_listen(listener, errno);
  return fd;
}

// Removes a socket file nobody listens on. Anything that is not a socket is left alone, and bind()
// will say so.
void remove_stale_socket(const sockaddr_un& address) {
  struct stat info {};
  if (lstat(address.sun_path, &info) != 0 || !S_ISSOCK(info.st_mode)) return;
  const UniqueFd probe = make_socket(AF_UNIX);
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno == ECONNREFUSED)
    unlink(address.sun_path);
}

Result<UniqueFd> open_unix(const config::Listener& listener) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (listener.address.empty() || listener.address.size() >= sizeof address.sun_path)
    return fail("cannot listen on " + render_address(listener) + ": the path must have 1 to " +
                std::to_string(sizeof address.sun_path - 1) + " bytes");
  std::memcpy(address.sun_path, listener.address.data(), listener.address.size());
  remove_stale_socket(address);
  UniqueFd fd = make_socket(AF_UNIX);
  if (!fd) return cannot_listen(listener, errno);
  // On Linux the file is made with the mode of the descriptor: nobody else can connect between
  // bind() and a chmod().
  fchmod(fd.get(), listener.unix_mode & kOwner);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return cannot_listen(listener, errno);
  if (auto set = set_unix_permissions(listener); !set) {
    unlink(address.sun_path);
    return tl::unexpected(set.error());
  }
  if (listen(fd.get(), SOMAXCONN) != 0) return cannot_listen(listener, errno);
  return fd;
}

// The group first: a mode must not be another group's for a moment.
Result<gid_t> find_group(const std::string& name) {
  std::vector<char> buffer(64u << 10);
  group entry{};
  group* found = nullptr;
  const int failed = getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (failed == 0 && found != nullptr) return found->gr_gid;
  return fail("there is no group \"" + name + "\" on this machine");
}

}  // namespace

int last_listen_error() {
  return last_error;
}

Result<void> set_unix_permissions(const config::Listener& listener) {
  const auto complain = [&](const std::string& why) {
    return fail("cannot listen on " + render_address(listener) + ": " + why);
  };
  if (!listener.unix_group.empty()) {
    const auto id = find_group(listener.unix_group);
    if (!id) return complain(id.error().message);
    if (chown(listener.address.c_str(), static_cast<uid_t>(-1), *id) != 0)
      return complain("its group cannot be set to " + listener.unix_group + ": " +
                      std::strerror(errno) + "; clasp's user must be a member of it");
  }
  if (chmod(listener.address.c_str(), listener.unix_mode) != 0)
    return complain(std::string("its mode cannot be set: ") + std::strerror(errno));
  return {};
}

Result<UniqueFd> open_listener(const config::Listener& listener, bool reuse_port) {
  return listener.is_unix ? open_unix(listener) : open_tcp(listener, reuse_port);
}

}  // namespace clasp::daemon
