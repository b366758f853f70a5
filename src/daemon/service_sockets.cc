// See service_sockets.h.
#include "daemon/service_sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "base/text.h"
#include "config/listen.h"

namespace clasp::daemon {

namespace {

constexpr std::string_view kOwn = "clasp.";
constexpr std::string_view kControl = "control";
constexpr std::size_t kLongestName = 255;  // FDNAME_MAX of systemd

int number_option(int fd, int level, int option) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(fd, level, option, &value, &size) == 0 ? value : -1;
}

// "@device-file" of a Unix socket's file; empty: there is none.
std::string file_identity(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) return "";
  return "@" + std::to_string(info.st_dev) + "-" + std::to_string(info.st_ino);
}

// systemd takes no colon and nothing beyond ASCII.
std::string make_name(std::string_view purpose, const config::Listener& place) {
  return std::string(kOwn) + std::string(purpose) + "." +
         percent_encode(config::render_listener(place));
}

Result<void> set_tcp_place(PassedSocket& socket, const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
    socket.place.port = ntohs(in.sin_port);
  } else {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof text);
    socket.place.port = ntohs(in.sin6_port);
    socket.dual_stack = IN6_IS_ADDR_UNSPECIFIED(&in.sin6_addr) &&
                        number_option(socket.fd->get(), IPPROTO_IPV6, IPV6_V6ONLY) == 0;
  }
  socket.place.address = text;
  return {};
}

Result<void> set_unix_place(PassedSocket& socket, const sockaddr_storage& address, socklen_t size) {
  const auto& un = reinterpret_cast<const sockaddr_un&>(address);
  constexpr std::size_t kStart = offsetof(sockaddr_un, sun_path);
  if (size <= kStart) return fail("it has no address");
  std::string path(un.sun_path, size - kStart);
  // An abstract name begins with a zero byte, as "@" shows it.
  if (path.front() == '\0')
    path.front() = '@';
  else
    path.resize(std::strlen(path.c_str()));
  socket.place.is_unix = true;
  socket.place.address = std::move(path);
  socket.place.port = 0;
  return {};
}

// sd_listen_fds_with_names() gives the strings one by one, to be freed.
struct Names {
  char** list = nullptr;
  ~Names() {
    for (char** name = list; name != nullptr && *name != nullptr; ++name) std::free(*name);
    std::free(list);
  }
};

}  // namespace

std::string own_name(std::string_view purpose, const config::Listener& place) {
  std::string name = make_name(purpose, place);
  if (place.is_unix) {
    const std::string file = file_identity(place.address);
    if (file.empty()) return "";
    name += file;
  }
  return name.size() > kLongestName ? "" : name;
}

bool is_own_name(std::string_view name, std::string_view purpose, const config::Listener& place) {
  const std::string wanted = make_name(purpose, place);
  if (!place.is_unix) return name == wanted;
  return name.starts_with(wanted) && name.substr(wanted.size()) == file_identity(place.address);
}

void remove_socket_file(std::string_view name, const config::Listener& place) {
  if (!place.is_unix || !name.starts_with(kOwn)) return;
  const std::string file = file_identity(place.address);
  if (!file.empty() && name.ends_with(file)) unlink(place.address.c_str());
}

Result<PassedSocket> look_at_socket(std::string name, SharedFd fd) {
  PassedSocket socket{std::move(name), std::move(fd)};
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(socket.fd->get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return fail("it is not a socket");
  const bool tcp = address.ss_family == AF_INET || address.ss_family == AF_INET6;
  if (!tcp && address.ss_family != AF_UNIX)
    return fail("it is of address family " + std::to_string(address.ss_family) +
                "; only TCP and Unix sockets are served");
  if (number_option(socket.fd->get(), SOL_SOCKET, SO_TYPE) != SOCK_STREAM ||
      (tcp && number_option(socket.fd->get(), SOL_SOCKET, SO_PROTOCOL) != IPPROTO_TCP))
    return fail("it is no stream socket; use ListenStream= in the socket unit");
  if (number_option(socket.fd->get(), SOL_SOCKET, SO_ACCEPTCONN) != 1)
    return fail("it does not listen; the socket unit must not have Accept=yes");
  const auto done = tcp ? set_tcp_place(socket, address) : set_unix_place(socket, address, size);
  if (!done) return tl::unexpected(done.error());
  return socket;
}

Result<PassedSockets> take_passed_sockets(std::vector<std::string>& warnings) {
  Names names;
  // Close-on-exec is set on all of them, and the variables are unset for children.
  const int count = sd_listen_fds_with_names(1, &names.list);
  if (count < 0) return fail(std::string("$LISTEN_FDS: ") + std::strerror(-count));
  PassedSockets out;
  for (int i = 0; i < count; ++i) {
    const std::string name = names.list[i];
    const auto fd = std::make_shared<const UniqueFd>(SD_LISTEN_FDS_START + i);
    const bool own = name.starts_with(kOwn);
    auto socket = look_at_socket(name, fd);
    if (!socket) {
      const std::string problem = "descriptor " + std::to_string(fd->get()) + " (" +
                                  scrub_utf8(name) +
                                  "), passed by systemd, cannot be used: " + socket.error().message;
      if (!own) return fail(problem);
      warnings.push_back(problem);
      out.stale.push_back(name);
      continue;
    }
    if (!own && name == kControl && !socket->place.is_unix)
      return fail(
          "the socket named control, passed by systemd, is no Unix socket; whoever reaches "
          "a TCP port could control the daemon");
    auto& list = own ? out.own : name == kControl ? out.control : out.listeners;
    list.push_back(std::move(*socket));
  }
  return out;
}

}  // namespace clasp::daemon
