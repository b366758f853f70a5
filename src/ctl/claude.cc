// claspctl claude: Claude Code with the environment that makes it talk to this daemon. See local.h.
#include "base/text.h"
#include "ctl/json.h"
#include "ctl/local.h"
#include "ctl/remote.h"

namespace clasp::ctl {

namespace {

// "127.0.0.1:8080", "0.0.0.0:8443 (https)" -> a URL that a program on this machine can use. Empty
// for Unix sockets, which Claude Code cannot.
std::string url_of(std::string_view listener) {
  const bool tls = listener.ends_with(" (https)");
  if (tls) listener.remove_suffix(8);
  if (listener.starts_with("unix:")) return "";
  std::string address(listener);
  if (address.starts_with("0.0.0.0:")) address.replace(0, 7, "127.0.0.1");
  if (address.starts_with("[::]:")) address.replace(0, 4, "[::1]");
  return (tls ? "https://" : "http://") + address;
}

Answer failed(const std::string& message, int code = kExitFailure) {
  return {code, "", "claspctl: " + message + "\n"};
}

}  // namespace

Answer run_claude(const Call& call, const World& world) {
  const auto told = world.ask_daemon(call.options, "GET", "/v1/status");
  if (!told) return failed(told.error().message, exit_code_of(told.error().kind));
  const JsonPtr root = parse_json(told->body);
  if (told->status != 200 || !root)
    return failed("the daemon does not say where it listens: it answered " +
                  std::to_string(told->status));
  std::string url;
  std::size_t i = 0;
  json_t* one = nullptr;
  json_array_foreach(json_object_get(root.get(), "listeners"), i, one) {
    const std::string next = json_is_string(one) ? url_of(json_string_value(one)) : "";
    // Plain HTTP on this machine needs no certificate that Claude Code would have to know.
    if (!next.empty() && (url.empty() || (url.starts_with("https") && next.starts_with("http:"))))
      url = next;
  }
  if (url.empty()) return failed("the daemon has no TCP address that Claude Code could use");
  const std::string own = world.variable("CLASP_AUTH_API_KEY");
  std::vector<std::pair<std::string, std::string>> environment = {{"ANTHROPIC_BASE_URL", url}};
  // It wants some key, and would otherwise ask for a login.
  if (!own.empty())
    environment.emplace_back("ANTHROPIC_API_KEY", own);
  else if (world.variable("ANTHROPIC_API_KEY").empty() &&
           world.variable("ANTHROPIC_AUTH_TOKEN").empty())
    environment.emplace_back("ANTHROPIC_API_KEY", "clasp");
  return failed(world.run_program("claude", call.arguments, environment));
}

}  // namespace clasp::ctl
