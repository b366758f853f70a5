// Which backends a request may go to, in order. Immutable once made; shared by all threads.
//
// The route: one whose pattern is exactly the client's model name; else the first one, in the
// order of the configuration, whose pattern matches as a glob; else the tier's (names that
// contain opus, sonnet, haiku); else the first backend. Letter case and the suffix "[1m]" do not
// count. The global fallbacks follow every route. A backend and model that stand there twice
// are tried once; the whole list has at most kMostCandidates.
//
// Within a group the order is a weighted rendezvous hash of the affinity text: one conversation
// stays at one backend, whose prompt cache knows it; the share of the conversations follows the
// weights; and when a backend joins or leaves, only its own conversations move. Without affinity
// the order is random with the same shares. The rest of the group are the first fallbacks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "config/settings.h"

namespace clasp::policy {

inline constexpr std::size_t kMostCandidates = 16;

struct RouteChoice {
  std::size_t backend = 0;  // index into Settings::backends
  std::string model;        // resolved for that backend
  std::uint32_t group = 0;  // 0: the preferred one
  friend bool operator==(const RouteChoice&, const RouteChoice&) = default;
};

class Router {
 public:
  // Fails when a route is empty or names a backend that does not exist.
  static Result<Router> make(config::Snapshot settings);

  // Never empty while the settings have a backend. `affinity` names the conversation (empty:
  // none); it is hashed, never kept.
  std::vector<RouteChoice> route(std::string_view model, std::string_view affinity,
                                 Random& random) const;

  // A route or tier of its own is configured for the model.
  bool has_route(std::string_view model) const { return find(model) != &otherwise_; }
  // Some of its backends share the load: then the conversation's name matters.
  bool splits(std::string_view model) const;

 private:
  struct Target {
    std::size_t backend = 0;
    std::string model;  // empty: mapped as usual
    std::uint32_t weight = 1;
    std::uint64_t hash = 0;  // of backend and model
  };
  using Group = std::vector<Target>;
  struct Route {
    std::string pattern;  // lower case
    std::vector<Group> groups;
  };

  Router() = default;
  static Result<std::vector<Group>> resolve(const config::Settings& settings,
                                            const std::vector<config::RouteGroup>& groups,
                                            std::string_view what);
  const std::vector<Group>* find(std::string_view model) const;
  void append(std::vector<RouteChoice>& choices, const Group& group, std::string_view model,
              std::uint64_t seed) const;

  config::Snapshot settings_;
  std::vector<Route> exact_, globs_, tiers_;
  std::vector<Group> otherwise_;
  std::vector<Group> fallbacks_;
};

}  // namespace clasp::policy
