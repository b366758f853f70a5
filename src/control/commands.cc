// See commands.h.
#include "control/commands.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"

namespace clasp::control {
namespace {

constexpr Privilege kChange = Privilege::change;
constexpr Effect kState = Effect::state, kProcess = Effect::process;

// clang-format off
constexpr Command kCommands[] = {
    {.words = "status", .method = "GET", .path = "/v1/status", .json = true,
     .help = "Show on one screen how the daemon is doing."},
    {.words = "top", .options = "[--interval SECONDS] [--count N]", .method = "GET", .path = "/v1/top",
     .json = true,
     .help = "Watch backends, clients and requests in flight on the whole terminal; h lists the keys. "
             "With --json an object per interval (2 seconds), N of them or until Ctrl-C."},
    {.words = "reload",
     .method = "POST", .path = "/v1/reload", .effect = kProcess, .privilege = kChange, .json = true,
     .help = "Load the configuration again. On a mistake the old one stays and the mistake is shown."},
    {.words = "config show", .method = "GET", .path = "/v1/config", .json = true,
     .help = "Show what is set, where and by whom, without secrets."},
    {.words = "config check", .method = "POST", .path = "/v1/config/check",
     .privilege = kChange, .json = true,
     .help = "Check the configuration as a reload would, and change nothing."},
    {.words = "config diff", .method = "POST", .path = "/v1/config/diff",
     .privilege = kChange, .json = true, .help = "Show what a reload would change."},
    {.words = "config options", .json = true,
     .help = "List all options with their defaults and what they mean."},
    {.words = "drain", .method = "POST", .path = "/v1/drain", .effect = kProcess, .privilege = kChange,
     .json = true,
     .help = "Take the daemon out of service: no new messages, load balancers are told; what runs has "
             "until timeouts.drain."},
    {.words = "undrain", .method = "POST", .path = "/v1/undrain", .effect = kProcess,
     .privilege = kChange, .json = true, .help = "Put a drained daemon back into service."},
    {.words = "upgrade", .options = "[--binary PATH]", .method = "POST",
     .path = "/v1/upgrade", .effect = kProcess, .privilege = kChange, .json = true,
     .help = "Replace the process by the program that is installed now, without losing a request, "
             "or by another one."},
    {.words = "backends", .method = "GET", .path = "/v1/backends", .json = true,
     .help = "List the backends: state, requests in flight, failures, latency."},
    {.words = "backends show", .arguments = "NAME", .takes = "backend", .fewest = 1, .most = 1,
     .method = "GET", .path = "/v1/backends/{name}", .json = true, .help = "Show one backend in full."},
    {.words = "backends enable", .arguments = "NAME", .takes = "backend", .fewest = 1, .most = 1,
     .method = "POST", .path = "/v1/backends/{name}/enable", .effect = kState, .privilege = kChange,
     .json = true,
     .help = "Use a backend again."},
    {.words = "backends disable", .arguments = "NAME", .takes = "backend", .fewest = 1, .most = 1,
     .method = "POST", .path = "/v1/backends/{name}/disable", .effect = kState, .privilege = kChange,
     .json = true,
     .help = "Send no request to a backend any more, and end those that it is answering."},
    {.words = "backends drain", .arguments = "NAME [SECONDS]", .takes = "backend -", .fewest = 1, .most = 2,
     .method = "POST", .path = "/v1/backends/{name}/drain", .effect = kState, .privilege = kChange,
     .json = true,
     .help = "Send no request to a backend any more, and wait until it is idle (25 seconds at most)."},
    {.words = "test", .arguments = "[BACKEND] [model=NAME] [only=MODE]", .takes = "backend - -",
     .most = 3,
     .method = "POST", .path = "/v1/test", .effect = kState, .privilege = kChange, .json = true,
     .help = "Send a small request to every backend, or to this one, whatever its state, and say step by "
             "step what happened: once for a plain answer and once for a stream, or with one of the MODEs plain "
             "and stream only. It costs a few tokens."},
    {.words = "exchanges", .method = "GET", .path = "/v1/exchanges", .json = true,
     .help = "List the requests in flight, the oldest first."},
    {.words = "exchanges show", .arguments = "ID", .takes = "exchange", .fewest = 1, .most = 1,
     .method = "GET", .path = "/v1/exchanges/{id}",
     .json = true, .help = "Show one request in flight."},
    {.words = "exchanges cancel", .arguments = "ID", .takes = "exchange", .fewest = 1, .most = 1,
     .method = "DELETE", .path = "/v1/exchanges/{id}", .effect = kState, .privilege = kChange,
     .json = true,
     .help = "End one request in flight with an error that its client understands."},
    {.words = "breakers", .method = "GET", .path = "/v1/breakers", .json = true,
     .help = "List the circuit breakers."},
    {.words = "breakers trip", .arguments = "NAME", .takes = "breaker", .fewest = 1, .most = 1,
     .method = "POST", .path = "/v1/breakers/{name}/trip", .effect = kState, .privilege = kChange,
     .json = true,
     .help = "Open a backend's breaker, as its failures would."},
    {.words = "breakers reset", .arguments = "NAME", .takes = "breaker", .fewest = 1, .most = 1,
     .method = "POST", .path = "/v1/breakers/{name}/reset", .effect = kState, .privilege = kChange,
     .json = true,
     .help = "Close a backend's breaker and forget its failures."},
    {.words = "queue", .method = "GET", .path = "/v1/queue", .json = true,
     .help = "List the requests that wait for a backend."},
    {.words = "queue show", .arguments = "ID", .takes = "ticket", .fewest = 1, .most = 1,
     .method = "GET", .path = "/v1/queue/{id}", .json = true, .help = "Show one waiting request."},
    {.words = "queue cancel", .arguments = "ID", .takes = "ticket", .fewest = 1, .most = 1,
     .method = "DELETE", .path = "/v1/queue/{id}", .effect = kState, .privilege = kChange, .json = true,
     .help = "End one waiting request with an error."},
    {.words = "queue flush", .method = "POST", .path = "/v1/queue/flush", .effect = kState,
     .privilege = kChange, .json = true, .help = "End all waiting requests with an error."},
    {.words = "queue pause", .method = "POST", .path = "/v1/queue/pause", .effect = kState,
     .privilege = kChange, .json = true, .help = "Let nobody out of the queue until it is resumed."},
    {.words = "queue resume", .method = "POST", .path = "/v1/queue/resume", .effect = kState,
     .privilege = kChange, .json = true, .help = "Let waiting requests go on."},
    {.words = "cache", .method = "GET", .path = "/v1/cache", .json = true,
     .help = "Show the response cache."},
    {.words = "cache flush", .arguments = "[PATTERN]", .takes = "-", .most = 1, .method = "POST",
     .path = "/v1/cache/flush", .effect = kState, .privilege = kChange, .json = true,
     .help = "Forget cached answers: all, or those of models that match (* and ? match any text)."},
    {.words = "tail", .arguments = "[client=NAME] [model=NAME] [backend=NAME] [errors=1]",
     .takes = "client - backend -", .most = 4, .method = "GET", .path = "/v1/tail", .json = true, .streams = true,
     .help = "Show requests as they end, until Ctrl-C; only those of a client, model or backend (* and ? "
             "match any text), only those that failed."},
    {.words = "limits", .method = "GET", .path = "/v1/limits", .json = true,
     .help = "Show what limits of clients, addresses and all together have left."},
    {.words = "keys", .method = "GET", .path = "/v1/keys", .json = true,
     .help = "List the clients that are known by name, without anything of their keys."},
    {.words = "costs", .method = "GET", .path = "/v1/costs", .json = true,
     .help = "Show what was spent, by client, model and backend, and what is left of budgets."},
    {.words = "metrics", .options = "[--prometheus]", .method = "GET", .path = "/v1/metrics", .json = true,
     .help = "Show what was counted: in sums, or everything, as Prometheus reads it."},
    {.words = "log-level", .method = "GET", .path = "/v1/log-level", .json = true,
     .help = "Show the log level, and what the configuration says where that differs."},
    {.words = "log-level set", .arguments = "LEVEL", .takes = "level", .fewest = 1, .most = 1,
     .options = "[--bodies]", .method = "PUT",
     .path = "/v1/log-level/{level}", .effect = kState, .privilege = kChange, .json = true,
     .help = "Set the log level until the next reload: debug, info, warn or error. With --bodies "
             "prompts and answers are written into the log too."},
    {.words = "commands", .method = "GET", .path = "/v1/commands", .json = true,
     .help = "List what the daemon can be asked."},
    {.words = "doctor", .json = true,
     .help = "Look for the usual mistakes and say what to do about them."},
    {.words = "claude", .arguments = "[ARGUMENT ...]", .most = 1000,
     .help = "Run Claude Code against this daemon. Its key is $CLASP_AUTH_API_KEY where keys are asked "
             "for; what stands behind -- is for Claude Code."},
    {.words = "key new", .arguments = "NAME", .takes = "-", .fewest = 1, .most = 1, .json = true,
     .help = "Make a key for a client. It is printed once, with what to put into the configuration."},
    {.words = "key hash", .json = true,
     .help = "Print the hash of a key that is read from standard input."},
};
// clang-format on

// Splits a template or a path at its slashes; the first piece, before the first slash, is empty.
bool match_template(std::string_view pattern, std::string_view path,
                    std::vector<std::string>& arguments) {
  const auto wanted = split(pattern, '/'), given = split(path, '/');
  if (wanted.size() != given.size()) return false;
  std::vector<std::string> found;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!wanted[i].starts_with('{')) {
      if (wanted[i] != given[i]) return false;
      continue;
    }
    auto text = percent_decode(given[i]);
    if (!text || text->empty()) return false;
    found.push_back(std::move(*text));
  }
  arguments = std::move(found);
  return true;
}

