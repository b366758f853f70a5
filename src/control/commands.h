// THE command table: what claspctl can be asked to do. Help, manual page and completions come from
// it, and both programs look commands up in it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace clasp::control {

// Who carries it out.
enum class Place {
  local,  // claspctl itself, also where no daemon runs
};

struct Command {
  std::string_view words;           // "key new"
  std::string_view arguments = {};  // "NAME", as help shows them; empty: none
  std::size_t fewest = 0, most = 0;
  bool json = false;           // understands --json
  std::string_view help = {};  // a sentence or two
  Place place = Place::local;
};

std::span<const Command> commands();

// The command that `words` begin with, and how many of them it takes. Null: there is none.
const Command* find_command(std::span<const std::string> words, std::size_t& used);

}  // namespace clasp::control
