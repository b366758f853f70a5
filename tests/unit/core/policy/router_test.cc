// Which route is taken, in which order its groups and their backends come, and how the load is
// shared among them.
#include "core/policy/router.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>

#include "support.h"

using namespace clasp;
using namespace clasp::policy;
using namespace clasp::policy::test;
using config::RouteGroup;
using config::RouteSettings;
using config::RouteTarget;

namespace {

config::Settings settings_with(std::size_t backends) {
  config::Settings settings;
  for (std::size_t i = 0; i < backends; ++i) {
    config::BackendSettings backend;
    backend.name = "b" + std::to_string(i);
    settings.backends.push_back(std::move(backend));
  }
  return settings;
}

RouteTarget to(const std::string& backend, const std::string& model = {},
               std::uint32_t weight = 1) {
  return {backend, model, weight};
}

Router make(config::Settings settings) {
  auto router = Router::make(std::make_shared<const config::Settings>(std::move(settings)));
  REQUIRE(router.has_value());
  return std::move(*router);
}

std::string problem(config::Settings settings) {
  auto router = Router::make(std::make_shared<const config::Settings>(std::move(settings)));
  return router ? "" : router.error().message;
}

std::size_t first(const Router& router, std::string_view model, std::string_view affinity = "x") {
  SeededRandom random(1);
  const auto choices = router.route(model, affinity, random);
  REQUIRE_FALSE(choices.empty());
  return choices[0].backend;
}

std::vector<std::size_t> backends(const std::vector<RouteChoice>& choices) {
  std::vector<std::size_t> numbers;
  for (const RouteChoice& choice : choices) numbers.push_back(choice.backend);
  return numbers;
}

}  // namespace

TEST_CASE("router: without routes everything goes to the first backend") {
  SeededRandom random(1);
  const auto choices = make(settings_with(3)).route("claude-x", "", random);
  CHECK(choices == std::vector<RouteChoice>{{0, "claude-x", 0}});
  CHECK(make(settings_with(0)).route("claude-x", "", random).empty());
}

TEST_CASE(
    "router: exact names first, then globs in their order, then tiers, then the first backend") {
  config::Settings settings = settings_with(7);
  settings.routing.routes = {
      {"claude-*", {{to("b1")}}},
      {"claude-opus-*", {{to("b2")}}},
      {"Claude-Opus-4", {{to("b3")}}},
  };
  settings.routing.opus = {{to("b4")}};
  settings.routing.sonnet = {{to("b5")}};
  settings.routing.haiku = {{to("b6")}};
  const Router router = make(settings);
  CHECK(first(router, "claude-opus-4") == 3);
  CHECK(first(router, "CLAUDE-opus-4[1m]") == 3);
  // The order decides between globs, not their length.
  CHECK(first(router, "claude-opus-5") == 1);
  CHECK(first(router, "my-OPUS-5") == 4);
  CHECK(first(router, "anthropic/sonnet") == 5);
  CHECK(first(router, "haiku") == 6);
  CHECK(first(router, "gpt-5") == 0);
  CHECK(first(router, "") == 0);
}

TEST_CASE("router: groups in order, then the global fallbacks, each backend and model once") {
  config::Settings settings = settings_with(5);
  settings.routing.routes = {{"m", {{to("b3")}, {to("b1", "one"), to("b1", "one")}}}};
  settings.routing.fallbacks = {{to("b3"), to("b4")}, {to("b1", "two")}, {to("b1", "one")}};
  SeededRandom random(1);
  const auto choices = make(settings).route("m", "c", random);
  CHECK(choices ==
        std::vector<RouteChoice>{{3, "m", 0}, {1, "one", 1}, {4, "m", 2}, {1, "two", 3}});
  CHECK(backends(make(settings).route("other", "c", random)).front() == 0);
  CHECK(make(settings).route("other", "c", random).size() == 5);
}

TEST_CASE("router: a model of the target wins over the usual mapping") {
  config::Settings settings = settings_with(2);
  settings.models.opus = "tier";
  settings.backends[1].model = "own";
  settings.routing.routes = {{"*opus*", {{to("b0")}, {to("b0", "given")}, {to("b1")}}},
                             {"plain", {{to("b1")}, {to("b0")}}}};
  SeededRandom random(1);
  const Router router = make(settings);
  auto choices = router.route("opus", "", random);
  CHECK(choices[0].model == "tier");
  CHECK(choices[1].model == "given");
  choices = router.route("plain[1m]", "", random);
  CHECK(choices[0].model == "own");
  CHECK(choices[1].model == "plain");
}

