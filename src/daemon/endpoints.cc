// See endpoints.h.
#include "daemon/endpoints.h"

#include "core/exchange/cors.h"
#include "core/translate/family.h"
#include "core/translate/request.h"
#include "core/wire/plain_spelling.h"
#include "daemon/json_tree.h"
#include "daemon/refusal_log.h"

namespace clasp::daemon {

namespace {

using exchange::Endpoint;

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
  }
  ~LiveExchange() override { owner_.live_.erase(&exchange_); }
  void start() { exchange_.start(); }
  void on_client_gone() override { exchange_.on_client_gone(); }
  void on_client_drained() override { exchange_.on_client_drained(); }

 private:
  Endpoints& owner_;
  exchange::Exchange exchange_;
};

Endpoints::Endpoints(exchange::Services services, exchange::CatalogPtr catalog,
                     const ProcessFacts& facts, SharedDesk& desk)
    : services_(services),
      catalog_(std::move(catalog)),
      facts_(facts),
      desk_(desk),
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
  if (error.status == 405) out.headers.add("allow", std::string(exchange::allowed_methods(path)));
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

std::optional<HttpAnswer> Endpoints::on_head(exchange::RequestHead& head) {
  if (head.method == "OPTIONS")
    if (auto preflight = options(head)) return preflight;
  const auto endpoint = exchange::match_route(head.method, head.path);
  if (!endpoint) return error_answer(endpoint.error(), head.path);
  // Telemetry is accepted and never read.
  if (*endpoint == Endpoint::telemetry) return answer(200, "{}");
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
  if (endpoint && *endpoint == Endpoint::messages) {
    auto task = std::make_unique<LiveExchange>(*this, std::move(head), std::move(body),
                                               make_id(services_.random, "req_"), stream);
    task->start();
    return task;
  }
  HttpAnswer out = [&] {
    if (!endpoint) return error_answer(endpoint.error(), head.path);
    switch (*endpoint) {
      case Endpoint::health:
        return health();
      case Endpoint::providers_health:
        return providers_health();
      case Endpoint::alive:
        return answer(200, R"({"status":"ok"})");
      case Endpoint::ready:
        return ready();
      case Endpoint::count_tokens:
        return count_tokens(head, body);
      case Endpoint::models:
        return answer(200, exchange::render_model_list(models_, head.query));
      case Endpoint::model:
        return model(head.path);
      case Endpoint::hello:
      case Endpoint::telemetry:
        return answer(200, "{}");
      case Endpoint::server_info:
      case Endpoint::messages:
        break;
    }
    return server_info();
  }();
  stream.answer(out.status, out.headers, out.body);
  return nullptr;
}

void Endpoints::end_exchanges() {
  wire::ApiError error =
      wire::make_error(wire::ErrorType::overloaded, "the proxy is shutting down; try again");
  error.should_retry = true;
  // Ending an exchange may take it out of the set.
  const std::vector<exchange::Exchange*> running(live_.begin(), live_.end());
  for (exchange::Exchange* one : running) one->end_with(error);
}

HttpAnswer Endpoints::server_info() const {
  const config::BackendSettings& backend = catalog_->backends.front().settings;
  const JsonPtr root(
      json_pack("{s:s, s:o, s:o, s:s, s:{s:s, s:s, s:s, s:s, s:s, s:s}}", "name", "CLASP",
                "version", text_value(facts_.version), "provider", text_value(backend.provider),
                "status", draining_ ? "draining" : "running", "endpoints", "messages",
                "/v1/messages", "count_tokens", "/v1/messages/count_tokens", "models", "/v1/models",
                "health", "/health", "providers_health", "/providers/health", "info", "/"));
  return answer(200, dump_json(root));
}

HealthFacts Endpoints::health_facts() const {
  return {facts_.version, facts_.started, services_.scheduler.now(), draining_};
}

HttpAnswer Endpoints::health() const {
  const HealthFacts facts = health_facts();
  return answer(draining_ ? 503 : 200, render_health(*catalog_, desk_.snapshot(facts.now), facts));
}

HttpAnswer Endpoints::providers_health() const {
  const HealthFacts facts = health_facts();
  return answer(draining_ ? 503 : 200,
                render_providers_health(*catalog_, desk_.snapshot(facts.now), facts));
}

// For load balancers: whether to send requests here.
HttpAnswer Endpoints::ready() const {
  return draining_ ? answer(503, R"({"status":"draining"})") : answer(200, R"({"status":"ready"})");
}

HttpAnswer Endpoints::model(std::string_view path) const {
  const std::string_view id = path.substr(path.rfind('/') + 1);
  if (auto body = exchange::render_model(models_, id)) return answer(200, std::move(*body));
  return error_answer(wire::make_error(wire::ErrorType::not_found, "no such model"), path);
}

HttpAnswer Endpoints::count_tokens(const exchange::RequestHead& head,
                                   const std::string& body) const {
  const auto plain = wire::plain_spelling(body);
  const auto parsed = wire::parse_messages_request(plain ? *plain : body, true);
  if (!parsed) return error_answer(parsed.error(), "");
  // What may be cleared from the context depends on the backend.
  const auto candidate = exchange::choose_candidate(*catalog_, parsed->model);
  if (!candidate) return error_answer(candidate.error(), "");
  const auto count = translate::count_tokens(
      *parsed, translate::with_family_replay(candidate->facts->dialect, candidate->model));
  if (!count) return error_answer(count.error(), "");
  const std::int64_t shown = services_.calibration.correct(candidate->backend->settings.name,
                                                           candidate->model, count->input_tokens);
  std::string out = R"({"input_tokens":)" + std::to_string(shown);
  if (exchange::is_beta_call(head) || count->original_input_tokens) {
    out.append(R"(,"context_management":)");
    if (count->original_input_tokens)
      // What edits take away is told elsewhere too: the difference stays as it is.
      out.append(R"({"original_input_tokens":)")
          .append(std::to_string(shown + *count->original_input_tokens - count->input_tokens))
          .append("}");
    else
      out.append("null");
  }
  return answer(200, out.append("}"));
}

}  // namespace clasp::daemon
