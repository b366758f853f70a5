// The command table and its look-ups.
#include "control/commands.h"

#include <doctest/doctest.h>

#include <set>

#include "base/text.h"

using namespace clasp;
using namespace clasp::control;

TEST_CASE("every row is complete, and no two are the same") {
  std::set<std::string> names, requests;
  for (const Command& command : commands()) {
    const std::string name(command.name);
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
    CHECK_MESSAGE((command.effect == Effect::none) == (command.privilege == Privilege::read), name);
    if (command.method == "GET") CHECK_MESSAGE(command.effect == Effect::none, name);
  }
}

TEST_CASE("the longest name counts") {
  const std::vector<std::string_view> words = {"queue", "cancel", "7"};
  const Typed typed = find_command(words);
  REQUIRE(typed.command != nullptr);
  CHECK(typed.command->name == "queue cancel");
  CHECK(typed.words == 2);
  const std::vector<std::string_view> alone = {"queue", "extra"};
  CHECK(find_command(alone).command->name == "queue");
  const std::vector<std::string_view> unknown = {"que"};
  CHECK(find_command(unknown).command == nullptr);
  CHECK(find_command({}).command == nullptr);
}

TEST_CASE("a request finds its command, its arguments and the methods of its path") {
  const Asked show = match_request("GET", "/v1/backends/my%20own");
  REQUIRE(show.command != nullptr);
  CHECK(show.command->name == "backends show");
  CHECK(show.arguments == std::vector<std::string>{"my own"});

  // "flush" is no id, although it could be one.
  const Asked flush = match_request("POST", "/v1/queue/flush");
  REQUIRE(flush.command != nullptr);
  CHECK(flush.command->name == "queue flush");
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

TEST_CASE("a path made for a command leads back to it") {
  for (const Command& command : commands()) {
    if (command.is_local()) continue;
    const std::vector<std::string> arguments = {"a/b {c}%"};
    const std::string path = make_path(command, arguments);
    const Asked asked = match_request(command.method, path);
    CHECK_MESSAGE(asked.command == &command, path);
    if (!asked.arguments.empty()) CHECK(asked.arguments == arguments);
  }
}
