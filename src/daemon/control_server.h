// The control API: HTTP/1.1 and JSON on a Unix socket, on the main thread's loop, so that nothing
// an operator's program does or leaves undone is felt by traffic. It knows sockets, the command
// table and who may do what; what a command does is control_handlers.h's.
#pragma once

#include <sys/stat.h>

#include <string>

#include "config/settings.h"
#include "control/commands.h"
#include "daemon/control_handlers.h"
#include "daemon/control_reply.h"
#include "daemon/http_server.h"
#include "daemon/listener_set.h"

namespace clasp::daemon {

class ControlServer final : private HttpHandler {
 public:
  // All outlive it.
  ControlServer(event_base* base, Scheduler& scheduler, Random& random, ControlDesk& desk);

  // Takes the sockets that a socket unit passed, and opens the one that the settings ask for,
  // unless it is one of them or one that a daemon before this one had opened. A socket that was
  // only chosen because nothing else was said is done without when it cannot be had, which is
  // logged. Where control is off, whoever comes to a passed socket is told so: it is systemd that
  // listens there, and he would wait for ever.
  Result<void> open(const config::ControlSettings& settings, const PassedSockets& passed);
  const std::string& path() const { return path_; }  // empty: none is open
  // Nobody more is accepted, what runs goes on. `left`: the socket goes on being served, by another
  // process.
  void stop_accepting(const std::function<bool(const std::string& name)>& left);

  // As ListenerSet's.
  std::vector<NamedSockets> own() const { return own_; }
  std::vector<NamedSockets> all() const;

 private:
  std::optional<HttpAnswer> on_head(exchange::RequestHead& head) override;
  std::unique_ptr<exchange::RequestTask> on_request(exchange::RequestHead head, std::string body,
                                                    exchange::ClientStream& stream) override;
  bool has_precedence(std::optional<std::uint32_t> peer_user) override;
  std::string refusal_body(int status, std::string_view message) override;

  Result<void> take(const SharedFd& fd, std::uint64_t id);
  Result<void> open_own(const config::Listener& place, const PassedSockets& passed);
  void remove_file();

  HttpServer server_;
  ControlDesk& desk_;
  bool off_ = false;
  bool stopped_ = false;
  std::string path_;
  std::string own_path_;
  struct stat file_ {};  // of the socket that was made there
  std::vector<NamedSockets> own_, of_unit_;
};

}  // namespace clasp::daemon