// "[PATTERN]" -> "pattern"
std::string query_name(std::string_view argument) {
  std::string name;
  for (const char c : to_lower(argument))
    if (c >= 'a' && c <= 'z') name.push_back(c);
  return name;
}

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

namespace {

// A second word that says what the first one does anyway.
bool is_spelt_out(std::string_view command, std::string_view next) {
  if (next == "list") {
    constexpr std::string_view kLists[] = {"backends", "breakers", "queue",   "exchanges",
                                           "limits",   "keys",     "commands"};
    return std::find(std::begin(kLists), std::end(kLists), command) != std::end(kLists);
  }
  if (next == "stats") return command == "cache";
  return next == "show" && (command == "limits" || command == "costs" || command == "log-level" ||
                            command == "metrics" || command == "status");
}

}  // namespace

std::vector<OwnOption> own_options(const Command& command) {
  std::vector<OwnOption> out;
  for (std::string_view rest = command.options; rest.find('[') != std::string_view::npos;) {
    const std::size_t begin = rest.find('[') + 1, end = rest.find(']', begin);
    const std::string_view one = rest.substr(begin, end - begin);
    const std::size_t blank = one.find(' ');
    out.push_back({one.substr(0, blank),
                   blank == std::string_view::npos ? std::string_view() : one.substr(blank + 1)});
    rest.remove_prefix(std::min(end, rest.size()));
  }
  return out;
}

