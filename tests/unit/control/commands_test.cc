// The command table and its look-ups.
#include "control/commands.h"

#include <doctest/doctest.h>

#include <set>

#include "control/socket_path.h"

using namespace clasp;
using namespace clasp::control;

TEST_CASE("every row is complete, and no two are the same") {
  std::set<std::string> names, requests;
  for (const Command& command : commands()) {
    const std::string name(command.words);
    CHECK_MESSAGE(names.insert(name).second, name);
    CHECK_MESSAGE(!command.help.empty(), name);
    CHECK_MESSAGE(command.help.back() == '.', name);
    CHECK_MESSAGE(command.method.empty() == command.path.empty(), name);
    if (command.is_local()) continue;
    CHECK_MESSAGE(command.path.starts_with("/v1/"), name);
    CHECK_MESSAGE(
        requests.insert(std::string(command.method) + " " + std::string(command.path)).second,
        name);
    // Who may only read changes nothing, and reading is not asked with a verb that changes.
    if (command.effect != Effect::none) CHECK_MESSAGE(command.privilege == Privilege::change, name);
    if (command.method == "GET") CHECK_MESSAGE(command.effect == Effect::none, name);
  }
}

TEST_CASE("the longest name counts") {
  std::size_t used = 0;
  const Command* cancel = find_command(std::vector<std::string>{"queue", "cancel", "7"}, used);
  REQUIRE(cancel != nullptr);
  CHECK(cancel->words == "queue cancel");
  CHECK(used == 2);
  CHECK(find_command(std::vector<std::string>{"queue", "extra"}, used)->words == "queue");
  CHECK(used == 1);
  CHECK(find_command(std::vector<std::string>{"que"}, used) == nullptr);
  CHECK(find_command({}, used) == nullptr);
}

TEST_CASE("a request finds its command, its arguments and the methods of its path") {
  const Asked show = match_request("GET", "/v1/backends/my%20own");
  REQUIRE(show.command != nullptr);
  CHECK(show.command->words == "backends show");
  CHECK(show.arguments == std::vector<std::string>{"my own"});

  // "flush" is no id, although it could be one.
  const Asked flush = match_request("POST", "/v1/queue/flush");
  REQUIRE(flush.command != nullptr);
  CHECK(flush.command->words == "queue flush");
  CHECK(flush.arguments.empty());

  const Asked wrong_method = match_request("PUT", "/v1/queue/7");
  CHECK(wrong_method.command == nullptr);
  CHECK(wrong_method.methods == "GET, DELETE");
  for (const char* path :
       {"", "/", "/v1", "/v1/nothing", "/v1/backends/", "/v1/backends/%4", "/v2/status"}) {
    CHECK_MESSAGE(match_request("GET", path).command == nullptr, path);
    CHECK_MESSAGE(match_request("GET", path).methods.empty(), path);
  }
}

TEST_CASE("a target made for a command leads back to it") {
  for (const Command& command : commands()) {
    const bool named = command.arguments.find('=') != std::string_view::npos;
    if (command.is_local() || command.most == 0 || named) continue;
    // Those in the path first, one in the query after them.
    std::vector<std::string> arguments = {"a/b {c}%&="};
    if (command.most > 1) arguments.emplace_back("30 &");
    const std::string target = make_target(command, arguments);
    const auto mark = target.find('?');
    const Asked asked = match_request(command.method, target.substr(0, mark));
    CHECK_MESSAGE(asked.command == &command, target);
    if (command.most > 1) CHECK(query_value(target.substr(mark + 1), "seconds") == "30 &");
    if (!asked.arguments.empty())
      CHECK(asked.arguments[0] == arguments[0]);
    else
      CHECK_MESSAGE(query_value(target.substr(mark + 1), "pattern") == arguments[0], target);
  }
  CHECK(query_value("a=1&b=2%203&c", "b") == "2 3");
  CHECK(query_value("a=1", "b").empty());
}

TEST_CASE("arguments with a name may stand in any order") {
  std::size_t used = 0;
  const Command* tail = find_command(std::vector<std::string>{"tail"}, used);
  REQUIRE(tail != nullptr);
  CHECK(make_target(*tail, std::vector<std::string>{"model=a=b c", "client=x"}) ==
        "/v1/tail?model=a%3Db%20c&client=x");
  CHECK(is_named_argument(*tail, "errors=1"));
  const Command* probe = find_command(std::vector<std::string>{"test"}, used);
  REQUIRE(probe != nullptr);
  using Words = std::vector<std::string>;
  CHECK(make_target(*probe, Words{}) == "/v1/test");
  CHECK(make_target(*probe, Words{"a b"}) == "/v1/test?backend=a%20b");
  CHECK(make_target(*probe, Words{"model=m", "one"}) == "/v1/test?model=m&backend=one");
  CHECK(make_target(*probe, Words{"only=plain"}) == "/v1/test?only=plain");
  CHECK(!has_too_many_places(*probe, Words{"one", "model=m", "only=plain"}));
  CHECK(has_too_many_places(*probe, Words{"one", "two"}));
  CHECK(has_too_many_places(*tail, Words{"one"}));
  for (const char* wrong :
       {"", "=", "errors", "error=1", "NAME=1", "client", "client=NAME] [model=x"})
    CHECK_MESSAGE(
        is_named_argument(*tail, wrong) == (std::string(wrong) == "client=NAME] [model=x"), wrong);
}

TEST_CASE("lists may be asked for in so many words") {
  using Words = std::vector<std::string>;
  std::size_t used = 0;
  for (const auto& [words, command] : {std::pair(Words{"backends", "list"}, "backends"),
                                       std::pair(Words{"breakers", "list"}, "breakers"),
                                       std::pair(Words{"queue", "list"}, "queue"),
                                       std::pair(Words{"exchanges", "list"}, "exchanges"),
                                       std::pair(Words{"cache", "stats"}, "cache"),
                                       std::pair(Words{"log-level", "show"}, "log-level")}) {
    const Command* found = find_command(words, used);
    REQUIRE(found != nullptr);
    CHECK(found->words == command);
    CHECK(used == 2);
  }
  CHECK(find_command(Words{"cache", "list"}, used)->words == "cache");
  CHECK(used == 1);
  CHECK(find_command(Words{"queue", "flush"}, used)->words == "queue flush");
}

TEST_CASE("both programs find the socket in the same place") {
  CHECK(default_socket_path({true, "", ""}) == "/run/clasp/control.sock");
  CHECK(default_socket_path({true, "/run/clasp-two:/run/x", "/run/user/0"}) ==
        "/run/clasp-two/control.sock");
  CHECK(default_socket_path({false, "", "/run/user/7"}) == "/run/user/7/clasp/control.sock");
  CHECK(default_socket_path({false, "", ""}).empty());
  CHECK(instance_socket_path("a-b") == "/run/clasp/a-b/control.sock");
  for (const char* name : {"", ".", "..", "a/b", "a b", "\n"})
    CHECK(instance_socket_path(name).empty());
}
