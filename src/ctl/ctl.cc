// The command line, and which function carries a command out.
#include "ctl/ctl.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "config/value.h"
#include "ctl/emit.h"
#include "ctl/keys.h"
#include "ctl/local.h"
#include "ctl/remote.h"

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
  return out;
}

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out.append(out.empty() ? "" : " ").append(word);
  return out;
}

Answer carry_out(const Call& call, const World& world) {
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

Answer unknown_command(std::vector<std::string> words) {
  std::vector<std::string_view> names;
  for (const control::Command& one : control::commands()) names.push_back(one.words);
  // What stands behind may be anything, a key too.
  if (words.size() > 1 && !is_command_word(words[1])) words.resize(1);
  words.resize(std::min<std::size_t>(words.size(), 2));
  const std::string asked = join(words);
  return usage_error("there is no command " + config::quoted(asked) + config::hint(asked, names));
}

// What is wrong with how a command was written.
std::optional<Answer> objection(const Call& call) {
  const std::size_t count = call.arguments.size();
  if (count < call.command->fewest || count > call.command->most)
    return usage_error("write " + describe(*call.command));
  // A variable that is not set: "cache flush $PATTERN" must not forget everything.
  if (!call.command->is_local() && std::count(call.arguments.begin(), call.arguments.end(), "") > 0)
    return usage_error("an argument is empty; write " + describe(*call.command));
  if (call.json && !call.command->json)
    return usage_error(describe(*call.command) + " has no --json");
  return std::nullopt;
}

}  // namespace

Answer run(const std::vector<std::string>& args, const World& world) {
  Call call;
  std::vector<std::string> words;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    // What stands behind it is Claude Code's.
    if (words.size() == 1 && words.front() == "claude") {
      words.insert(words.end(), args.begin() + static_cast<std::ptrdiff_t>(i + (arg == "--")),
                   args.end());
      break;
    }
    if (arg == "--help" || arg == "-help" || arg == "-h" || (words.empty() && arg == "help"))
      return {kExitSuccess, emit_help(), ""};
    if (arg == "--version" || arg == "-version")
      return {kExitSuccess, "claspctl " CLASP_VERSION "\n", ""};
    // An option that lost its value must not take the command's name for one that is unknown.
    if (i + 1 == args.size() && (arg == "--socket" || arg == "--timeout"))
      return usage_error(arg + " needs a value");
    if (arg == "--emit" && i + 1 < args.size()) return {kExitSuccess, emit(args[i + 1]), ""};
    const auto value_of = [&](std::string_view option) -> std::optional<std::string> {
      if (arg == option && i + 1 < args.size()) return args[++i];
      if (arg.starts_with(std::string(option) + "=")) return arg.substr(option.size() + 1);
      return std::nullopt;
    };
    if (auto socket = value_of("--socket")) {
      call.options.socket = std::move(*socket);
      continue;
    }
    if (auto seconds = value_of("--timeout")) {
      const auto number = parse_unsigned(*seconds);
      if (!number || *number == 0 || *number > 86'400)
        return usage_error("--timeout takes seconds, 1 to 86400");
      call.options.seconds = static_cast<long>(*number);
      continue;
    }
    if (arg == "--json" || arg == "-json")
      call.json = true;
    else if (arg.size() > 1 && arg.front() == '-')
      return usage_error("unknown option " + config::quoted(arg));
    else
      words.push_back(arg);
  }
  if (words.empty()) return usage_error("what is to be done?");
  std::size_t used = 0;
  call.command = control::find_command(words, used);
  if (call.command == nullptr) return unknown_command(std::move(words));
  call.arguments.assign(words.begin() + static_cast<std::ptrdiff_t>(used), words.end());
  // What may be set may be asked for with the same word.
  if (call.command->words == "log-level" && call.arguments.size() == 1) {
    words.insert(words.begin() + 1, "set");
    call.command = control::find_command(words, used);
  }
  if (auto answer = objection(call)) return std::move(*answer);
  return carry_out(call, world);
}

}  // namespace clasp::ctl
