// GET /v1/models: the names that clients may ask for, in the shape of the Anthropic API
// (translation spec §7). Made from the configuration only; no backend is asked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/exchange/catalog.h"

namespace clasp::exchange {

// A model as the list shows it; its limits are those of the backend's model, 0: not configured.
struct ListedModel {
  std::string id;
  std::string display_name = {};  // empty: the id
  std::int64_t max_input = 0, max_output = 0;
};

// Client-facing names, sorted, without repeats: aliases, the models of the configuration, for each
// mapped tier the tier's name as clients write it ("claude-opus", …), and models that have a
// section of their own and are passed on by that name.
std::vector<ListedModel> client_models(const Catalog& catalog);

// One page of the list as JSON. `query` is the request's: limit (1 to 1000, 20 when absent or
// bad), before_id, after_id (an unknown id has nothing before or behind it), lifecycle (once or
// several times; all models here are active).
std::string render_model_list(const std::vector<ListedModel>& models, std::string_view query);

// One model as JSON; nothing when the name is not known. `id` is the path's last part, URL-encoded;
// a trailing [1m] is ignored.
std::optional<std::string> render_model(const std::vector<ListedModel>& models,
                                        std::string_view id);

}  // namespace clasp::exchange
