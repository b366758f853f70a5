// The configuration as exchanges use it: every backend with its dialect, URL and headers worked
// out once, so that a request only looks up. Immutable; shared by all workers.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/settings.h"
#include "core/exchange/ports.h"
#include "core/translate/dialect.h"
#include "core/translate/target.h"

namespace clasp::exchange {

struct Backend {
  config::BackendSettings settings;
  translate::Dialect dialect;  // the row with this backend's overrides
  std::string base_url_hash;   // 8 hex
};

struct Catalog {
  config::Snapshot settings;
  std::vector<Backend> backends;  // never empty
};

using CatalogPtr = std::shared_ptr<const Catalog>;

// Fails when a backend names an unknown dialect or overrides an unknown flag.
Result<CatalogPtr> make_catalog(config::Snapshot settings);

// A backend and the model to ask it for.
struct Candidate {
  const Backend* backend = nullptr;
  std::string model;
};

// Where a request for `model` goes. With one backend that is a matter of the model's name only.
Candidate choose_candidate(const Catalog& catalog, std::string_view model);

translate::Target make_target(const Catalog& catalog, const Candidate& candidate);

// Some backend speaks the Messages API itself.
bool has_relay(const Catalog& catalog);

// The HTTP request that carries a translated body to the candidate.
BackendRequest make_backend_request(const Catalog& catalog, const Candidate& candidate,
                                    std::string body, bool stream);

// The same for a client's own body on its way to a backend that speaks the Messages API.
BackendRequest make_relay_request(const Catalog& catalog, const Candidate& candidate,
                                  std::string body, bool stream,
                                  const translate::RequestFacts& facts);

// The HTTP request for the backend's list of models. Not for the demo, which has no address.
BackendRequest make_models_request(const Catalog& catalog, const Backend& backend);

}  // namespace clasp::exchange
