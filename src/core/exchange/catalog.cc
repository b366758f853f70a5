// See catalog.h.
#include "core/exchange/catalog.h"

#include <openssl/sha.h>

#include <algorithm>

#include "base/text.h"
#include "core/policy/backend_address.h"
#include "core/policy/models.h"

namespace clasp::exchange {

namespace {

constexpr std::size_t kHashBytes = 4;
constexpr std::string_view kDefaultVersion = "2023-06-01";
constexpr std::size_t kShownName = 200;

std::string short_hash(std::string_view text) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return to_hex({reinterpret_cast<const char*>(digest), kHashBytes});
}

Result<Backend> make_backend(const config::Settings& all, const config::BackendSettings& settings) {
  Backend backend;
  backend.settings = settings;
  auto facts = make_backend_facts(all, settings);
  if (!facts) return tl::unexpected(facts.error());
  auto rules = rules_for(all, settings, *facts);
  if (!rules) return tl::unexpected(rules.error());
  backend.facts = std::make_shared<const ModelFacts>(std::move(*facts));
  backend.rules = std::move(*rules);
  backend.base_url_hash = short_hash(settings.base_url);
  return backend;
}

BackendTimeouts make_timeouts(const config::Settings& settings) {
  BackendTimeouts timeouts;
  timeouts.connect_ms = settings.timeouts.connect_ms;
  timeouts.tls_ms = settings.timeouts.tls_ms;
  timeouts.first_byte_ms = settings.timeouts.backend_idle_ms;
  timeouts.idle_ms = settings.timeouts.backend_idle_ms;
  return timeouts;
}

// Headers that every request to the backend has.
wire::Headers make_headers(const config::BackendSettings& settings) {
  wire::Headers headers;
  headers.add("user-agent", "clasp/" CLASP_VERSION);
  headers.add("accept-encoding", "identity");
  if (const auto auth = policy::auth_header(settings))
    headers.add(std::string(auth->name), std::string(auth->value.reveal()));
  for (const auto& [name, value] : settings.extra_headers) headers.add(name, value);
  return headers;
}

// What the client said about the API's version goes through unchanged; what the configuration says
// wins.
void add_versions(wire::Headers& headers, std::string_view version, std::string_view beta) {
  if (!headers.find("anthropic-version"))
    headers.add("anthropic-version", std::string(version.empty() ? kDefaultVersion : version));
  if (!beta.empty() && !headers.find("anthropic-beta"))
    headers.add("anthropic-beta", std::string(beta));
}

}  // namespace

Result<CatalogPtr> make_catalog(config::Snapshot settings) {
  auto catalog = std::make_shared<Catalog>();
  for (const config::BackendSettings& one : settings->backends) {
    auto backend = make_backend(*settings, one);
    if (!backend) return tl::unexpected(backend.error());
    catalog->backends.push_back(std::move(*backend));
  }
  if (catalog->backends.empty()) return fail("no backend is configured");
  catalog->settings = std::move(settings);
  return CatalogPtr(std::move(catalog));
}

Result<Candidate, wire::ApiError> choose_candidate(const Catalog& catalog, std::string_view model,
                                                   std::string_view geo) {
  const auto served =
      std::find_if(catalog.backends.begin(), catalog.backends.end(), [&](const Backend& backend) {
        const auto& list = backend.settings.geo;
        return !geo.empty() && std::any_of(list.begin(), list.end(), [&](const std::string& one) {
          return iequals(one, geo);
        });
      });
  const bool found = served != catalog.backends.end();
  const Backend& backend = found ? *served : catalog.backends.front();
  const config::ModelSettings& models = catalog.settings->models;
  auto name = policy::resolve_model(models, backend.settings, model);
  if (models.refuse_unknown && !policy::is_known_model(models, backend.settings, model))
    return tl::unexpected(wire::make_error(wire::ErrorType::not_found,
                                           "model: " + scrub_utf8(name.substr(0, kShownName))));
  ModelFactsPtr facts = facts_of(backend.facts, backend.rules, name);
  return Candidate{&backend, std::move(name), std::move(facts), found};
}

translate::Target make_target(const Catalog& catalog, const Candidate& candidate) {
  translate::Target target;
  target.dialect = &candidate.facts->dialect;
  target.model = candidate.model;
  target.base_url_hash = candidate.backend->base_url_hash;
  target.strict = catalog.settings->strict;
  target.max_output = candidate.facts->max_output;
  target.context_window = candidate.facts->context_window;
  target.vision = candidate.facts->vision;
  target.extra_body = &candidate.facts->extra_body;
  target.geo_served = candidate.geo_served;
  target.geo_enforce = catalog.settings->translation.geo_enforce;
  return target;
}

BackendRequest make_backend_request(const Catalog& catalog, const Candidate& candidate,
                                    std::string body, bool stream) {
  const config::BackendSettings& settings = candidate.backend->settings;
  BackendRequest request;
  request.url = settings.provider == "demo" ? std::string("demo:")
                                            : policy::chat_url(settings, candidate.model);
  request.headers = make_headers(settings);
  request.headers.add("content-type", "application/json");
  request.headers.add("accept", stream ? "text/event-stream" : "application/json");
  request.body = std::move(body);
  request.timeouts = make_timeouts(*catalog.settings);
  return request;
}

bool has_relay(const Catalog& catalog) {
  return std::any_of(catalog.backends.begin(), catalog.backends.end(),
                     [](const Backend& backend) { return backend.facts->dialect.relay; });
}

BackendRequest make_relay_request(const Catalog& catalog, const Candidate& candidate,
                                  std::string body, bool stream,
                                  const translate::RequestFacts& facts) {
  const config::BackendSettings& settings = candidate.backend->settings;
  BackendRequest request;
  request.url = policy::messages_url(settings, facts.beta_query);
  request.headers = make_headers(settings);
  add_versions(request.headers, facts.anthropic_version, facts.anthropic_beta);
  request.headers.add("content-type", "application/json");
  request.headers.add("accept", stream ? "text/event-stream" : "application/json");
  request.body = std::move(body);
  request.timeouts = make_timeouts(*catalog.settings);
  return request;
}

BackendRequest make_models_request(const Catalog& catalog, const Backend& backend) {
  BackendRequest request;
  request.method = "GET";
  const bool relay = backend.facts->dialect.relay;
  request.url =
      relay ? policy::relay_models_url(backend.settings) : policy::models_url(backend.settings);
  request.headers = make_headers(backend.settings);
  if (relay) add_versions(request.headers, {}, {});
  request.headers.add("accept", "application/json");
  request.timeouts = make_timeouts(*catalog.settings);
  return request;
}

}  // namespace clasp::exchange
