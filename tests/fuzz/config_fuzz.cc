// Fuzzing of everything that configures the daemon: the first line's words are flags, the second
// line's are environment variables, the rest is the file.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/text.h"
#include "config/load.h"

using namespace clasp;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto take_line = [&text] {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
  };
  config::Inputs inputs;
  for (std::string_view word : split(take_line(), ' '))
    if (!word.empty()) inputs.args.emplace_back(word);
  for (std::string_view word : split(take_line(), ' '))
    if (const auto equals = word.find('='); equals != std::string_view::npos)
      inputs.environment.emplace(word.substr(0, equals), word.substr(equals + 1));
  inputs.read_file = [text](const std::string&) { return std::optional<std::string>(text); };
  const auto loaded = config::load(inputs);
  if (!loaded && loaded.error().message.empty()) __builtin_trap();
  if (loaded && loaded->action == config::Action::run && loaded->settings.backends.empty())
    __builtin_trap();
  return 0;
}
