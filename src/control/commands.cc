// See commands.h.
#include "control/commands.h"

#include "base/text.h"

namespace clasp::control {
namespace {

// clang-format off
constexpr Command kCommands[] = {
    {.words = "key new", .arguments = "NAME", .fewest = 1, .most = 1, .json = true,
     .help = "Make a key for a client. It is printed once, with what to put into the configuration."},
    {.words = "key hash", .json = true,
     .help = "Print the hash of a key that is read from standard input."},
};
// clang-format on

}  // namespace

std::span<const Command> commands() {
  return kCommands;
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
  return found;
}

}  // namespace clasp::control
