// What the daemon does with a request that the HTTP server took: small endpoints are answered
// here, messages become exchanges. One per worker.
#pragma once

#include <memory>
#include <string>
#include <unordered_set>

#include "core/exchange/exchange.h"
#include "core/exchange/model_list.h"
#include "core/exchange/routes.h"
#include "daemon/health_answers.h"
#include "daemon/http_server.h"
#include "daemon/metrics.h"
#include "daemon/metrics_service.h"
#include "daemon/shared_desk.h"
#include "daemon/shared_limits.h"

namespace clasp::daemon {

// Facts of the process that answers show; shared by all workers and constant after the start.
struct ProcessFacts {
  std::string version;
  TimePoint started;
};

// Where a worker counts, and what it shows of it.
struct MetricsAccess {
  WorkerMeter& meter;
  const Metrics& metrics;
  MetricsService& service;
  Mailbox& mailbox;  // the worker's own
};

class Endpoints final : public HttpHandler {
 public:
  Endpoints(exchange::Services services, exchange::CatalogPtr catalog, const ProcessFacts& facts,
            SharedDesk& desk, SharedLimits& limits, MetricsAccess metrics);

  std::optional<HttpAnswer> on_head(exchange::RequestHead& head) override;
  void on_refused(const exchange::Refusal& refusal) override;
  void on_early_answer(const exchange::RequestHead& head, const HttpAnswer& answer) override;
  void on_refusal(int status) override;
  wire::Headers more_headers(const exchange::RequestHead& head) override;
  std::unique_ptr<exchange::RequestTask> on_request(exchange::RequestHead head, std::string body,
                                                    exchange::ClientStream& stream) override;

  // For what comes from now on; exchanges that run keep theirs.
  void set_catalog(exchange::CatalogPtr catalog);
  // From now on /health says so, with 503 for load balancers.
  void set_draining() { draining_ = true; }
  // Ends what still runs with an overloaded error, so that clients ask elsewhere.
  void end_exchanges();
  std::size_t exchanges() const { return live_.size(); }

 private:
  class LiveExchange;

  HttpAnswer answer(int status, std::string body) const;
  HttpAnswer error_answer(const wire::ApiError& error, std::string_view path) const;
  HttpAnswer server_info() const;
  HealthFacts health_facts() const;
  HttpAnswer health() const;
  HttpAnswer providers_health() const;
  std::optional<HttpAnswer> judge(exchange::RequestHead& head) const;
  std::vector<exchange::ListedModel> models_for(const exchange::RequestHead& head) const;
  HttpAnswer model(const exchange::RequestHead& head) const;
  std::unique_ptr<exchange::RequestTask> scrape(exchange::ClientStream& stream);
  HttpAnswer ready() const;
  HttpAnswer count_tokens(const exchange::RequestHead& head, const std::string& body) const;
  std::optional<HttpAnswer> options(const exchange::RequestHead& head) const;
  std::optional<HttpAnswer> admit(exchange::RequestHead& head) const;

  exchange::Services services_;
  exchange::CatalogPtr catalog_;
  const ProcessFacts& facts_;
  SharedDesk& desk_;
  SharedLimits& limits_;
  MetricsAccess metrics_;
  std::vector<exchange::ListedModel> models_;
  bool draining_ = false;
  TimerHandle refusals_timer_;
  std::unordered_set<exchange::Exchange*> live_;
};

}  // namespace clasp::daemon
