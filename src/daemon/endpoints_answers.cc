// The small answers of the endpoints, which need no backend. See endpoints.h.
#include <algorithm>

#include "core/exchange/cost_report.h"
#include "core/exchange/token_count.h"
#include "core/translate/family.h"
#include "core/translate/request.h"
#include "core/wire/plain_spelling.h"
#include "daemon/endpoints.h"
#include "daemon/json_tree.h"

namespace clasp::daemon {

HttpAnswer Endpoints::server_info() const {
  const config::BackendSettings& backend = catalog_->backends.front().settings;
  const JsonPtr root(json_pack(
      "{s:s, s:o, s:o, s:s, s:{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}}", "name", "CLASP",
      "version", text_value(facts_.version), "provider", text_value(backend.provider), "status",
      leaves() ? "draining" : "running", "endpoints", "messages", "/v1/messages", "count_tokens",
      "/v1/messages/count_tokens", "models", "/v1/models", "health", "/health", "providers_health",
      "/providers/health", "metrics", "/metrics", "metrics_prometheus", "/metrics/prometheus",
      "costs", "/costs", "info", "/"));
  return answer(200, dump_json(root));
}

HealthFacts Endpoints::health_facts() const {
  return {facts_.version, facts_.started, services_.scheduler.now(), leaves()};
}

HttpAnswer Endpoints::health() const {
  const HealthFacts facts = health_facts();
  return answer(leaves() ? 503 : 200, render_health(*catalog_, desk_.snapshot(facts.now), facts));
}

HttpAnswer Endpoints::providers_health() const {
  const HealthFacts facts = health_facts();
  return answer(leaves() ? 503 : 200,
                render_providers_health(*catalog_, desk_.snapshot(facts.now), facts));
}

HttpAnswer Endpoints::costs() const {
  return answer(200, exchange::render_costs(costs_.snapshot(), catalog_->settings->auth.clients,
                                            services_.scheduler.unix_seconds()));
}

// For load balancers: whether to send requests here.
HttpAnswer Endpoints::ready() const {
  return leaves() ? answer(503, R"({"status":"draining"})") : answer(200, R"({"status":"ready"})");
}

// What the client may ask for.
std::vector<exchange::ListedModel> Endpoints::models_for(const exchange::RequestHead& head) const {
  std::vector<exchange::ListedModel> list = models_;
  if (head.client)
    std::erase_if(list, [&head](const exchange::ListedModel& one) {
      return !policy::may_ask_for(*head.client, one.id);
    });
  return list;
}

HttpAnswer Endpoints::model(const exchange::RequestHead& head) const {
  const std::string_view id = std::string_view(head.path).substr(head.path.rfind('/') + 1);
  if (auto body = exchange::render_model(models_for(head), id))
    return answer(200, std::move(*body));
  return error_answer(wire::make_error(wire::ErrorType::not_found, "no such model"), head.path);
}

HttpAnswer Endpoints::count_tokens(const exchange::RequestHead& head, const std::string& body,
                                   std::optional<std::int64_t> counted) const {
  std::string plain;
  const auto parsed = wire::parse_plain_request(body, true, plain);
  if (!parsed) return error_answer(parsed.error(), "");
  if (head.client && !policy::may_ask_for(*head.client, parsed->model))
    return error_answer(policy::model_refusal(parsed->model), "");
  // What may be cleared from the context depends on the backend.
  const auto candidate = exchange::choose_candidate(*catalog_, parsed->model);
  if (!candidate) return error_answer(candidate.error(), "");
  const auto count = translate::count_tokens(
      *parsed, translate::with_family_replay(candidate->facts->dialect, candidate->model));
  if (!count) return error_answer(count.error(), "");
  const std::string& name = candidate->backend->settings.name;
  if (counted) services_.calibration.learn(name, candidate->model, count->input_tokens, *counted);
  const std::int64_t shown =
      counted ? *counted
              : services_.calibration.correct(name, candidate->model, count->input_tokens);
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

std::unique_ptr<exchange::RequestTask> Endpoints::ask_for_count(const exchange::RequestHead& head,
                                                                const std::string& body,
                                                                exchange::ClientStream& stream) {
  // Clients send many of these at once: no backend is asked more than this, and what is more than
  // we do is estimated.
  constexpr int kMostAsked = 8, kMostAtOnce = 64;
  if (*counting_ >= kMostAtOnce || !exchange::may_count(*catalog_)) return nullptr;
  std::string plain;
  const auto parsed = wire::parse_plain_request(body, true, plain);
  if (!parsed || (head.client && !policy::may_ask_for(*head.client, parsed->model))) return nullptr;
  const auto candidate = exchange::choose_candidate(*catalog_, parsed->model);
  if (!candidate) return nullptr;
  auto plan = exchange::make_count_plan(*catalog_, *candidate, *parsed, {});
  if (*counting_ >= kMostAsked) plan.call.reset();
  if (plan.empty()) return nullptr;
  ++*counting_;
  // Given back when the task goes, however that comes.
  const std::shared_ptr<void> place(nullptr, [count = counting_](void*) { --*count; });
  auto task = std::make_unique<exchange::TokenCount>(
      services_.scheduler, services_.backend, services_.counter, slow_counters_,
      [this, head, body, place, &stream](std::optional<std::int64_t> counted) {
        const HttpAnswer out = count_tokens(head, body, counted);
        metrics_.meter.on_answer(static_cast<std::uint8_t>(exchange::Endpoint::count_tokens),
                                 out.status);
        stream.answer(out.status, out.headers, out.body);
      });
  return task->start(std::move(plan)) ? std::move(task) : nullptr;
}

}  // namespace clasp::daemon