TEST_CASE("router: a long list is cut") {
  config::Settings settings = settings_with(40);
  RouteGroup group;
  for (int i = 0; i < 40; ++i) group.push_back(to("b" + std::to_string(i)));
  settings.routing.routes = {{"*", {group}}};
  SeededRandom random(1);
  CHECK(make(settings).route("m", "", random).size() == kMostCandidates);
}

TEST_CASE("router: what is not configured is refused with its name") {
  config::Settings settings = settings_with(1);
  settings.routing.routes = {{"m", {{to("nobody")}}}};
  CHECK(problem(settings) == "route \"m\": no backend is named \"nobody\"");
  settings.routing.routes = {{"m", {}}};
  CHECK(problem(settings) == "route \"m\" names no backend");
  settings.routing.routes = {{"m", {{}, {}}}};
  CHECK(problem(settings) == "route \"m\" names no backend");
  settings.routing.routes.clear();
  settings.routing.fallbacks = {{to("x")}};
  CHECK(problem(settings) == "fallback: no backend is named \"x\"");
  settings.routing.fallbacks.clear();
  settings.routing.haiku = {{to("x")}};
  CHECK(problem(settings) == "tier haiku: no backend is named \"x\"");
}

TEST_CASE("router: one conversation stays at one backend, also in another process") {
  config::Settings settings = settings_with(4);
  settings.routing.routes = {{"*", {{to("b0"), to("b1"), to("b2"), to("b3")}}}};
  const Router router = make(settings);
  const Router again = make(settings);
  std::set<std::size_t> seen;
  for (int i = 0; i < 200; ++i) {
    const std::string conversation = "session-" + std::to_string(i);
    SeededRandom random(1), other(2);
    const auto order = router.route("m", conversation, random);
    CHECK(order == again.route("m", conversation, other));
    std::vector<std::size_t> sorted = backends(order);
    std::sort(sorted.begin(), sorted.end());
    CHECK(sorted == std::vector<std::size_t>{0, 1, 2, 3});
    seen.insert(order[0].backend);
  }
  CHECK(seen.size() == 4);
}

TEST_CASE("router: shares follow the weights, with affinity and without") {
  config::Settings settings = settings_with(4);
  settings.routing.routes = {
      {"*", {{to("b0", "", 1), to("b1", "", 2), to("b2", "", 5), to("b3", "", 0)}}}};
  const Router router = make(settings);
  for (bool affinity : {true, false}) {
    SeededRandom random(5);
    std::map<std::size_t, int> counts;
    constexpr int kRequests = 16'000;
    for (int i = 0; i < kRequests; ++i) {
      const auto order =
          router.route("m", affinity ? "conversation " + std::to_string(i) : "", random);
      ++counts[order[0].backend];
      CHECK(order[3].backend == 3);  // weight 0: last
    }
    for (const auto& [backend, weight] : {std::pair{0u, 1}, std::pair{1u, 2}, std::pair{2u, 5}}) {
      const double expected = kRequests * weight / 8.0;
      CHECK(std::abs(counts[backend] - expected) < 5 * std::sqrt(expected));
    }
    CHECK(counts.count(3) == 0);
  }
}

TEST_CASE("router: when a backend leaves, only its own conversations move, to their next one") {
  config::Settings settings = settings_with(4);
  settings.routing.routes = {{"*", {{to("b0"), to("b1"), to("b2", "", 3), to("b3")}}}};
  const Router all = make(settings);
  settings.routing.routes[0].groups[0].erase(settings.routing.routes[0].groups[0].begin() + 1);
  const Router less = make(settings);
  int moved = 0;
  for (int i = 0; i < 1000; ++i) {
    SeededRandom random(1);
    const std::string conversation = std::to_string(i);
    auto before = backends(all.route("m", conversation, random));
    if (before[0] == 1) ++moved;
    before.erase(std::remove(before.begin(), before.end(), std::size_t{1}), before.end());
    CHECK(before == backends(less.route("m", conversation, random)));
  }
  CHECK(moved > 100);
}

TEST_CASE("router: two groups do not choose alike") {
  // Those who share a backend in the first group spread over the second one.
  config::Settings settings = settings_with(4);
  settings.routing.routes = {{"*", {{to("b0"), to("b1")}, {to("b2"), to("b3")}}}};
  const Router router = make(settings);
  std::map<std::size_t, int> second;
  for (int i = 0; i < 1000; ++i) {
    SeededRandom random(1);
    const auto order = backends(router.route("m", std::to_string(i), random));
    if (order[0] == 0) ++second[order[2]];
  }
  CHECK(second[2] > 150);
  CHECK(second[3] > 150);
}
