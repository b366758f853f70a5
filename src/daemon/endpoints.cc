// See endpoints.h.
#include "daemon/endpoints.h"

#include <algorithm>

#include "base/log.h"
#include "core/exchange/cors.h"
#include "core/wire/forwarded.h"
#include "daemon/refusal_log.h"

namespace clasp::daemon {

namespace {

using exchange::Endpoint;

std::uint8_t route_label(const exchange::RequestHead& head) {
  if (const auto endpoint = exchange::match_route(head.method, head.path))
    return static_cast<std::uint8_t>(*endpoint);
  return RequestLabels::kNoRoute;
}

// What the door's answers mean.
std::optional<Refused> refusal_of(int status) {
  if (status == 401) return Refused::authentication;
  if (status == 403) return Refused::origin;
  return std::nullopt;
}

}  // namespace

// An exchange that its worker can find while it runs.
class Endpoints::LiveExchange final : public exchange::RequestTask {
 public:
  LiveExchange(Endpoints& owner, exchange::RequestHead head, std::string body,
               std::string request_id, exchange::ClientStream& stream)
      : owner_(owner),
        exchange_(owner.services_, owner.catalog_, std::move(head), std::move(body),
                  std::move(request_id), stream) {
    owner_.live_.insert(&exchange_);
    ++owner_.metrics_.meter.in_flight;
  }
  ~LiveExchange() override {
    owner_.live_.erase(&exchange_);
    --owner_.metrics_.meter.in_flight;
    if (exchange_.streams()) --owner_.metrics_.meter.open_streams;
  }
  void start() {
    exchange_.start();
    if (exchange_.streams()) ++owner_.metrics_.meter.open_streams;
  }
  void on_client_gone() override { exchange_.on_client_gone(); }
  void on_client_drained() override { exchange_.on_client_drained(); }

