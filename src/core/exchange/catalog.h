// The configuration as exchanges use it: every backend with its dialect, URL and headers worked
// out once, so that a request only looks up. Immutable; shared by all workers.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "config/settings.h"
#include "core/exchange/model_facts.h"
#include "core/exchange/ports.h"
#include "core/policy/clients.h"
#include "core/policy/prices.h"
#include "core/policy/router.h"
#include "core/policy/wait_queue.h"
#include "core/translate/target.h"
#include "core/wire/api_error.h"

namespace clasp::exchange {

struct Backend {
  config::BackendSettings settings;
  ModelFactsPtr facts;        // of models that no section speaks about
  ModelRules rules;           // in the catalog's settings
  std::string base_url_hash;  // 8 hex
  std::string cache_scope;    // what it is called by in names of cached answers (cache_key.h)
  std::string chat_url;       // empty where it depends on the model
  std::string responses_url;
};

struct Catalog {
  config::Snapshot settings;
  KnownSecrets secrets;           // keys and the like of all backends
  std::vector<Backend> backends;  // never empty
  policy::Router router;
  policy::Clients clients;
  bool passes_client_keys = false;  // some backend wants the client's own key
  policy::PriceTable prices;
  // The backends' numbers at the desk, in the same order; empty where no requests are sent.
  std::vector<policy::BackendId> desk_ids;
};

using CatalogPtr = std::shared_ptr<const Catalog>;

// Fails when a backend names an unknown dialect or overrides an unknown flag, or a route is wrong.
// `secrets`: what no text may tell besides the secrets of the settings.
Result<CatalogPtr> make_catalog(config::Snapshot settings,
                                std::vector<policy::BackendId> desk_ids = {},
                                KnownSecrets secrets = {});

// A backend and the model to ask it for.
struct Candidate {
  const Backend* backend = nullptr;
  std::string model;
  ModelFactsPtr facts;      // of that model there
  bool geo_served = false;  // the backend is where the request wants to be
  std::size_t index = 0;    // of the backend in the catalog
  std::size_t key = 0;      // which of the backend's keys
};
using Route = std::vector<Candidate>;

// Where a request for `model` may go, best first, never empty: its route; of that only what serves
// the region (inference_geo, may be empty), or the backends that do where the route has none.
// Refused when the configuration knows no such model and says so. `affinity` as Router::route().
Result<Route, wire::ApiError> choose_route(const Catalog& catalog, std::string_view model,
                                           std::string_view geo, std::string_view affinity,
                                           Random& random);

// The first one, when no backend is to be asked.
Result<Candidate, wire::ApiError> choose_candidate(const Catalog& catalog, std::string_view model,
                                                   std::string_view geo = {});

translate::Target make_target(const Catalog& catalog, const Candidate& candidate);

// Some backend speaks the Messages API itself.
bool has_relay(const Catalog& catalog);

// The HTTP request that carries a translated body to the candidate. `client_key` is what a backend
// with pass_client_key gets; others never see it.
BackendRequest make_backend_request(const Catalog& catalog, const Candidate& candidate,
                                    std::string body, bool stream,
                                    const Secret& client_key = Secret(),
                                    translate::Api api = translate::Api::chat);

// The same for a client's own body on its way to a backend that speaks the Messages API.
BackendRequest make_relay_request(const Catalog& catalog, const Candidate& candidate,
                                  std::string body, bool stream,
                                  const translate::RequestFacts& facts,
                                  const Secret& client_key = Secret());

// The HTTP request for the backend's list of models. Not for the demo, which has no address.
BackendRequest make_models_request(const Catalog& catalog, const Backend& backend);

}  // namespace clasp::exchange
