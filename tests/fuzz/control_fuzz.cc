// Any bytes as a request of the control API: first line the method, second the path, the rest the
// query. What is found fits its row of the table, and leads back to it when it is written out
// again.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/text.h"
#include "control/commands.h"

using namespace clasp;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

// The next line, without its end.
std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line;
}

void check_path(std::string_view method, std::string_view path) {
  const control::Asked asked = control::match_request(method, path);
  if (asked.command == nullptr) {
    // No such path, or one whose methods are others.
    if (!asked.methods.empty())
      for (const std::string_view one : split(asked.methods, ',')) require(trim(one) != method);
    return;
  }
  require(!asked.command->is_local() && asked.command->method == method);
  require(asked.arguments.size() <= asked.command->most);
  for (const std::string& argument : asked.arguments)
    require(!argument.empty() && argument.size() <= path.size());
  const std::string target = control::make_target(*asked.command, asked.arguments);
  for (const char c : target) require(c > 0x20 && c < 0x7f);
  const control::Asked again = control::match_request(method, target);
  // "flush" is an id that cannot be written otherwise: a command of its own goes before.
  require(again.arguments == asked.arguments || again.command != asked.command);
}

// Arguments as a careless caller gives them.
void check_arguments(const std::string& text) {
  if (text.empty()) return;
  require(percent_decode(percent_encode(text)) == text);
  for (const control::Command& command : control::commands()) {
    if (command.is_local() || command.most == 0) continue;
    const std::vector<std::string> arguments(command.most, text);
    const std::string target = control::make_target(command, arguments);
    const auto mark = std::min(target.find('?'), target.size());
    const control::Asked asked = control::match_request(command.method, target.substr(0, mark));
    require(asked.command != nullptr);
    if (asked.command != &command) continue;
    for (const std::string& argument : asked.arguments) require(argument == text);
    if (mark == target.size()) continue;
    const std::string query = target.substr(mark + 1);
    require(control::query_value(query, query.substr(0, query.find('='))) == text);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::string_view method = take_line(rest);
  const std::string_view path = take_line(rest);
  check_path(method, path);
  for (const std::string_view one : {"GET", "POST", "PUT", "DELETE"}) check_path(one, path);
  for (const std::string_view name : {"seconds", "pattern", ""})
    require(control::query_value(rest, name).size() <= rest.size());
  if (const auto decoded = percent_decode(rest)) require(decoded->size() <= rest.size());
  check_arguments(std::string(rest));
  return 0;
}