const Command* find_command(std::span<const std::string> words, std::size_t& used) {
  const Command* found = nullptr;
  used = 0;
  for (const Command& command : kCommands) {
    const auto parts = split(command.words, ' ');
    if (parts.size() > words.size() || parts.size() <= used) continue;
    bool same = true;
    for (std::size_t i = 0; i < parts.size(); ++i) same = same && parts[i] == words[i];
    if (!same) continue;
    found = &command;
    used = parts.size();
  }
  if (used == 1 && words.size() > 1 && is_spelt_out(found->words, words[1])) ++used;
  return found;
}

std::string_view privilege_name(Privilege privilege) {
  return privilege == Privilege::read ? "read" : "change";
}

std::string_view effect_name(Effect effect) {
  switch (effect) {
    case Effect::none:
      return "none";
    case Effect::state:
      return "state";
    case Effect::process:
      break;
  }
  return "process";
}

// A path that is written out counts before one with a place in it ("/v1/queue/flush").
Asked match_request(std::string_view method, std::string_view path) {
  Asked asked;
  bool literal = false;
  for (const Command& command : kCommands) {
    std::vector<std::string> arguments;
    if (command.is_local() || !match_template(command.path, path, arguments)) continue;
    if (arguments.empty() && !literal) {
      literal = true;
      asked = {};
    }
    if (literal && !arguments.empty()) continue;
    asked.methods.append(asked.methods.empty() ? "" : ", ").append(command.method);
    if (command.method != method) continue;
    asked.command = &command;
    asked.arguments = std::move(arguments);
  }
  return asked;
}

std::string make_target(const Command& command, std::span<const std::string> arguments) {
  std::string out;
  std::size_t next = 0;
  std::string_view rest = command.path;
  while (!rest.empty()) {
    const std::size_t open = rest.find('{');
    out.append(rest.substr(0, open));
    if (open == std::string_view::npos) break;
    if (next < arguments.size()) out.append(percent_encode(arguments[next++]));
    rest.remove_prefix(rest.find('}') + 1);
  }
  const auto names = split(command.arguments, ' ');
  std::size_t place = next;
  char mark = '?';
  for (; next < arguments.size(); ++next) {
    const std::string_view given = arguments[next];
    // "[client=NAME]": says itself which one it is.
    if (is_named_argument(command, given)) {
      const std::size_t equals = given.find('=');
      out.append(1, mark).append(percent_encode(given.substr(0, equals)));
      out.append("=").append(percent_encode(given.substr(equals + 1)));
    } else if (place < names.size()) {
      out.append(1, mark).append(query_name(names[place++]));
      out.append("=").append(percent_encode(given));
    }
    mark = '&';
  }
  return out;
}

bool is_named_argument(const Command& command, std::string_view argument) {
  const std::string start = "[" + std::string(argument.substr(0, argument.find('='))) + "=";
  return argument.find('=') != std::string_view::npos &&
         command.arguments.find(start) != std::string_view::npos;
}

bool has_too_many_places(const Command& command, std::span<const std::string> arguments) {
  if (command.arguments.find('=') == std::string_view::npos) return false;
  std::size_t places = 0;
  for (const std::string_view name : split(command.arguments, ' '))
    places += name.find('=') == std::string_view::npos ? 1 : 0;
  std::size_t given = 0;
  for (const std::string& argument : arguments)
    given += is_named_argument(command, argument) ? 0 : 1;
  return given > places;
}

std::string query_value(std::string_view query, std::string_view name) {
  for (const std::string_view part : split(query, '&')) {
    const std::size_t equals = part.find('=');
    if (part.substr(0, equals) != name || equals == std::string_view::npos) continue;
    return percent_decode(part.substr(equals + 1)).value_or("");
  }
  return "";
}

}  // namespace clasp::control
