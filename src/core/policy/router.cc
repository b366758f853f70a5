// Finding the route, ordering its groups.
#include "core/policy/router.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/text.h"
#include "core/policy/models.h"

namespace clasp::policy {
namespace {

// The end of MurmurHash3: every bit of the input moves every bit of the output.
std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdull;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ull;
  x ^= x >> 33;
  return x;
}

// FNV-1a, mixed. The same in every process, so that a restart moves no conversation.
std::uint64_t hash_text(std::string_view text, std::uint64_t start = 0xcbf29ce484222325ull) {
  for (unsigned char c : text) start = (start ^ c) * 0x100000001b3ull;
  return mix(start);
}

// Weighted rendezvous hash: the target with the highest score wins, as often as its weight says.
double score(std::uint64_t seed, std::uint64_t target, std::uint32_t weight) {
  if (weight == 0) return 0;
  constexpr double kScale = 1.0 / 9007199254740994.0;  // 2^53 + 2: never 0, never 1
  const double u = static_cast<double>((mix(seed ^ target) >> 11) + 1) * kScale;
  return -static_cast<double>(weight) / std::log(u);
}

std::optional<std::size_t> find_backend(const config::Settings& settings, std::string_view name) {
  for (std::size_t i = 0; i < settings.backends.size(); ++i)
    if (settings.backends[i].name == name) return i;
  return std::nullopt;
}

bool is_glob(std::string_view pattern) {
  return pattern.find_first_of("*?") != std::string_view::npos;
}

}  // namespace

Result<std::vector<Router::Group>> Router::resolve(const config::Settings& settings,
                                                   const std::vector<config::RouteGroup>& groups,
                                                   std::string_view what) {
  std::vector<Group> resolved;
  for (const config::RouteGroup& group : groups) {
    Group& targets = resolved.emplace_back();
    for (const config::RouteTarget& target : group) {
      const auto backend = find_backend(settings, target.backend);
      if (!backend)
        return fail(std::string(what) + ": no backend is named \"" + target.backend + "\"");
      const std::uint64_t hash = hash_text(target.model, hash_text(target.backend));
      targets.push_back({*backend, target.model, target.weight, hash});
    }
    if (targets.empty()) resolved.pop_back();
  }
  return resolved;
}

Result<Router> Router::make(config::Snapshot settings) {
  Router router;
  for (const config::RouteSettings& route : settings->routing.routes) {
    const std::string what = "route \"" + route.pattern + "\"";
    auto groups = resolve(*settings, route.groups, what);
    if (!groups) return tl::unexpected(groups.error());
    if (groups->empty()) return fail(what + " names no backend");
    std::vector<Route>& list = is_glob(route.pattern) ? router.globs_ : router.exact_;
    list.push_back({to_lower(strip_context_suffix(route.pattern)), std::move(*groups)});
  }
  const config::RoutingSettings& routing = settings->routing;
  const std::pair<const char*, const std::vector<config::RouteGroup>*> tiers[] = {
      {"opus", &routing.opus}, {"sonnet", &routing.sonnet}, {"haiku", &routing.haiku}};
  for (const auto& [word, wanted] : tiers) {
    auto groups = resolve(*settings, *wanted, std::string("tier ") + word);
    if (!groups) return tl::unexpected(groups.error());
    if (!groups->empty()) router.tiers_.push_back({word, std::move(*groups)});
  }
  auto fallbacks = resolve(*settings, routing.fallbacks, "fallback");
  if (!fallbacks) return tl::unexpected(fallbacks.error());
  router.fallbacks_ = std::move(*fallbacks);
  if (!settings->backends.empty()) router.otherwise_ = {{Target{}}};
  router.settings_ = std::move(settings);
  return router;
}

const std::vector<Router::Group>* Router::find(std::string_view model) const {
  if (exact_.empty() && globs_.empty() && tiers_.empty()) return &otherwise_;
  const std::string name = to_lower(strip_context_suffix(model));
  for (const Route& route : exact_)
    if (route.pattern == name) return &route.groups;
  for (const Route& route : globs_)
    if (glob_match(route.pattern, name)) return &route.groups;
  for (const Route& tier : tiers_)
    if (name.find(tier.pattern) != std::string::npos) return &tier.groups;
  return &otherwise_;
}

void Router::append(std::vector<RouteChoice>& choices, const Group& group, std::string_view model,
                    std::uint64_t seed) const {
  std::vector<std::pair<double, const Target*>> order;
  order.reserve(group.size());
  const bool alone = group.size() == 1;
  for (const Target& target : group)
    order.emplace_back(alone ? 0 : score(seed, target.hash, target.weight), &target);
  if (!alone)
    std::stable_sort(order.begin(), order.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
  const std::uint32_t number = choices.empty() ? 0 : choices.back().group + 1;
  for (const auto& [points, target] : order) {
    if (choices.size() >= kMostCandidates) return;
    RouteChoice choice{target->backend, target->model, number};
    if (choice.model.empty())
      choice.model = resolve_model(settings_->models, settings_->backends[target->backend], model);
    const bool known = std::any_of(choices.begin(), choices.end(), [&](const RouteChoice& other) {
      return other.backend == choice.backend && other.model == choice.model;
    });
    if (!known) choices.push_back(std::move(choice));
  }
}

bool Router::splits(std::string_view model) const {
  const auto shared = [](const Group& group) { return group.size() > 1; };
  const std::vector<Group>& groups = *find(model);
  return std::any_of(groups.begin(), groups.end(), shared) ||
         std::any_of(fallbacks_.begin(), fallbacks_.end(), shared);
}

std::vector<RouteChoice> Router::route(std::string_view model, std::string_view affinity,
                                       Random& random) const {
  const std::uint64_t seed = affinity.empty() ? random.next() : hash_text(affinity);
  std::vector<RouteChoice> choices;
  for (const Group& group : *find(model)) append(choices, group, model, seed);
  for (const Group& group : fallbacks_) append(choices, group, model, seed);
  return choices;
}

}  // namespace clasp::policy
