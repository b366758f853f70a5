// See control_server.h.
#include "daemon/control_server.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "control/socket_path.h"
#include "daemon/error_text.h"
#include "daemon/listener.h"

namespace clasp::daemon {

namespace {

constexpr std::string_view kPurpose = "control";
constexpr std::uint64_t kOwn = 1, kOfUnit = 2;
constexpr std::size_t kShownQuery = 200;
constexpr char kOff[] =
    "control.socket is off in the configuration, so that nothing can be asked here; systemd passed "
    "this socket all the same. To use it set control.socket to auto and restart the daemon; to "
    "close it disable the socket unit: systemctl disable --now clasp-control.socket";

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

// The server has a handle of its own: this process may have to lend the socket to others.
Result<void> ControlServer::take(const SharedFd& fd, std::uint64_t id) {
  UniqueFd copy(fcntl(fd->get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) return fail("control socket: " + describe_errno(errno));
  return server_.add_listener(std::move(copy), std::make_shared<const Entrance>(), id);
}

Result<void> ControlServer::open(const config::ControlSettings& settings,
                                 const PassedSockets& passed) {
  off_ = settings.socket == "off";
  const bool chosen = settings.socket == "auto";
  bool have = off_ || (chosen && !passed.control.empty());
  for (const PassedSocket& one : passed.control) {
    if (auto taken = take(one.fd, kOfUnit); !taken) return taken;
    of_unit_.push_back({one.name, {one.fd}});
    if (off_) {
      log_warn(one.place.address + ": " + kOff);
      continue;
    }
    path_ = one.place.address;
    have = have || path_ == settings.socket;
  }
  if (have) return {};
  const control::Surroundings around{geteuid() == 0, variable("RUNTIME_DIRECTORY"),
                                     variable("XDG_RUNTIME_DIR")};
  config::Listener place;
  place.is_unix = true;
  place.port = 0;
  place.address = chosen ? control::default_socket_path(around) : settings.socket;
  place.unix_mode = settings.mode;
  place.unix_group = settings.group;
  if (place.address.empty()) {
    log_debug("no control socket: there is no runtime directory for it");
    return {};
  }
  if (chosen) make_folder(place.address);
  auto opened = open_own(place, passed);
  if (opened || !chosen) return opened;
  log_warn("no control socket: " + opened.error().message);
  return {};
}

Result<void> ControlServer::open_own(const config::Listener& place, const PassedSockets& passed) {
  SharedFd fd;
  for (const PassedSocket& one : passed.own)
    if (is_own_name(one.name, kPurpose, place)) fd = one.fd;
  if (fd) {
    if (auto set = set_unix_permissions(place); !set) return set;
  } else {
    auto opened = open_listener(place, false);
    if (!opened) return tl::unexpected(opened.error());
    fd = std::make_shared<const UniqueFd>(std::move(*opened));
  }
  if (auto taken = take(fd, kOwn); !taken) return taken;
  path_ = own_path_ = place.address;
  if (lstat(own_path_.c_str(), &file_) != 0) file_ = {};
  own_.push_back({own_name(kPurpose, place), {fd}});
  return {};
}

std::vector<NamedSockets> ControlServer::all() const {
  std::vector<NamedSockets> out = own_;
  out.insert(out.end(), of_unit_.begin(), of_unit_.end());
  return out;
}

void ControlServer::stop_accepting(const std::function<bool(const std::string& name)>& left) {
  if (std::exchange(stopped_, true)) return;
  std::vector<std::uint64_t> leave{kOfUnit};
  const bool own_left = !own_.empty() && left(own_.front().name);
  if (own_left) leave.push_back(kOwn);
  server_.stop_accepting(leave);
  if (!own_left) {
    remove_file();
    own_.clear();
  }
  path_.clear();
}

void ControlServer::remove_file() {
  if (own_path_.empty()) return;
  // Another daemon's, should this one's have been removed meanwhile, is left alone.
  struct stat now {};
  if (lstat(own_path_.c_str(), &now) == 0 && now.st_dev == file_.st_dev &&
      now.st_ino == file_.st_ino)
    unlink(own_path_.c_str());
  own_path_.clear();
}

// Those who may change something.
bool ControlServer::has_precedence(std::optional<std::uint32_t> peer_user) {
  return peer_user && (*peer_user == 0 || *peer_user == geteuid());
}

std::optional<HttpAnswer> ControlServer::on_head(exchange::RequestHead& head) {
  if (off_) return refusal(403, "control_off", kOff);
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
