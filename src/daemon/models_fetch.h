// A backend's own list of models, fetched once: for messages about names that it does not know.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/scheduler.h"
#include "core/exchange/ports.h"

namespace clasp::daemon {

// The names in the answer of GET /models, sorted.
std::vector<std::string> model_names(std::string_view body);

struct ModelsAnswer {
  int status = 0;  // 0: it did not answer
  std::vector<std::string> names;
};

class ModelsFetch final : private exchange::BackendEvents {
 public:
  // `done` is called once, later, and may destroy this.
  ModelsFetch(Scheduler& scheduler, std::function<void(ModelsAnswer)> done)
      : scheduler_(scheduler), done_(std::move(done)) {}
  void start(exchange::BackendPort& port, exchange::BackendRequest request, Duration limit);

 private:
  void on_backend_head(int status, wire::Headers headers) override;
  void on_backend_body(std::string_view bytes) override;
  void on_backend_end() override { end(); }
  void on_backend_failed(const exchange::BackendFailure& failure) override;
  void end();

  Scheduler& scheduler_;
  std::function<void(ModelsAnswer)> done_;
  std::unique_ptr<exchange::BackendCall> call_;
  TimerHandle limit_, end_;
  int status_ = 0;
  std::string body_;
};

}  // namespace clasp::daemon
