// See control_server.h.
#include "daemon/control_server.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/log.h"
#include "base/text.h"
#include "control/socket_path.h"
#include "daemon/listener.h"

namespace clasp::daemon {

namespace {

constexpr std::size_t kShownQuery = 200;

// Few and small requests, but people look at an answer for a while between two of them.
HttpLimits make_limits() {
  HttpLimits limits;
  limits.body_bytes = 1u << 20;
  limits.connections = 64;
  // Whoever may only read must not keep those out who are to end it.
  limits.reserved = 16;
  return limits;
}

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

// A request that is answered later, or in lines.
class ControlTask final : public exchange::RequestTask {
 public:
  explicit ControlTask(ControlReplyPtr reply) : reply_(std::move(reply)) {}
  ~ControlTask() override { reply_->detach(); }
  void on_client_gone() override { reply_->detach(); }
  void on_client_drained() override {}

 private:
  ControlReplyPtr reply_;
};

std::string error_body(std::string_view code, std::string_view message) {
  const JsonPtr body(json_pack("{s:{s:o, s:o}}", "error", "code", text_value(code), "message",
                               text_value(message)));
  return dump_json(body) + "\n";
}

HttpAnswer refusal(int status, std::string_view code, const std::string& message) {
  HttpAnswer answer;
  answer.status = status;
  answer.headers.add("content-type", "application/json");
  answer.body = error_body(code, message);
  return answer;
}

// The folder of the default place, which a first start may have to make.
void make_folder(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/'));
  if (!folder.empty()) mkdir(folder.c_str(), 0755);
}

}  // namespace

ControlServer::ControlServer(event_base* base, Scheduler& scheduler, Random& random,
                             ControlDesk& desk)
    : server_(base, *this, make_limits(), scheduler, random), desk_(desk) {}

Result<void> ControlServer::open(const config::ControlSettings& settings) {
  if (settings.socket == "off") return {};
  const bool chosen = settings.socket == "auto";
  const control::Surroundings around{geteuid() == 0, variable("RUNTIME_DIRECTORY"),
                                     variable("XDG_RUNTIME_DIR")};
  config::Listener place;
  place.is_unix = true;
  place.address = chosen ? control::default_socket_path(around) : settings.socket;
  place.unix_mode = settings.mode;
  place.unix_group = settings.group;
  if (place.address.empty()) {
    log_debug("no control socket: there is no runtime directory for it");
    return {};
  }
  if (chosen) make_folder(place.address);
  auto fd = open_listener(place, false);
  if (!fd) {
    if (!chosen) return tl::unexpected(fd.error());
    log_warn("no control socket: " + fd.error().message);
    return {};
  }
  if (auto added = server_.add_listener(std::move(*fd)); !added) return added;
  path_ = place.address;
  if (lstat(path_.c_str(), &file_) != 0) file_ = {};
  return {};
}

void ControlServer::close() {
  if (path_.empty()) return;
  server_.stop_accepting();
  // Another daemon's, should this one's have been removed meanwhile, is left alone.
  struct stat now {};
  if (lstat(path_.c_str(), &now) == 0 && now.st_dev == file_.st_dev && now.st_ino == file_.st_ino)
    unlink(path_.c_str());
  path_.clear();
}

// Those who may change something.
bool ControlServer::has_precedence(std::optional<std::uint32_t> peer_user) {
  return peer_user && (*peer_user == 0 || *peer_user == geteuid());
}

std::optional<HttpAnswer> ControlServer::on_head(exchange::RequestHead& head) {
  const control::Asked asked = control::match_request(head.method, head.path);
  if (asked.command == nullptr) {
    if (asked.methods.empty())
      return refusal(404, "unknown_path",
                     "there is no such request; GET /v1/commands lists those that there are");
    HttpAnswer answer = refusal(405, "wrong_method", "this path takes " + asked.methods);
    answer.headers.add("allow", asked.methods);
    return answer;
  }
  if (asked.command->privilege == control::Privilege::read) return std::nullopt;
  if (has_precedence(head.peer_user)) return std::nullopt;
  return refusal(403, "not_permitted",
                 "only root and the daemon's own user (uid " + std::to_string(geteuid()) +
                     ") may change something" +
                     (head.peer_user ? "; you are uid " + std::to_string(*head.peer_user) : ""));
}

std::unique_ptr<exchange::RequestTask> ControlServer::on_request(exchange::RequestHead head,
                                                                 std::string,
                                                                 exchange::ClientStream& stream) {
  control::Asked asked = control::match_request(head.method, head.path);
  auto reply = std::make_shared<ControlReply>(stream);
  if (asked.command == nullptr) {
    reply->refuse(404, "unknown_path", "there is no such request");
    return nullptr;
  }
  ControlCall call{*asked.command, std::move(asked.arguments), head.query, reply};
  if (asked.command->effect != control::Effect::none)
    log_info("control: " + std::string(asked.command->words) +
             (call.arguments.empty() ? "" : " " + call.arguments.front()) +
             (call.query.empty() ? "" : " " + scrub_utf8(call.query.substr(0, kShownQuery))) +
             " (uid " + (head.peer_user ? std::to_string(*head.peer_user) : "?") + ")");
  carry_out(desk_, call);
  if (reply->over()) return nullptr;
  return std::make_unique<ControlTask>(std::move(reply));
}

std::string ControlServer::refusal_body(int status, std::string_view message) {
  return error_body(status == 529 ? "too_many_connections" : "bad_request", message);
}

}  // namespace clasp::daemon