 private:
  Endpoints& owner_;
  exchange::Exchange exchange_;
};

Endpoints::Endpoints(exchange::Services services, exchange::CatalogPtr catalog,
                     const ProcessFacts& facts, SharedDesk& desk, SharedLimits& limits,
                     SharedCosts& costs, MetricsAccess metrics)
    : services_(services),
      catalog_(std::move(catalog)),
      facts_(facts),
      desk_(desk),
      limits_(limits),
      costs_(costs),
      metrics_(metrics),
      models_(exchange::client_models(*catalog_)) {}

void Endpoints::set_catalog(exchange::CatalogPtr catalog) {
  catalog_ = std::move(catalog);
  models_ = exchange::client_models(*catalog_);
}

HttpAnswer Endpoints::answer(int status, std::string body) const {
  HttpAnswer out;
  out.status = status;
  out.headers.add("content-type", "application/json");
  out.headers.add("request-id", make_id(services_.random, "req_"));
  out.body = std::move(body);
  return out;
}

HttpAnswer Endpoints::error_answer(const wire::ApiError& error, std::string_view path) const {
  HttpAnswer out = answer(error.status, "");
  out.body = wire::render_error_body(error, out.headers.get("request-id"));
  if (error.status == 401) out.headers.add("www-authenticate", "Bearer realm=\"clasp\"");
  if (error.status == 405) out.headers.add("allow", std::string(exchange::allowed_methods(path)));
  if (!error.retry_after.empty()) out.headers.add("retry-after", error.retry_after);
  if (error.should_retry) out.headers.add("x-should-retry", *error.should_retry ? "true" : "false");
  return out;
}

wire::Headers Endpoints::more_headers(const exchange::RequestHead& head) {
  return exchange::cors_headers(catalog_->settings->cors_origins, head.headers);
}

// A browser asks before a page may send something: yes for pages that are admitted, silence (the
// usual 405) for all others.
std::optional<HttpAnswer> Endpoints::options(const exchange::RequestHead& head) const {
  const std::string_view methods = exchange::allowed_methods(head.path);
  const auto& origins = catalog_->settings->cors_origins;
  if (methods.empty() || exchange::cors_headers(origins, head.headers).empty()) return std::nullopt;
  HttpAnswer out;
  out.status = 204;
  out.headers = exchange::preflight_headers(methods, head.headers);
  out.headers.add("request-id", make_id(services_.random, "req_"));
  return out;
}

// Whether to let the request in; says whose it is.
std::optional<HttpAnswer> Endpoints::judge(exchange::RequestHead& head) const {
  const config::Settings& settings = *catalog_->settings;
  if (const auto error = exchange::refuse_page(settings.cors_origins, head.method, head.headers))
    return error_answer(*error, head.path);
  if (!catalog_->clients.required()) return std::nullopt;
  const exchange::Access access = exchange::access_of(head.path);
  if (access == exchange::Access::open ||
      (access == exchange::Access::health && settings.auth.anonymous_health) ||
      (access == exchange::Access::metrics && settings.auth.anonymous_metrics))
    return std::nullopt;
  auto client =
      catalog_->clients.identify(policy::presented_keys(head.headers), head.certificate_name,
                                 services_.scheduler.unix_seconds());
  if (!client) {
    if (log_enabled(LogLevel::debug))
      log_debug("refused " + head.peer + ": " + client.error().message);
    return error_answer(client.error(), head.path);
  }
  head.client = std::move(*client);
  return std::nullopt;
}

std::optional<HttpAnswer> Endpoints::on_head(exchange::RequestHead& head) {
  // Before everything that judges by address.
  const config::Settings& settings = *catalog_->settings;
  if (settings.trust_unix_sockets || !settings.trusted_proxies.empty())
    head.peer = wire::find_client(head.peer, head.headers, settings.trusted_proxies,
                                  settings.trust_unix_sockets);
  if (head.method == "OPTIONS") {
    if (auto preflight = options(head)) return preflight;
  } else if (auto refusal = judge(head)) {
    return refusal;
  }
  const auto endpoint = exchange::match_route(head.method, head.path);
  if (!endpoint) return error_answer(endpoint.error(), head.path);
  const bool metrics = *endpoint == Endpoint::metrics || *endpoint == Endpoint::metrics_text;
  if (metrics && !metrics_.enabled)
    return error_answer(
        wire::make_error(wire::ErrorType::not_found,
                         "metrics are switched off; enabled = true in [metrics] counts"),
        head.path);
  // Telemetry is accepted and never read.
  if (*endpoint == Endpoint::telemetry) return answer(200, "{}");
  if (*endpoint == Endpoint::messages) return resting_ ? rest_answer(head.path) : admit(head);
  return std::nullopt;
}

// While the operator has taken this daemon out of service: the next one may do it.
HttpAnswer Endpoints::rest_answer(std::string_view path) const {
  wire::ApiError error = wire::make_error(wire::ErrorType::overloaded,
                                          "the proxy is being taken out of service; try again");
  error.should_retry = true;
  HttpAnswer out = error_answer(error, path);
  out.last = true;
  return out;
}

// Limits and budgets of messages; everything else is free.
std::optional<HttpAnswer> Endpoints::admit(exchange::RequestHead& head) const {
  // The budget first: whoever has spent it must not use up what all share by asking again.
  const config::ClientSettings* client = head.client.get();
  if (client != nullptr && (client->daily_budget > 0 || client->monthly_budget > 0))
    if (const auto over = costs_.over_budget(*client, services_.scheduler.unix_seconds())) {
      limits_.count_budget();
      return error_answer(budget_error(client->name, *over), head.path);
    }
  return policy::may_limit(catalog_->settings->rate_limit, client) ? limit(head) : std::nullopt;
}

std::optional<HttpAnswer> Endpoints::limit(exchange::RequestHead& head) const {
  auto admission = limits_.admit(head, services_.scheduler);
  if (!admission) {
    HttpAnswer out = error_answer(limit_error(admission.error()), head.path);
    add_limit_headers(out.headers, admission.error().report, services_.scheduler.unix_seconds());
    return out;
  }
  head.admission = std::move(*admission);
  return std::nullopt;
}

// What is held back of them is told when it is over.
void Endpoints::on_refused(const exchange::Refusal& refusal) {
  services_.records.on_refusal(refusal);
  if (refusals_timer_) return;
  refusals_timer_ = services_.scheduler.after(RefusalLog::kWindow, [this] {
    refusals_timer_.reset();
    services_.records.settle_refusals();
  });
}

std::unique_ptr<exchange::RequestTask> Endpoints::on_request(exchange::RequestHead head,
                                                             std::string body,
                                                             exchange::ClientStream& stream) {
  const auto endpoint = exchange::match_route(head.method, head.path);
  // Its head may have been let in before the rest began.
  if (endpoint && *endpoint == Endpoint::messages && resting_) {
    const HttpAnswer refusal = rest_answer(head.path);
    metrics_.meter.on_answer(route_label(head), refusal.status);
    stream.answer(refusal.status, refusal.headers, refusal.body);
    return nullptr;
  }
  if (endpoint && *endpoint == Endpoint::messages) {
    auto task = std::make_unique<LiveExchange>(*this, std::move(head), std::move(body),
                                               make_id(services_.random, "req_"), stream);
    task->start();
    return task;
  }
  if (endpoint && *endpoint == Endpoint::metrics_text)
    if (auto task = scrape(stream)) return task;
  if (endpoint && *endpoint == Endpoint::count_tokens)
    if (auto task = ask_for_count(head, body, stream)) return task;
  HttpAnswer out = [&] {
    if (!endpoint) return error_answer(endpoint.error(), head.path);
    switch (*endpoint) {
      case Endpoint::health:
        return health();
      case Endpoint::providers_health:
        return providers_health();
      case Endpoint::costs:
        return costs();
      case Endpoint::alive:
        return answer(200, R"({"status":"ok"})");
      case Endpoint::ready:
        return ready();
      case Endpoint::count_tokens:
        return count_tokens(head, body);
      case Endpoint::models:
        return answer(200, exchange::render_model_list(models_for(head), head.query));
      case Endpoint::model:
        return model(head);
      case Endpoint::metrics:
        return answer(200, metrics_.metrics.render_json(services_.scheduler.now()));
      case Endpoint::metrics_text:
        return error_answer(wire::make_error(wire::ErrorType::overloaded,
                                             "too many ask for the metrics; try again"),
                            head.path);
      case Endpoint::hello:
      case Endpoint::telemetry:
        return answer(200, "{}");
      case Endpoint::server_info:
      case Endpoint::messages:
        break;
    }
    return server_info();
  }();
  metrics_.meter.on_answer(route_label(head), out.status);
  stream.answer(out.status, out.headers, out.body);
  return nullptr;
}

std::unique_ptr<exchange::RequestTask> Endpoints::scrape(exchange::ClientStream& stream) {
  wire::Headers headers;
  headers.add("content-type", "text/plain; version=0.0.4; charset=utf-8");
  headers.add("request-id", make_id(services_.random, "req_"));
  auto task = start_scrape(metrics_.service, metrics_.mailbox, services_.scheduler.now(),
                           std::move(headers), stream);
  if (task) metrics_.meter.on_answer(static_cast<std::uint8_t>(Endpoint::metrics_text), 200);
  return task;
}

void Endpoints::on_early_answer(const exchange::RequestHead& head, const HttpAnswer& answer) {
  const bool preflight = head.method == "OPTIONS" && answer.status == 204;
  metrics_.meter.on_answer(preflight ? RequestLabels::kPreflight : route_label(head),
                           answer.status);
  if (const auto why = refusal_of(answer.status)) metrics_.meter.on_refused(*why);
}

void Endpoints::on_refusal(int status) {
  metrics_.meter.on_http_error(status);
}

// What is true: that it stops, or that an operator has taken it out of service.
void Endpoints::end_exchanges() {
  wire::ApiError error =
      wire::make_error(wire::ErrorType::overloaded,
                       resting_ && !draining_ ? "this proxy was taken out of service; try again"
                                              : "the proxy is shutting down; try again");
  error.should_retry = true;
  end_exchanges(error, "ended by the daemon", [](const exchange::Exchange&) { return true; });
}

std::size_t Endpoints::end_exchanges(const wire::ApiError& error, std::string_view cause,
                                     const std::function<bool(const exchange::Exchange&)>& chosen) {
  std::size_t ended = 0;
  // Ending an exchange may take it out of the set.
  const std::vector<exchange::Exchange*> running(live_.begin(), live_.end());
  for (exchange::Exchange* one : running)
    if (live_.contains(one) && chosen(*one) && one->end_with(error, cause)) ++ended;
  return ended;
}

std::vector<exchange::ExchangeInfo> Endpoints::list(std::size_t most) const {
  std::vector<const exchange::Exchange*> running;
  for (const exchange::Exchange* one : live_)
    if (!one->over()) running.push_back(one);
  std::sort(running.begin(), running.end(),
            [](const auto* a, const auto* b) { return a->started() < b->started(); });
  if (running.size() > most) running.resize(most);
  std::vector<exchange::ExchangeInfo> out;
  out.reserve(running.size());
  for (const exchange::Exchange* one : running) out.push_back(one->info());
  return out;
}

std::optional<exchange::ExchangeInfo> Endpoints::find(std::string_view request_id) const {
  for (const exchange::Exchange* one : live_)
    if (!one->over() && one->request_id() == request_id) return one->info();
  return std::nullopt;
}

}  // namespace clasp::daemon
