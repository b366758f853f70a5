// The command line, and which function carries a command out.
#include "ctl/ctl.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "base/words.h"
#include "config/value.h"
#include "control/socket_path.h"
#include "ctl/complete.h"
#include "ctl/emit.h"
#include "ctl/keys.h"
#include "ctl/local.h"
#include "ctl/remote.h"
#include "ctl/top.h"

namespace clasp::ctl {
namespace {

using Handler = Result<std::string> (*)(const Call&, const World&);

struct Row {
  std::string_view words;
  Handler handler;
};

// Of the commands whose place is here.
constexpr Row kHandlers[] = {
    {"config options", list_options},
    {"key new", make_key},
    {"key hash", hash_key},
};

bool is_command_word(std::string_view word) {
  constexpr std::size_t kLongest = 16;
  return word.size() <= kLongest && std::all_of(word.begin(), word.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || c == '-';
         });
}

Answer usage_error(const std::string& message) {
  return {kExitUsage, "", "claspctl: " + message + "\nclaspctl --help lists the commands\n"};
}

std::string describe(const control::Command& command) {
  std::string out = "claspctl " + std::string(command.words);
  if (!command.arguments.empty()) out.append(" ").append(command.arguments);
  if (!command.options.empty()) out.append(" ").append(command.options);
  return out;
}

Answer carry_out(const Call& call, const World& world) {
  if (call.command->words == "top") return run_top(call, world);
  if (!call.command->is_local()) return carry_out_remotely(call, world);
  if (call.command->words == "doctor") return run_doctor(call, world);
  if (call.command->words == "claude") return run_claude(call, world);
  for (const Row& row : kHandlers) {
    if (row.words != call.command->words) continue;
    auto out = row.handler(call, world);
    if (!out) return {kExitFailure, "", "claspctl: " + out.error().message + "\n"};
    return {kExitSuccess, std::move(*out), ""};
  }
  return {kExitFailure, "", "claspctl: this command is not there yet\n"};
}

// What the options and words of a command line say.
struct Line {
  std::vector<std::string> words;
  Options options;
  bool json = false;
  std::vector<std::pair<std::string, std::string>> own;  // of the command, whichever it will be
};

// Whether some command has an option of that name.
std::optional<control::OwnOption> find_own_option(std::string_view name) {
  for (const control::Command& command : control::commands())
    for (const control::OwnOption& option : control::own_options(command))
      if (option.name == name) return option;
  return std::nullopt;
}

// The value of `option` at `args[i]`, as its own argument or behind "=".
std::optional<std::string> value_of(const std::vector<std::string>& args, std::size_t& i,
                                    std::string_view option) {
  const std::string& arg = args[i];
  if (arg == option && i + 1 < args.size()) return args[++i];
  if (arg.starts_with(std::string(option) + "=")) return arg.substr(option.size() + 1);
  return std::nullopt;
}

// --count 3, --count=3, --verbose. An answer when it is a mistake.
std::optional<Answer> read_own_option(const std::vector<std::string>& args, std::size_t& i,
                                      Line& line) {
  const std::string name = args[i].substr(0, args[i].find('='));
  const auto option = find_own_option(name);
  if (!option) return usage_error("unknown option " + config::quoted(args[i]));
  if (option->value.empty()) {
    if (name != args[i]) return usage_error(name + " takes no value");
    line.own.emplace_back(name, "");
  } else if (auto value = value_of(args, i, name)) {
    line.own.emplace_back(name, std::move(*value));
  } else {
    return usage_error(name + " needs a value");
  }
  return std::nullopt;
}

// An answer when there is nothing more to be done.
std::optional<Answer> read_line(const std::vector<std::string>& args, Line& line) {
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    // What stands behind it is Claude Code's.
    if (line.words.size() == 1 && line.words.front() == "claude") {
      line.words.insert(line.words.end(),
                        args.begin() + static_cast<std::ptrdiff_t>(i + (arg == "--")), args.end());
      return std::nullopt;
    }
    if (arg == "--") {
      line.words.insert(line.words.end(), args.begin() + static_cast<std::ptrdiff_t>(i + 1),
                        args.end());
      return std::nullopt;
    }
    if (arg == "--help" || arg == "-help" || arg == "-h")
      return Answer{kExitSuccess, emit_help(line.words), ""};
    if (arg == "--version" || arg == "-version")
      return Answer{kExitSuccess, "claspctl " CLASP_VERSION "\n", ""};
    // An option that lost its value must not look like one that is unknown.
    if (i + 1 == args.size() &&
        (arg == "--socket" || arg == "--instance" || arg == "--timeout" || arg == "--emit"))
      return usage_error(arg + " needs a value");
    if (const auto kind = value_of(args, i, "--emit")) {
      std::string text = emit(*kind);
      if (text.empty()) return usage_error("there is nothing to emit for " + config::quoted(*kind));
      return Answer{kExitSuccess, std::move(text), ""};
    }
    if (auto socket = value_of(args, i, "--socket")) {
      line.options.socket = std::move(*socket);
    } else if (const auto name = value_of(args, i, "--instance")) {
      line.options.socket = control::instance_socket_path(*name);
      if (line.options.socket.empty())
        return usage_error("--instance takes the NAME of a clasp@NAME.service");
    } else if (const auto seconds = value_of(args, i, "--timeout")) {
      const auto number = parse_unsigned(*seconds);
      if (!number || *number == 0 || *number > 86'400)
        return usage_error("--timeout takes seconds, 1 to 86400");
      line.options.seconds = static_cast<long>(*number);
    } else if (arg == "--json" || arg == "-json") {
      line.json = true;
    } else if (arg.size() > 1 && arg.front() == '-') {
      if (auto wrong = read_own_option(args, i, line)) return wrong;
    } else {
      line.words.push_back(arg);
    }
  }
  return std::nullopt;
}

Answer unknown_command(std::vector<std::string> words) {
  std::vector<std::string_view> names;
  for (const control::Command& one : control::commands()) names.push_back(one.words);
  // What stands behind may be anything, a key too.
  if (words.size() > 1 && !is_command_word(words[1])) words.resize(1);
  words.resize(std::min<std::size_t>(words.size(), 2));
  const std::string asked = clasp::join(words, " ");
  return usage_error("there is no command " + config::quoted(asked) + config::hint(asked, names));
}

}  // namespace

