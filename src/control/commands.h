// THE command table: what claspctl can be told and what the control API answers, one row per
// command. From it come claspctl's help, its completion, the command part of its manual page, the
// routing of the control API and GET /v1/commands. Both programs look commands up in it.
#pragma once

#include <cstddef>
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
  std::string_view words;           // "backends disable"
  std::string_view arguments = {};  // "NAME", as help shows them; empty: none
  // What each of the arguments is, a word for each, for completion: backend, breaker, exchange,
  // ticket, client and level are asked of the daemon; of "-" nothing is known.
  std::string_view takes = {};
  std::size_t fewest = 0, most = 0;
  std::string_view options = {};  // of its own, besides --json, as help shows them
  // The request of the control API. {name} in the path stands for the argument in that place; an
  // argument without a place goes into the query, by its name in small letters; one that is shown
  // as [name=…] is given as name=value, and may stand anywhere among those. Empty: claspctl
  // carries it out itself, also where no daemon runs.
  std::string_view method = {}, path = {};
  Effect effect = Effect::none;
  Privilege privilege = Privilege::read;
  bool json = false;           // understands --json
  bool streams = false;        // answers a line of JSON per event, until either side ends it
  std::string_view help = {};  // a sentence or two

  bool is_local() const { return path.empty(); }
};

std::span<const Command> commands();

std::string_view privilege_name(Privilege privilege);
std::string_view effect_name(Effect effect);

// "[--count N]": its name and what it is followed by; a switch is followed by nothing.
struct OwnOption {
  std::string_view name, value;
};
std::vector<OwnOption> own_options(const Command& command);

// The command that `words` begin with, and how many of them it takes; "queue list" is "queue".
// Null: there is none.
const Command* find_command(std::span<const std::string> words, std::size_t& used);

// What a request of the API asks for. `path` is without the query.
struct Asked {
  const Command* command = nullptr;    // null: see `methods`
  std::vector<std::string> arguments;  // in the order of the path's {…}, decoded
  std::string methods;                 // of that path, for an Allow header; empty: no such path
};
Asked match_request(std::string_view method, std::string_view path);

// Path and query of the request that carries the command out with these arguments.
std::string make_target(const Command& command, std::span<const std::string> arguments);
// The value of `name` in a query, decoded; empty when it is not there.
std::string query_value(std::string_view query, std::string_view name);
// More arguments stand in their place than the command has such: "tail x", "test a b".
bool has_too_many_places(const Command& command, std::span<const std::string> arguments);
// Whether `argument` is one of the command's name=value ones.
bool is_named_argument(const Command& command, std::string_view argument);

}  // namespace clasp::control
