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

namespace clasp::daemon {

class ControlServer final : private HttpHandler {
 public:
  // All outlive it.
  ControlServer(event_base* base, Scheduler& scheduler, Random& random, ControlDesk& desk);

  // Opens the socket that the settings ask for. A socket that was only chosen because nothing else
  // was said is done without when it cannot be had, which is logged.
  Result<void> open(const config::ControlSettings& settings);
  const std::string& path() const { return path_; }  // empty: none is open
  void close();

 private:
  std::optional<HttpAnswer> on_head(exchange::RequestHead& head) override;
  std::unique_ptr<exchange::RequestTask> on_request(exchange::RequestHead head, std::string body,
                                                    exchange::ClientStream& stream) override;
  bool has_precedence(std::optional<std::uint32_t> peer_user) override;
  std::string refusal_body(int status, std::string_view message) override;

  HttpServer server_;
  ControlDesk& desk_;
  std::string path_;
  struct stat file_ {};  // of the socket that was made there
};

}  // namespace clasp::daemon
