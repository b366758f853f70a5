// Model names: aliases, tiers, defaults.
#include "core/policy/models.h"

#include <algorithm>

#include "base/text.h"

namespace clasp::policy {
namespace {

constexpr std::string_view kContextSuffix = "[1m]";

struct Tier {
  std::string_view word;
  std::string config::ModelSettings::*model;
};
constexpr Tier kTiers[] = {{"opus", &config::ModelSettings::opus},
                           {"sonnet", &config::ModelSettings::sonnet},
                           {"haiku", &config::ModelSettings::haiku}};

bool is_pattern(std::string_view name) {
  return name.find_first_of("*?") != std::string_view::npos;
}

// Alias names are kept in lower case.
const std::string* find_alias(const config::ModelSettings& models, const std::string& name) {
  if (const auto exact = models.aliases.find(name); exact != models.aliases.end())
    return &exact->second;
  const std::string* best = nullptr;
  std::size_t best_length = 0;
  for (const auto& [pattern, model] : models.aliases) {
    if (!is_pattern(pattern) || !glob_match(pattern, name)) continue;
    if (best != nullptr && pattern.size() <= best_length) continue;
    best = &model;
    best_length = pattern.size();
  }
  return best;
}

// What the settings put in the name's place; nullptr: nothing.
const std::string* map_model(const config::ModelSettings& models,
                             const config::BackendSettings& backend, std::string_view name) {
  if (!models.aliases.empty())
    if (const std::string* model = find_alias(models, to_lower(name))) return model;
  for (const Tier& tier : kTiers)
    if (const std::string& model = models.*tier.model; !model.empty() && icontains(name, tier.word))
      return &model;
  if (!backend.model.empty()) return &backend.model;
  return models.default_model.empty() ? nullptr : &models.default_model;
}

}  // namespace

std::string_view strip_context_suffix(std::string_view asked) {
  if (asked.size() > kContextSuffix.size() &&
      iequals(asked.substr(asked.size() - kContextSuffix.size()), kContextSuffix))
    asked.remove_suffix(kContextSuffix.size());
  return asked;
}

std::string resolve_model(const config::ModelSettings& models,
                          const config::BackendSettings& backend, std::string_view asked) {
  const std::string_view name = strip_context_suffix(asked);
  const std::string* mapped = map_model(models, backend, name);
  return mapped != nullptr ? *mapped : std::string(name);
}

bool is_known_model(const config::ModelSettings& models, const config::BackendSettings& backend,
                    std::string_view asked) {
  const std::string_view name = strip_context_suffix(asked);
  if (map_model(models, backend, name) != nullptr) return true;
  return std::any_of(models.rules.begin(), models.rules.end(), [&](const config::ModelRule& rule) {
    const bool here = rule.backend.empty() || iequals(rule.backend, backend.name);
    return here && !is_pattern(rule.pattern) && iequals(rule.pattern, name);
  });
}

}  // namespace clasp::policy
