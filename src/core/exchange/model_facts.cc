// See model_facts.h.
#include "core/exchange/model_facts.h"

#include <algorithm>

#include "base/text.h"
#include "core/policy/backend_address.h"
#include "core/translate/api_choice.h"
#include "core/wire/json_reader.h"

namespace clasp::exchange {

namespace {

using Texts = std::map<std::string, std::string>;

// Longer names come from nobody who means well.
constexpr std::size_t kLongestName = 256;
constexpr std::size_t kDateLength = 10;  // "2024-09-01"

// Members of a request that are CLASP's own, whether it writes them this time or not.
constexpr std::string_view kOwnMembers[] = {
    "model",          "messages",   "max_tokens",  "max_completion_tokens",
    "tools",          "stream",     "tool_choice", "parallel_tool_calls",
    "stream_options", "n",          "functions",   "function_call",
    "input",          "store",      "include",     "max_output_tokens",
    "instructions",   "truncation", "reasoning",   "previous_response_id"};

// Where the key stands, else whose it is.
std::string where(const Texts& places, const std::string& key, const std::string& owner) {
  const auto found = places.find(key);
  return found != places.end() ? found->second : owner + ": " + key;
}

Result<void> set_flags(translate::Dialect& dialect, const Texts& flags, const Texts& places,
                       const std::string& owner) {
  for (const auto& [key, value] : flags)
    if (auto set = translate::set_dialect_flag(dialect, key, value); !set)
      return fail(where(places, "flag." + key, owner) + ": " + set.error().message);
  return {};
}

Result<void> add_members(std::vector<translate::ExtraMember>& members, const Texts& body,
                         const Texts& places, const std::string& owner) {
  for (const auto& [name, json] : body) {
    const std::string place = where(places, "body." + name, owner);
    if (std::find(std::begin(kOwnMembers), std::end(kOwnMembers), name) != std::end(kOwnMembers))
      return fail(place + ": this member of a request is written by CLASP itself");
    if (!wire::is_valid_json(json))
      return fail(place + ": the value is not JSON; a text needs quotes around it");
    std::string compact;
    wire::append_compact_json(compact, json);
    const auto same =
        std::find_if(members.begin(), members.end(),
                     [&name = name](const auto& member) { return member.name == name; });
    if (same != members.end())
      same->json = std::move(compact);
    else
      members.push_back({name, std::move(compact)});
  }
  return {};
}

// Versions of Azure's deployment API before this one know neither the newer name of the output
// cap nor usage in streams nor parallel_tool_calls, and refuse members that they do not know.
void know_old_azure(translate::Dialect& dialect, const config::BackendSettings& backend) {
  const std::string_view version = backend.azure_api_version;
  if (backend.provider != "azure" || version.size() < kDateLength) return;
  if (version.substr(0, kDateLength) >= "2024-09-01") return;
  constexpr std::pair<std::string_view, std::string_view> kOld[] = {
      {"cap", "max_tokens"},
      {"system_role", "system"},
      {"stream_options", "false"},
      {"include_obfuscation", "false"},
      {"parallel_tool_calls", "false"},
      {"cache_key", "false"},
      {"safety_identifier", "false"},
      {"cache_breakpoints", "false"},
      {"standard_tier", "none"},
      {"priority_tier", "false"}};
  for (const auto& [flag, value] : kOld) (void)translate::set_dialect_flag(dialect, flag, value);
  if (version.substr(0, kDateLength) < "2024-08-01")
    dialect.json_output = translate::JsonOutput::json_object;
}

}  // namespace

Result<ModelFacts> make_backend_facts(const config::Settings& settings,
                                      const config::BackendSettings& backend) {
  const std::string owner = "backend " + backend.name;
  const translate::Dialect* row = translate::find_dialect(backend.dialect);
  if (row == nullptr) return fail(owner + ": unknown dialect '" + backend.dialect + "'");
  ModelFacts facts;
  facts.dialect = *row;
  facts.dialect.hidden_allowance = settings.translation.hidden_allowance;
  facts.dialect.fast_tier = settings.translation.fast_tier;
  facts.dialect.long_cache = settings.translation.long_cache;
  facts.dialect.policy_as_error = settings.translation.policy_as_error;
  facts.context_window = backend.context_window;
  facts.responses_dialect = translate::responses_dialect(facts.dialect);
  know_old_azure(facts.dialect, backend);
  if (policy::names_responses(backend)) facts.dialect.responses = translate::ResponsesUse::always;
  if (row->beta_prefix && policy::has_beta_path(backend))
    facts.dialect.prefill = translate::Prefill::prefix;
  for (translate::Dialect* dialect : {&facts.dialect, &facts.responses_dialect})
    if (auto set = set_flags(*dialect, backend.flags, backend.places, owner); !set)
      return tl::unexpected(set.error());
  if (auto added = add_members(facts.extra_body, backend.body, backend.places, owner); !added)
    return tl::unexpected(added.error());
  return facts;
}

Result<void> apply_model_rule(ModelFacts& facts, const config::ModelRule& rule) {
  const std::string owner = "model " + rule.name;
  if (rule.max_output > 0) facts.max_output = rule.max_output;
  if (rule.context_window > 0) facts.context_window = rule.context_window;
  if (rule.vision) facts.vision = *rule.vision;
  if (!rule.display_name.empty()) facts.display_name = rule.display_name;
  for (translate::Dialect* dialect : {&facts.dialect, &facts.responses_dialect})
    if (auto set = set_flags(*dialect, rule.flags, rule.places, owner); !set) return set;
  return add_members(facts.extra_body, rule.body, rule.places, owner);
}

Result<ModelRules> rules_for(const config::Settings& settings,
                             const config::BackendSettings& backend, const ModelFacts& facts) {
  ModelRules rules;
  for (const config::ModelRule& rule : settings.models.rules) {
    if (!rule.backend.empty() && !iequals(rule.backend, backend.name)) continue;
    ModelFacts trial = facts;
    if (auto applied = apply_model_rule(trial, rule); !applied)
      return tl::unexpected(applied.error());
    rules.push_back(&rule);
  }
  return rules;
}

ModelFactsPtr facts_of(const ModelFactsPtr& common, const ModelRules& rules,
                       std::string_view model) {
  if (rules.empty() || model.size() > kLongestName) return common;
  const std::string name = to_lower(model);
  std::shared_ptr<ModelFacts> own;
  for (const config::ModelRule* rule : rules) {
    if (!glob_match(rule->pattern, name)) continue;
    if (!own) own = std::make_shared<ModelFacts>(*common);
    (void)apply_model_rule(*own, *rule);  // proved at start
  }
  return own ? own : common;
}

}  // namespace clasp::exchange
