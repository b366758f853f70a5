// The table, and the ways to look something up in it.
#include "control/commands.h"

#include "base/text.h"

namespace clasp::control {
namespace {

constexpr Privilege kChange = Privilege::change;
constexpr Effect kState = Effect::state, kProcess = Effect::process;

// clang-format off
constexpr Command kCommands[] = {
    {.name = "status", .method = "GET", .path = "/v1/status",
     .help = "Show on one screen how the daemon is doing."},
    {.name = "reload", .method = "POST", .path = "/v1/reload", .effect = kProcess, .privilege = kChange,
     .help = "Load the configuration again; on a mistake the old one stays and the mistake is shown."},
    {.name = "config show", .method = "GET", .path = "/v1/config",
     .help = "Show the settings in force and where each one comes from, without secrets."},
    {.name = "config check", .method = "POST", .path = "/v1/config/check",
     .help = "Check the configuration files as a reload would, and change nothing."},
    {.name = "config diff", .method = "GET", .path = "/v1/config/diff",
     .help = "Show what a reload would change."},
    {.name = "config options", .method = "GET", .path = "/v1/config/options",
     .help = "List every option with its default and its meaning."},
    {.name = "backends", .method = "GET", .path = "/v1/backends",
     .help = "List the backends: state, requests in flight, failures, latency."},
    {.name = "backends show", .arguments = "NAME", .method = "GET", .path = "/v1/backends/{name}",
     .help = "Show one backend in full."},
    {.name = "backends enable", .arguments = "NAME", .method = "POST", .path = "/v1/backends/{name}/enable",
     .effect = kState, .privilege = kChange, .help = "Use a backend again."},
    {.name = "backends disable", .arguments = "NAME", .method = "POST", .path = "/v1/backends/{name}/disable",
     .effect = kState, .privilege = kChange,
     .help = "Send no request to a backend, and end those that it is answering."},
    {.name = "backends drain", .arguments = "NAME", .method = "POST", .path = "/v1/backends/{name}/drain",
     .effect = kState, .privilege = kChange,
     .help = "Send no new request to a backend; running ones are finished."},
    {.name = "breakers", .method = "GET", .path = "/v1/breakers", .help = "List the circuit breakers."},
    {.name = "breakers trip", .arguments = "NAME", .method = "POST", .path = "/v1/breakers/{name}/trip",
     .effect = kState, .privilege = kChange, .help = "Open a backend's breaker, as its failures would."},
    {.name = "breakers reset", .arguments = "NAME", .method = "POST", .path = "/v1/breakers/{name}/reset",
     .effect = kState, .privilege = kChange, .help = "Close a backend's breaker and forget its failures."},
    {.name = "queue", .method = "GET", .path = "/v1/queue",
     .help = "List the requests that wait for a backend."},
    {.name = "queue show", .arguments = "ID", .method = "GET", .path = "/v1/queue/{id}",
     .help = "Show one waiting request."},
    {.name = "queue cancel", .arguments = "ID", .method = "DELETE", .path = "/v1/queue/{id}",
     .effect = kState, .privilege = kChange, .help = "End one waiting request with an error."},
    {.name = "queue flush", .method = "POST", .path = "/v1/queue/flush", .effect = kState,
     .privilege = kChange, .help = "End all waiting requests with an error."},
    {.name = "queue pause", .method = "POST", .path = "/v1/queue/pause", .effect = kState,
     .privilege = kChange, .help = "Let nobody out of the queue until it is resumed."},
    {.name = "queue resume", .method = "POST", .path = "/v1/queue/resume", .effect = kState,
     .privilege = kChange, .help = "Let waiting requests go on."},
    {.name = "exchanges", .method = "GET", .path = "/v1/exchanges",
     .help = "List the requests in flight right now."},
    {.name = "exchanges show", .arguments = "ID", .method = "GET", .path = "/v1/exchanges/{id}",
     .help = "Show one request in flight."},
    {.name = "exchanges cancel", .arguments = "ID", .method = "DELETE", .path = "/v1/exchanges/{id}",
     .effect = kState, .privilege = kChange, .help = "End one request in flight with an error."},
    {.name = "cache", .method = "GET", .path = "/v1/cache", .help = "Show the response cache."},
    {.name = "cache flush", .arguments = "[PATTERN]", .method = "POST", .path = "/v1/cache/flush",
     .effect = kState, .privilege = kChange,
     .help = "Forget cached answers: all, or those of the models that match."},
    {.name = "metrics", .method = "GET", .path = "/v1/metrics",
     .help = "Print the metrics, as JSON or (--prometheus) as Prometheus reads them."},
    {.name = "limits", .method = "GET", .path = "/v1/limits",
     .help = "Show the rate limits and what is left of them."},
    {.name = "keys", .method = "GET", .path = "/v1/keys",
     .help = "List the clients that have a key: limits, budget, expiry, last use."},
    {.name = "key new", .arguments = "NAME", .help = "Make a key and print it with what to write into the "
     "configuration."},
    {.name = "key hash", .help = "Read a key from standard input and print its hash."},
    {.name = "costs", .method = "GET", .path = "/v1/costs",
     .help = "Show what was spent, by client, model and backend."},
    {.name = "log-level", .arguments = "[LEVEL]", .method = "GET", .path = "/v1/log-level",
     .help = "Show the log level, or set it: debug, info, warn or error."},
    {.name = "log-level set", .arguments = "LEVEL", .method = "PUT", .path = "/v1/log-level/{level}",
     .effect = kState, .privilege = kChange, .help = "Set the log level."},
    {.name = "drain", .method = "POST", .path = "/v1/drain", .effect = kState, .privilege = kChange,
     .help = "Take no new connections and tell load balancers; running requests are finished."},
    {.name = "undrain", .method = "POST", .path = "/v1/undrain", .effect = kState, .privilege = kChange,
     .help = "Take new connections again."},
    {.name = "top", .help = "Watch traffic live on the whole screen; q quits."},
    {.name = "tail", .method = "GET", .path = "/v1/tail",
     .help = "Print a line for each request as it ends.", .streams = true},
    {.name = "test", .arguments = "[BACKEND]", .method = "POST", .path = "/v1/test",
     .effect = kState, .privilege = kChange,
     .help = "Send a small request to a backend and say what happened, step by step.", .streams = true},
    {.name = "doctor", .help = "Look for the usual mistakes and say what to do about them."},
    {.name = "upgrade", .method = "POST", .path = "/v1/upgrade", .effect = kProcess, .privilege = kChange,
     .help = "Start the installed program beside the running one and hand everything over to it.",
     .streams = true},
    {.name = "claude", .arguments = "[ARGUMENT…]",
     .help = "Run Claude Code against this daemon, with the right environment."},
    {.name = "commands", .method = "GET", .path = "/v1/commands",
     .help = "List these commands as the daemon knows them."},
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

bool begins_with(std::span<const std::string_view> words, std::string_view name,
                 std::size_t& count) {
  const auto parts = split(name, ' ');
  if (parts.size() > words.size()) return false;
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (parts[i] != words[i]) return false;
  count = parts.size();
  return true;
}

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

std::string_view render_privilege(Privilege privilege) {
  return privilege == Privilege::read ? "read" : "change";
}

std::string_view render_effect(Effect effect) {
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

Typed find_command(std::span<const std::string_view> words) {
  Typed best;
  for (const Command& command : kCommands) {
    std::size_t count = 0;
    if (begins_with(words, command.name, count) && count > best.words) best = {&command, count};
  }
  return best;
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

std::string make_path(const Command& command, std::span<const std::string> arguments) {
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
  return out;
}

}  // namespace clasp::control
