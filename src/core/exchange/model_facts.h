// What one model of one backend is like: the dialect with everything that the configuration says
// about the backend and, in its [model PATTERN] sections, about the model. A model without a
// section shares its backend's facts; for one that has some they are put together per request,
// since names come from clients and there is no end of them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/settings.h"
#include "core/translate/dialect.h"
#include "core/translate/target.h"

namespace clasp::exchange {

struct ModelFacts {
  translate::Dialect dialect;            // for Chat Completions
  translate::Dialect responses_dialect;  // for Responses
  const translate::Dialect& dialect_for(translate::Api api) const {
    return api == translate::Api::responses ? responses_dialect : dialect;
  }
  std::int64_t max_output = 0;      // 0: not configured
  std::int64_t context_window = 0;  // 0: unknown
  bool vision = true;
  std::string display_name;  // empty: none
  std::vector<translate::ExtraMember> extra_body;
};
using ModelFactsPtr = std::shared_ptr<const ModelFacts>;

// Of a backend's models where no section speaks. Errors name file and line where they are known.
Result<ModelFacts> make_backend_facts(const config::Settings& settings,
                                      const config::BackendSettings& backend);

// Adds what one section says.
Result<void> apply_model_rule(ModelFacts& facts, const config::ModelRule& rule);

// The sections that speak about some model of the backend; each is proved to be applicable.
using ModelRules = std::vector<const config::ModelRule*>;
Result<ModelRules> rules_for(const config::Settings& settings,
                             const config::BackendSettings& backend, const ModelFacts& facts);

// The facts of a model: `common` itself when no section matches its name.
ModelFactsPtr facts_of(const ModelFactsPtr& common, const ModelRules& rules,
                       std::string_view model);

}  // namespace clasp::exchange
