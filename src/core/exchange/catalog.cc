// See catalog.h.
#include "core/exchange/catalog.h"

#include <openssl/sha.h>

#include <algorithm>

#include "base/text.h"
#include "core/exchange/cache_key.h"
#include "core/exchange/known_secrets.h"
#include "core/policy/backend_address.h"
#include "core/policy/models.h"

namespace clasp::exchange {

namespace {

constexpr std::size_t kHashBytes = 4;
constexpr std::string_view kDefaultVersion = "2023-06-01";
constexpr std::size_t kShownName = 200;
// User-agent, encoding, key, type, accept; two versions where a request is relayed.
constexpr std::size_t kUsualHeaders = 7;

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
  if (all.cache.enabled) backend.cache_scope = make_cache_scope(all, settings);
  if (settings.provider == "demo")
    backend.chat_url = "demo:";
  else if (!policy::chat_url_names_model(settings))
    backend.chat_url = policy::chat_url(settings, {});
  backend.responses_url =
      settings.provider == "demo" ? backend.chat_url : policy::responses_url(settings);
  return backend;
}

BackendTimeouts make_timeouts(const config::Settings& settings) {
  BackendTimeouts timeouts;
  timeouts.connect_ms = settings.timeouts.connect_ms;
  timeouts.tls_ms = settings.timeouts.tls_ms;
  timeouts.first_byte_ms = settings.timeouts.first_byte_ms > 0 ? settings.timeouts.first_byte_ms
                                                               : settings.timeouts.backend_idle_ms;
  timeouts.idle_ms = settings.timeouts.backend_idle_ms;
  return timeouts;
}

// Headers that every request to the backend has.
wire::Headers make_headers(const config::BackendSettings& settings,
                           const std::optional<policy::AuthHeader>& auth) {
  wire::Headers headers;
  headers.reserve(kUsualHeaders + settings.extra_headers.size());
  headers.add("user-agent", "clasp/" CLASP_VERSION);
  headers.add("accept-encoding", "identity");
  if (auth) headers.add(auth->name, auth->value.reveal());
  for (const auto& [name, value] : settings.extra_headers) headers.add(name, value);
  return headers;
}

std::optional<policy::AuthHeader> choose_key(const Candidate& candidate, const Secret& client_key) {
  const config::BackendSettings& settings = candidate.backend->settings;
  return settings.pass_client_key ? policy::auth_header_for(settings.auth, client_key)
                                  : policy::auth_header(settings, candidate.key);
}

// What the client said about the API's version goes through unchanged; what the configuration says
// wins.
void add_versions(wire::Headers& headers, std::string_view version, std::string_view beta) {
  if (!headers.find("anthropic-version"))
    headers.add("anthropic-version", version.empty() ? kDefaultVersion : version);
  if (!beta.empty() && !headers.find("anthropic-beta")) headers.add("anthropic-beta", beta);
}

}  // namespace

Result<CatalogPtr> make_catalog(config::Snapshot settings, std::vector<policy::BackendId> desk_ids,
                                KnownSecrets secrets) {
  auto router = policy::Router::make(settings);
  if (!router) return tl::unexpected(router.error());
  auto catalog = std::make_shared<Catalog>(
      Catalog{{}, {}, {}, std::move(*router), policy::Clients(settings->auth), false, {}, {}});
  catalog->desk_ids = std::move(desk_ids);
  catalog->prices = policy::PriceTable(*settings);
  for (const config::BackendSettings& one : settings->backends) {
    auto backend = make_backend(*settings, one);
    if (!backend) return tl::unexpected(backend.error());
    catalog->passes_client_keys |= one.pass_client_key;
    catalog->backends.push_back(std::move(*backend));
  }
  if (catalog->backends.empty()) return fail("no backend is configured");
  catalog->secrets = known_secrets(*settings, std::move(secrets));
  catalog->settings = std::move(settings);
  return CatalogPtr(std::move(catalog));
}

namespace {

bool serves(const Backend& backend, std::string_view geo) {
  const auto& list = backend.settings.geo;
  return !geo.empty() && std::any_of(list.begin(), list.end(),
                                     [&](const std::string& one) { return iequals(one, geo); });
}

Candidate make_candidate(const Catalog& catalog, std::size_t index, std::string model,
                         bool geo_served) {
  const Backend& backend = catalog.backends[index];
  ModelFactsPtr facts = facts_of(backend.facts, backend.rules, model);
  return {&backend, std::move(model), std::move(facts), geo_served, index, 0};
}

// Always the same choice, for those who only want to know.
class NoRandom final : public Random {
 public:
  std::uint64_t next() override { return 0; }
};

}  // namespace

Result<Route, wire::ApiError> choose_route(const Catalog& catalog, std::string_view model,
                                           std::string_view geo, std::string_view affinity,
                                           Random& random) {
  const config::ModelSettings& models = catalog.settings->models;
  const auto choices = catalog.router.route(model, affinity, random);
  const policy::RouteChoice& first = choices.front();
  if (models.refuse_unknown && !catalog.router.has_route(model) &&
      !policy::is_known_model(models, catalog.backends[first.backend].settings, model))
    return tl::unexpected(wire::make_error(
        wire::ErrorType::not_found, "model: " + scrub_utf8(first.model.substr(0, kShownName))));
  Route all, served;
  for (const policy::RouteChoice& choice : choices) {
    const bool here = serves(catalog.backends[choice.backend], geo);
    all.push_back(make_candidate(catalog, choice.backend, choice.model, here));
    if (here) served.push_back(all.back());
  }
  if (served.empty() && !geo.empty()) {
    for (std::size_t i = 0; i < catalog.backends.size(); ++i)
      if (serves(catalog.backends[i], geo))
        served.push_back(make_candidate(
            catalog, i, policy::resolve_model(models, catalog.backends[i].settings, model), true));
  }
  return served.empty() ? all : served;
}

Result<Candidate, wire::ApiError> choose_candidate(const Catalog& catalog, std::string_view model,
                                                   std::string_view geo) {
  NoRandom random;
  auto route = choose_route(catalog, model, geo, "-", random);
  if (!route) return tl::unexpected(route.error());
  return route->front();
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
                                    std::string body, bool stream, const Secret& client_key,
                                    translate::Api api) {
  const config::BackendSettings& settings = candidate.backend->settings;
  BackendRequest request;
  request.url = api == translate::Api::responses ? candidate.backend->responses_url
                                                 : candidate.backend->chat_url;
  if (request.url.empty()) request.url = policy::chat_url(settings, candidate.model);
  request.headers = make_headers(settings, choose_key(candidate, client_key));
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
                                  const translate::RequestFacts& facts, const Secret& client_key) {
  const config::BackendSettings& settings = candidate.backend->settings;
  BackendRequest request;
  request.url = policy::messages_url(settings, facts.beta_query);
  request.headers = make_headers(settings, choose_key(candidate, client_key));
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
  request.headers = make_headers(backend.settings, policy::auth_header(backend.settings));
  if (relay) add_versions(request.headers, {}, {});
  request.headers.add("accept", "application/json");
  request.timeouts = make_timeouts(*catalog.settings);
  return request;
}

}  // namespace clasp::exchange
