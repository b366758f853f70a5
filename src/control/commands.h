// THE command table: what claspctl can be told and what the control API answers, one row per
// command. From it come claspctl's help, its completion, the command part of its manual page, the
// routing of the control API and GET /v1/commands. Both programs read it; neither is known here.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace clasp::control {

enum class Privilege {
  read,    // whoever may connect to the control socket
  change,  // root and the daemon's own user
};

enum class Effect {
  none,     // only tells
  state,    // changes what the running daemon does; lost with a restart
  process,  // reloads, drains or replaces the process
};

struct Command {
  std::string_view name;       // "backends disable", as typed
  std::string_view arguments;  // "NAME", "[LEVEL]": [ ] may be left out, … may repeat
  // The request of the control API; {name} stands for the argument in that place. Empty: the
  // command is claspctl's own and needs no daemon, or is made of other requests.
  std::string_view method, path;
  Effect effect = Effect::none;
  Privilege privilege = Privilege::read;
  std::string_view help;  // one sentence
  bool streams = false;   // the answer is a line of JSON per event, until either side ends it

  bool is_local() const { return path.empty(); }
};

// In the order in which they are shown.
std::span<const Command> commands();

// "privilege", "effect" as GET /v1/commands and the manual page say them.
std::string_view render_privilege(Privilege privilege);
std::string_view render_effect(Effect effect);

// The command for the longest beginning of `words` that is one, and how many words it took; null
// when there is none.
struct Typed {
  const Command* command = nullptr;
  std::size_t words = 0;
};
Typed find_command(std::span<const std::string_view> words);

// What a request of the API asks for. `path` is without the query and not decoded; arguments are.
struct Asked {
  const Command* command = nullptr;    // null: see `methods`
  std::vector<std::string> arguments;  // in the order of the path's {…}
  std::string methods;                 // of that path, for an Allow header; empty: no such path
};
Asked match_request(std::string_view method, std::string_view path);

// The path with its {…} filled in, escaped. `arguments` must be as many as there are places.
std::string make_path(const Command& command, std::span<const std::string> arguments);

}  // namespace clasp::control
