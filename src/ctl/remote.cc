// See remote.h. What an answer looks like to people is render.h's.
#include "ctl/remote.h"

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "ctl/json.h"
#include "ctl/render.h"

namespace clasp::ctl {

namespace {

// What the daemon says when it does not do it.
std::string error_message(const Told& told) {
  const JsonPtr root = parse_json(told.body);
  const json_t* error = json_object_get(root.get(), "error");
  std::string message(text_of(error, "message"));
  if (message.empty()) message = "the daemon answered " + std::to_string(told.status);
  return message;
}

std::string_view error_code(const JsonPtr& root) {
  return text_of(json_object_get(root.get(), "error"), "code");
}

// A test that did not pass is no success, although the daemon has done what it was told.
int exit_code_of_answer(const control::Command& command, const JsonPtr& root) {
  if (command.words != "test" || flag_of(root.get(), "passed")) return kExitSuccess;
  return flag_of(root.get(), "timed_out") ? kExitTimeout : kExitFailure;
}

// Beside the time that the daemon was given.
constexpr long kLeeway = 5;

long seconds_of(const std::string& text) {
  constexpr std::uint64_t kMost = 86'400;
  return static_cast<long>(std::min(parse_unsigned(text).value_or(0), kMost));
}

}  // namespace

bool is_good(const Result<Told, LinkError>& told) {
  return told && told->status >= 200 && told->status <= 299;
}

int exit_code_of(LinkError::Kind kind) {
  switch (kind) {
    case LinkError::Kind::not_running:
      return kExitNotRunning;
    case LinkError::Kind::timeout:
      return kExitTimeout;
    case LinkError::Kind::refused:
      break;
  }
  return kExitFailure;
}

Answer explain(const Call& call, const Result<Told, LinkError>& told) {
  if (!told)
    return {exit_code_of(told.error().kind), "", "claspctl: " + told.error().message + "\n"};
  // An older or newer daemon may lack what this program knows.
  const JsonPtr root = parse_json(told->body);
  if (error_code(root) == "unknown_path" || told->status == 501)
    return {kExitTimeout, "",
            "claspctl: the running daemon does not know this command; is it another version? "
            "claspctl status shows it\n"};
  if (!root)
    return {kExitTimeout, "",
            "claspctl: what answers at the control socket is no clasp: it sent no JSON\n"};
  return {told->status == 504 ? kExitTimeout : kExitFailure, call.json ? told->body : "",
          "claspctl: " + error_message(*told) + "\n"};
}

namespace {

Answer follow(const Call& call, const World& world, const std::string& target) {
  // An upgrade ends the answer; it goes on with the new process.
  for (bool replaced = true; replaced;) {
    replaced = false;
    const auto told = world.follow_daemon(
        call.options, std::string(call.command->method), target, [&](std::string_view line) {
          const JsonPtr root = parse_json(std::string(line));
          replaced = replaced || number_of(root.get(), "replaced_by") > 0;
          return world.print(call.json ? std::string(line) + "\n"
                                       : render(*call.command, line, world.look));
        });
    if (!is_good(told)) return explain(call, told);
  }
  return {kExitNotRunning, "", "claspctl: the daemon has ended\n"};
}

// The daemon has another working folder.
std::string absolute(const std::string& path, const World& world) {
  const std::string folder = world.working_folder ? world.working_folder() : "";
  if (path.empty() || path.front() == '/' || folder.empty()) return path;
  return (std::filesystem::path(folder) / path).lexically_normal().string();
}

// Switches of a command, where the API has them in the query.
void add_own(const Call& call, const World& world, std::string& target) {
  for (const auto& [name, value] : call.own) {
    std::string query;
    if (name == "--bodies") query = "bodies=1";
    if (name == "--binary") query = "binary=" + percent_encode(absolute(value, world));
    if (name == "--prometheus") query = "format=prometheus";
    if (query.empty()) continue;
    target.append(target.find('?') == std::string::npos ? "?" : "&").append(query);
  }
}

bool wants_prometheus(const Call& call) {
  return std::any_of(call.own.begin(), call.own.end(),
                     [](const auto& one) { return one.first == "--prometheus"; });
}

}  // namespace

Answer carry_out_remotely(const Call& call, const World& world) {
  if (call.json && wants_prometheus(call))
    return {kExitUsage, "", "claspctl: --json and --prometheus are two things\n"};
  std::string target = control::make_target(*call.command, call.arguments);
  if (call.command->streams) return follow(call, world, target);
  Options options = call.options;
  // Who says how long the daemon may take means it.
  if (call.command->words == "backends drain" && call.arguments.size() == 2)
    options.seconds = std::max(options.seconds, seconds_of(call.arguments[1]) + kLeeway);
  // The daemon gives a new process half a minute to get ready.
  constexpr long kUpgradeSeconds = 40;
  if (call.command->words == "upgrade")
    options.seconds = std::max(options.seconds, kUpgradeSeconds);
  add_own(call, world, target);
  if (call.command->words == "test") {
    target += (target.find('?') == std::string::npos ? "?seconds=" : "&seconds=") +
              std::to_string(options.seconds);
    options.seconds += kLeeway;
  }
  const auto told = world.ask_daemon(options, std::string(call.command->method), target);
  if (is_good(told) && wants_prometheus(call)) return {kExitSuccess, told->body, ""};
  if (!is_good(told) || !parse_json(told->body)) return explain(call, told);
  return {exit_code_of_answer(*call.command, parse_json(told->body)),
          call.json ? told->body : render(*call.command, told->body, world.look), ""};
}

}  // namespace clasp::ctl
