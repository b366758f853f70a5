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
#include "daemon/shared_desk.h"

namespace clasp::daemon {

// Facts of the process that answers show; shared by all workers and constant after the start.
struct ProcessFacts {
  std::string version;
  TimePoint started;
};

class Endpoints final : public HttpHandler {
 public:
  Endpoints(exchange::Services services, exchange::CatalogPtr catalog, const ProcessFacts& facts,
            SharedDesk& desk);

  std::optional<HttpAnswer> on_head(exchange::RequestHead& head) override;
  void on_refused(const exchange::Refusal& refusal) override;
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
  HttpAnswer model(std::string_view path) const;
  HttpAnswer ready() const;
  HttpAnswer count_tokens(const exchange::RequestHead& head, const std::string& body) const;
  std::optional<HttpAnswer> options(const exchange::RequestHead& head) const;

  exchange::Services services_;
  exchange::CatalogPtr catalog_;
  const ProcessFacts& facts_;
  SharedDesk& desk_;
  std::vector<exchange::ListedModel> models_;
  bool draining_ = false;
  TimerHandle refusals_timer_;
  std::unordered_set<exchange::Exchange*> live_;
};

}  // namespace clasp::daemon
