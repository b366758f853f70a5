// See resolve_routing.h. Opens nothing but key files, through the function that the caller gave.
#include "config/resolve_routing.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "config/finish_backend.h"
#include "config/presets.h"

namespace clasp::config {
namespace {

constexpr std::uint32_t kMaxWeight = 1000;

struct TierRow {
  const char* name;
  std::vector<RouteGroup> RoutingSettings::*groups;
};
constexpr TierRow kTiers[] = {{"opus", &RoutingSettings::opus},
                              {"sonnet", &RoutingSettings::sonnet},
                              {"haiku", &RoutingSettings::haiku}};

class RoutingResolver {
 public:
  RoutingResolver(Collector& collector, const FileReader& read_file)
      : collector_(collector),
        draft_(collector.draft),
        settings_(collector.draft.settings),
        read_file_(read_file),
        configured_(settings_.backends.size()) {}

  void run() {
    for (const TierRow& tier : kTiers) resolve_tier(tier);
    for (const RouteDraft& route : draft_.routes) resolve_route(route);
    if (draft_.fallback) resolve_fallback();
    warn_about_switches();
  }

 private:
  void error(std::string text) { collector_.errors.push_back(std::move(text)); }
  void warn(std::string text) { collector_.warnings.push_back(std::move(text)); }

  const TargetDraft& target(const std::string& name) const {
    static const TargetDraft kNone;
    const auto found = draft_.targets.find(name);
    return found == draft_.targets.end() ? kNone : found->second;
  }

  // Where a target's options stood, for messages; the first one that was given.
  std::string place(std::string_view section, const std::string& prefix) const {
    for (const char* key : {"provider", "model", "base_url", "api_key"})
      if (auto text = collector_.place_of(*find_key(section, prefix + key).option); !text.empty())
        return text;
    return "[" + std::string(section) + "]";
  }

  // ---- tiers and fallbacks
  // -----------------------------------------------------------------------

  void resolve_tier(const TierRow& tier) {
    const std::string name = tier.name, section = "tier " + name;
    const TargetDraft& first = target(name);
    const TargetDraft& second = target(name + " fallback");
    const bool own = draft_.multi_provider && !first.empty();
    const bool fallback = (draft_.multi_provider || draft_.fallback) && !second.empty();
    if (!own && !fallback) return;
    auto& groups = settings_.routing.*tier.groups;
    add(groups, own ? first : TargetDraft{}, name, place(section, ""));
    if (fallback) add(groups, second, name + "-fallback", place(section, "fallback_"));
  }

  void add(std::vector<RouteGroup>& groups, const TargetDraft& target, const std::string& name,
           const std::string& place) {
    if (auto backend = backend_for(target, name, place))
      groups.push_back({{std::move(*backend), target.model, 1}});
  }

  void resolve_fallback() {
    auto& groups = settings_.routing.fallbacks;
    const TargetDraft& named = target("fallback");
    if (!named.empty()) {
      const std::string where = place("fallback", "");
      add(groups, named, "fallback", where);
      if (named.model.empty() && !named.provider.empty()) warn_about_model(where, named.provider);
      return;
    }
    const std::string where = collector_.place_of(*find_flag("fallback"));
    for (std::size_t i = 1; i < configured_; ++i)
      groups.push_back({{settings_.backends[i].name, {}, 1}});
    if (!groups.empty()) return;
    const std::string provider = next_provider();
    if (provider.empty()) {
      warn(where +
           ": there is nothing to fall back to; set the key of a second provider, name one with "
           "CLASP_FALLBACK_PROVIDER, or write a second [backend NAME] section");
      return;
    }
    TargetDraft next;
    next.provider = provider;
    add(groups, next, provider, where);
    warn_about_model(where, provider);
  }

  void warn_about_model(const std::string& where, const std::string& provider) {
    if (settings_.models.default_model.empty()) return;
    warn(where + ": when it falls back, " + provider + " is asked for the model " +
         settings_.models.default_model +
         " too; set CLASP_FALLBACK_MODEL if it has another name there");
  }

  // The next one, in the order in which an unnamed provider is looked for, that has what it needs
  // and is not in use yet.
  std::string next_provider() const {
    for (const Preset& preset : presets()) {
      if (!is_usable(preset)) continue;
      const bool used = std::any_of(
          settings_.backends.begin(), settings_.backends.end(),
          [&](const BackendSettings& backend) { return backend.provider == preset.name; });
      if (!used) return std::string(preset.name);
    }
    return "";
  }

  bool is_usable(const Preset& preset) const {
    const auto found = draft_.credentials.find(preset.name);
    if (found == draft_.credentials.end()) return false;
    const bool key = !found->second.key.empty(), url = !found->second.base_url.empty();
    // One that is never looked for serves when it is named.
    return is_detected(preset, key, url) ||
           (preset.detect == Detect::never && (key || (url && !preset.needs_key)));
  }

  void warn_about_switches() {
    bool tiers = false, fallbacks = false;
    for (const TierRow& tier : kTiers) {
      tiers = tiers || !target(tier.name).empty();
      fallbacks = fallbacks || !target(std::string(tier.name) + " fallback").empty();
    }
    if (tiers && !draft_.multi_provider)
      warn("providers of tiers are set, but have no effect without -multi-provider");
    if (draft_.multi_provider && !tiers)
      warn(
          "-multi-provider has no effect: set CLASP_OPUS_PROVIDER, CLASP_SONNET_PROVIDER or "
          "CLASP_HAIKU_PROVIDER");
    if (fallbacks && !draft_.multi_provider && !draft_.fallback)
      warn("fallbacks of tiers are set, but have no effect without -fallback or -multi-provider");
    if (!target("fallback").empty() && !draft_.fallback)
      warn(place("fallback", "") + ": has no effect without -fallback");
  }

