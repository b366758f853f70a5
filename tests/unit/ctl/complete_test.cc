// What shells offer after TAB, and that the command table says what every argument is.
#include "ctl/complete.h"

#include <doctest/doctest.h>

#include "base/text.h"

using namespace clasp;
using namespace clasp::ctl;

namespace {

struct Asked {
  std::string targets, socket;
  long seconds = 0;
};

std::string offered(const std::vector<std::string>& words, Asked* asked = nullptr) {
  World world;
  world.ask_daemon = [asked](const Options& options, const std::string& method,
                             const std::string& target) -> Result<Told, LinkError> {
    if (asked != nullptr) *asked = {method + " " + target, options.socket, options.seconds};
    if (target == "/v1/backends")
      return Told{200, R"({"backends":[{"name":"main"},{"name":"my own"},{"name":"b\nd"}]})"};
    if (target == "/v1/breakers") return Told{200, R"({"breakers":[{"backend":"main"}]})"};
    if (target == "/v1/exchanges")
      return Told{200, R"({"exchanges":[{"id":"req_1"},{"id":"req_2"}]})"};
    if (target == "/v1/queue") return Told{200, R"({"tickets":[{"id":"17"}]})"};
    if (target == "/v1/keys") return Told{200, R"({"clients":[{"name":"ann"},{"name":"bob"}]})"};
    return tl::unexpected(LinkError{LinkError::Kind::not_running, "none"});
  };
  std::string out;
  for (const char c : complete(words, world)) out.push_back(c == '\n' ? '|' : c);
  return out;
}

}  // namespace

TEST_CASE("every argument of a command is of a kind") {
  for (const control::Command& command : control::commands()) {
    if (command.words == "claude") continue;
    const std::string name(command.words);
    const std::size_t names = command.arguments.empty() ? 0 : split(command.arguments, ' ').size();
    const std::size_t kinds = command.takes.empty() ? 0 : split(command.takes, ' ').size();
    CHECK_MESSAGE(names == kinds, name);
    for (const control::OwnOption& option : control::own_options(command))
      CHECK_MESSAGE(option.name.starts_with("--"), name);
  }
}

TEST_CASE("commands and their second words") {
  for (const control::Command& command : control::commands()) {
    const auto parts = split(command.words, ' ');
    const std::string first(parts[0]);
    CHECK(offered({first.substr(0, first.size() - 1)}).find(first + "|") != std::string::npos);
    if (parts.size() == 2)
      CHECK(offered({first, ""}).find(std::string(parts[1]) + "|") != std::string::npos);
  }
  CHECK(offered({"backends", "d"}) == "disable|drain|");
  CHECK(offered({"nonsense", ""}).empty());
  CHECK(offered({"claude", "-"}).empty());
}

TEST_CASE("names come from the daemon, asked for a second") {
  Asked asked;
  CHECK(offered({"backends", "disable", ""}, &asked) == "main|my own|");
  CHECK(asked.targets == "GET /v1/backends");
  CHECK(asked.seconds == 1);
  CHECK(offered({"--socket", "/x", "backends", "show", "ma"}, &asked) == "main|");
  CHECK(asked.socket == "/x");
  CHECK(offered({"--socket=/y", "breakers", "--json", "reset", ""}, &asked) == "main|");
  CHECK(asked.socket == "/y");
  CHECK(offered({"--instance", "two", "backends", "show", "mai"}, &asked) == "main|");
  CHECK(asked.socket.find("two") != std::string::npos);
  CHECK(offered({"exchanges", "cancel", "req_2"}) == "req_2|");
  CHECK(offered({"queue", "show", ""}) == "17|");
  CHECK(offered({"log-level", "set", "w"}) == "warn|");
  CHECK(offered({"log-level", "e"}) == "error|");
  CHECK(offered({"backends", "drain", "main", ""}).empty());
  CHECK(offered({"key", "new", ""}).empty());
}

TEST_CASE("named arguments: those that are not there yet, then their values") {
  CHECK(offered({"tail", ""}) == "client=|model=|backend=|errors=1|");
  CHECK(offered({"tail", "client=ann", "errors=1", ""}) == "model=|backend=|");
  CHECK(offered({"tail", "client="}) == "client=ann|client=bob|");
  CHECK(offered({"tail", "model=x", "backend=ma"}) == "backend=main|");
  CHECK(offered({"tail", "model="}).empty());
  CHECK(offered({"test", "main", "only="}) == "only=plain|only=stream|");
  CHECK(offered({"test", "only=s"}) == "only=stream|");
}

TEST_CASE("options: those of the command; none behind --") {
  CHECK(offered({"status", "--j"}) == "--json|");
  CHECK(offered({"claude", "--j"}).empty());
  CHECK(offered({"--v"}) == "--version|");
  CHECK(offered({"status", "--v"}).empty());
  CHECK(offered({"top", "--c"}) == "--count|");
  CHECK(offered({"status", "--c"}).empty());
  CHECK(offered({"top", "--count", ""}).empty());
  CHECK(offered({"--timeout", ""}).empty());
  CHECK(offered({"--", "--"}).empty());
  CHECK(offered({"--", "stat"}) == "status|");
  CHECK(offered({}).find("status|") != std::string::npos);
}
