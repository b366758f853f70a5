// See prober.h.
#include "daemon/prober.h"

#include <optional>

#include "core/exchange/outcomes.h"

namespace clasp::daemon {

// The probe of one backend. The status is all that counts: a call ends with it.
class Prober::Probe final : private exchange::BackendEvents {
 public:
  Probe(Prober& owner, std::size_t index) : owner_(owner), index_(index) {}

  void start() {
    if (call_) return;  // the last one still runs; its own limits end it
    exchange::BackendRequest request =
        exchange::make_models_request(*owner_.catalog_, owner_.catalog_->backends[index_]);
    const std::int64_t limit = owner_.catalog_->settings->health_check.timeout_ms;
    request.timeouts = {limit, limit, limit, limit};
    call_ = owner_.backend_.start(std::move(request), *this);
    deadline_ = owner_.scheduler_.after(Duration{limit}, [this] {
      exchange::BackendFailure failure;
      failure.kind = exchange::FailureKind::timeout;
      end(exchange::outcome_of(failure, false));
    });
  }

 private:
  void on_backend_head(int status, wire::Headers) override {
    policy::Outcome outcome;
    // A server without such a list is there all the same.
    const bool there = status < 400 || status == 404 || status == 405;
    outcome.kind = there ? policy::OutcomeKind::success : policy::OutcomeKind::status;
    outcome.status = status;
    // Without a key of ours to ask with, "no key" is the answer of one that works.
    const auto& backend = owner_.catalog_->backends[index_].settings;
    outcome.clients_key = backend.pass_client_key && backend.api_key.empty();
    end(outcome);
  }
  void on_backend_body(std::string_view) override {}
  void on_backend_end() override {}
  void on_backend_failed(const exchange::BackendFailure& failure) override {
    end(exchange::outcome_of(failure, false));
  }

  void end(const policy::Outcome& outcome) {
    deadline_.reset();
    call_.reset();
    owner_.desk_.on_probe(owner_.catalog_->desk_ids[index_], outcome, owner_.scheduler_.now());
  }

  Prober& owner_;
  const std::size_t index_;
  std::unique_ptr<exchange::BackendCall> call_;
  TimerHandle deadline_;
};

Prober::Prober(exchange::CatalogPtr catalog, exchange::BackendPort& backend, SharedDesk& desk,
               Scheduler& scheduler)
    : catalog_(std::move(catalog)), backend_(backend), desk_(desk), scheduler_(scheduler) {
  for (std::size_t i = 0; i < catalog_->backends.size(); ++i)
    if (catalog_->backends[i].settings.provider != "demo")
      probes_.push_back(std::make_unique<Probe>(*this, i));
  probe_all();
}

Prober::~Prober() = default;

void Prober::probe_all() {
  for (const auto& probe : probes_) probe->start();
  timer_ = scheduler_.after(Duration{catalog_->settings->health_check.interval_ms},
                            [this] { probe_all(); });
}

}  // namespace clasp::daemon
