// What the daemon does with a request that the HTTP server took: small endpoints are answered
// here, messages become exchanges. One per worker.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include "core/exchange/exchange.h"
#include "core/exchange/model_list.h"
#include "core/exchange/routes.h"
#include "core/exchange/slow_counters.h"
#include "daemon/health_answers.h"
#include "daemon/http_server.h"
#include "daemon/metrics.h"
#include "daemon/metrics_service.h"
#include "daemon/shared_costs.h"
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
  bool enabled = true;  // else /metrics is not there
  WorkerMeter& meter;
  const Metrics& metrics;
  MetricsService& service;
  Mailbox& mailbox;  // the worker's own
};

class Endpoints final : public HttpHandler {
 public:
  Endpoints(exchange::Services services, exchange::CatalogPtr catalog, const ProcessFacts& facts,
            SharedDesk& desk, SharedLimits& limits, SharedCosts& costs, MetricsAccess metrics);

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
  // Taken out of service by hand, and back: says so too, and refuses new messages.
  void set_resting(bool resting) { resting_ = resting; }
  // Ends what still runs with an overloaded error, so that clients ask elsewhere.
  void end_exchanges();
  // Ends those that are chosen with this error, and says how many. `cause` is for the log.
  std::size_t end_exchanges(const wire::ApiError& error, std::string_view cause,
                            const std::function<bool(const exchange::Exchange&)>& chosen);
  // The oldest ones, at most `most`.
  std::vector<exchange::ExchangeInfo> list(std::size_t most) const;
  std::optional<exchange::ExchangeInfo> find(std::string_view request_id) const;
  std::size_t exchanges() const { return live_.size(); }

 private:
  class LiveExchange;

  HttpAnswer answer(int status, std::string body) const;
  HttpAnswer error_answer(const wire::ApiError& error, std::string_view path) const;
  HttpAnswer server_info() const;
  bool leaves() const { return draining_ || resting_; }
  HttpAnswer rest_answer(std::string_view path) const;
  HealthFacts health_facts() const;
  HttpAnswer health() const;
  HttpAnswer providers_health() const;
  std::optional<HttpAnswer> judge(exchange::RequestHead& head) const;
  std::vector<exchange::ListedModel> models_for(const exchange::RequestHead& head) const;
  HttpAnswer model(const exchange::RequestHead& head) const;
  std::unique_ptr<exchange::RequestTask> scrape(exchange::ClientStream& stream);
  HttpAnswer ready() const;
  HttpAnswer count_tokens(const exchange::RequestHead& head, const std::string& body,
                          std::optional<std::int64_t> counted = std::nullopt) const;
  // Where the backend counts, or we with the model's vocabulary; nullptr where the estimate will
  // do.
  std::unique_ptr<exchange::RequestTask> ask_for_count(const exchange::RequestHead& head,
                                                       const std::string& body,
                                                       exchange::ClientStream& stream);
  std::optional<HttpAnswer> options(const exchange::RequestHead& head) const;
  std::optional<HttpAnswer> admit(exchange::RequestHead& head) const;
  std::optional<HttpAnswer> limit(exchange::RequestHead& head) const;
  HttpAnswer costs() const;

  exchange::Services services_;
  exchange::CatalogPtr catalog_;
  const ProcessFacts& facts_;
  SharedDesk& desk_;
  SharedLimits& limits_;
  SharedCosts& costs_;
  MetricsAccess metrics_;
  std::vector<exchange::ListedModel> models_;
  bool draining_ = false;
  bool resting_ = false;
  TimerHandle refusals_timer_;
  exchange::SlowCounters slow_counters_;
  std::shared_ptr<int> counting_ = std::make_shared<int>(0);  // counts under way
  std::unordered_set<exchange::Exchange*> live_;
};

}  // namespace clasp::daemon
