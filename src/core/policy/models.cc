// Model names: aliases, tiers, defaults.
#include "core/policy/models.h"

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

// Alias names are kept in lower case.
const std::string* find_alias(const config::ModelSettings& models, const std::string& name) {
  if (const auto exact = models.aliases.find(name); exact != models.aliases.end())
    return &exact->second;
  const std::string* best = nullptr;
  std::size_t best_length = 0;
  for (const auto& [pattern, model] : models.aliases) {
    if (pattern.find_first_of("*?") == std::string::npos || !glob_match(pattern, name)) continue;
    if (best != nullptr && pattern.size() <= best_length) continue;
    best = &model;
    best_length = pattern.size();
  }
  return best;
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
  if (!models.aliases.empty())
    if (const std::string* model = find_alias(models, to_lower(name))) return *model;
  for (const Tier& tier : kTiers)
    if (const std::string& model = models.*tier.model; !model.empty() && icontains(name, tier.word))
      return model;
  if (!backend.model.empty()) return backend.model;
  if (!models.default_model.empty()) return models.default_model;
  return std::string(name);
}

}  // namespace clasp::policy