  // ---- backends
  // ----------------------------------------------------------------------------------

  const BackendSettings* find_backend(std::string_view name) const {
    for (const BackendSettings& backend : settings_.backends)
      if (iequals(backend.name, name)) return &backend;
    return nullptr;
  }

  // One that is there already, or a new one. Its name, or nothing after an error.
  std::optional<std::string> backend_for(const TargetDraft& target, const std::string& name,
                                         const std::string& place) {
    const bool own_access = !target.base_url.empty() || !target.api_key.empty();
    std::string provider = target.provider;
    if (provider.empty()) {
      if (settings_.backends.empty()) {
        error(place + ": no provider is named, and there is no default one");
        return std::nullopt;
      }
      if (!own_access) return settings_.backends.front().name;
      provider = settings_.backends.front().provider;
    }
    const Preset* preset = find_preset(provider);
    if (const BackendSettings* there = find_backend(provider)) {
      if (!own_access) return there->name;
      if (preset == nullptr) {
        error(place + ": " + quoted(provider) +
              " is a [backend] section; its key and address belong there");
        return std::nullopt;
      }
    }
    return make_backend(provider, target, name, place);
  }

  std::optional<std::string> make_backend(const std::string& provider, const TargetDraft& target,
                                          const std::string& wanted, const std::string& place) {
    BackendDraft draft;
    draft.name = wanted;
    for (int k = 2; find_backend(draft.name) != nullptr; ++k)
      draft.name = wanted + "-" + std::to_string(k);
    draft.place = place;
    draft.provider = provider;
    draft.base_url = target.base_url;
    // Only a key was given: it is for the place where the other one went, wherever that is.
    if (target.provider.empty() && draft.base_url.empty())
      draft.base_url = settings_.backends.front().base_url;
    draft.api_key = target.api_key;
    auto finished = finish_backend(collector_, read_file_, draft);
    if (!finished) return std::nullopt;
    settings_.backends.push_back(std::move(*finished));
    return settings_.backends.back().name;
  }

  // ---- routes
  // ------------------------------------------------------------------------------------

  void resolve_route(const RouteDraft& draft) {
    RouteSettings route;
    route.pattern = draft.pattern;
    const std::string where = draft.place + ": [route " + draft.pattern + "]";
    for (const std::string& text : draft.candidates) {
      RouteGroup group;
      for (std::string_view item : split(text, '|'))
        if (auto target = parse_candidate(trim(item), where)) group.push_back(std::move(*target));
      if (!group.empty()) route.groups.push_back(std::move(group));
    }
    if (draft.candidates.empty()) error(where + ": candidates are missing");
    settings_.routing.routes.push_back(std::move(route));
  }

  // "BACKEND", "BACKEND/MODEL", either with " *WEIGHT" behind it.
  std::optional<RouteTarget> parse_candidate(std::string_view text, const std::string& where) {
    RouteTarget target;
    const auto star = text.rfind(" *");
    if (star != std::string_view::npos) {
      const std::string_view digits = trim(text.substr(star + 2));
      const auto [end, problem] =
          std::from_chars(digits.data(), digits.data() + digits.size(), target.weight);
      if (problem != std::errc{} || end != digits.data() + digits.size() ||
          target.weight > kMaxWeight) {
        error(where + ": " + quoted(text) + ": the weight is not a number from 0 to 1000");
        return std::nullopt;
      }
      text = trim(text.substr(0, star));
    }
    const auto slash = text.find('/');
    const std::string_view name = trim(text.substr(0, slash));
    if (slash != std::string_view::npos) target.model = std::string(trim(text.substr(slash + 1)));
    if (name.empty() || (slash != std::string_view::npos && target.model.empty())) {
      error(where + ": " + quoted(text) + " is not BACKEND or BACKEND/MODEL");
      return std::nullopt;
    }
    if (const BackendSettings* there = find_backend(name)) {
      target.backend = there->name;
      return target;
    }
    const Preset* preset = find_preset(name);
    if (preset != nullptr && (is_usable(*preset) || preset->name == "demo")) {
      TargetDraft made;
      made.provider = preset->name;
      auto backend = make_backend(made.provider, made, made.provider, where);
      if (!backend) return std::nullopt;
      target.backend = std::move(*backend);
      return target;
    }
    std::vector<std::string_view> names;
    for (const BackendSettings& backend : settings_.backends) names.push_back(backend.name);
    error(where + ": there is no backend " + quoted(name) + hint(name, names) +
          (preset != nullptr ? "; the provider of that name has no key or address" : ""));
    return std::nullopt;
  }

  Collector& collector_;
  const Draft& draft_;
  Settings& settings_;
  const FileReader& read_file_;
  const std::size_t configured_;  // backends that have sections, or are the default
};

}  // namespace

bool has_tier_provider(const Draft& draft) {
  if (!draft.multi_provider) return false;
  return std::any_of(std::begin(kTiers), std::end(kTiers), [&](const TierRow& tier) {
    const auto found = draft.targets.find(tier.name);
    return found != draft.targets.end() && !found->second.provider.empty();
  });
}

void resolve_routing(Collector& collector, const FileReader& read_file) {
  RoutingResolver(collector, read_file).run();
}

}  // namespace clasp::config