Answer run(const std::vector<std::string>& args, const World& world) {
  if (!args.empty() && args.front() == "--complete")
    return {kExitSuccess, complete({args.begin() + 1, args.end()}, world), ""};
  Line line;
  if (auto answer = read_line(args, line)) return *answer;
  std::vector<std::string>& words = line.words;
  if (words.empty()) return usage_error("what is to be done?");
  if (words.front() == "help")
    return {kExitSuccess, emit_help({words.begin() + 1, words.end()}), ""};
  Call call;
  call.options = line.options;
  call.json = line.json;
  std::size_t used = 0;
  call.command = control::find_command(words, used);
  if (call.command == nullptr) return unknown_command(words);
  call.arguments.assign(words.begin() + static_cast<std::ptrdiff_t>(used), words.end());
  // What may be set may be asked for with the same word.
  if (call.command->words == "log-level" && call.arguments.size() == 1) {
    words.insert(words.begin() + 1, "set");
    call.command = control::find_command(words, used);
  }
  const std::size_t count = call.arguments.size();
  if (count < call.command->fewest || count > call.command->most)
    return usage_error("write " + describe(*call.command));
  if (control::has_too_many_places(*call.command, call.arguments))
    return usage_error("write " + describe(*call.command));
  for (const auto& [name, value] : line.own) {
    const auto options = control::own_options(*call.command);
    if (std::none_of(options.begin(), options.end(),
                     [&name](const auto& option) { return option.name == name; }))
      return usage_error(describe(*call.command) + " has no " + name);
  }
  call.own = std::move(line.own);
  // A variable that is not set: "cache flush $PATTERN" must not forget everything.
  if (!call.command->is_local() && std::count(call.arguments.begin(), call.arguments.end(), "") > 0)
    return usage_error("an argument is empty; write " + describe(*call.command));
  if (call.json && !call.command->json)
    return usage_error(describe(*call.command) + " has no --json");
  return carry_out(call, world);
}

}  // namespace clasp::ctl
