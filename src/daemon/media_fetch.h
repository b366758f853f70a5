// One file from the Internet: GET, redirects, one limit for time and one for bytes. What may be
// asked for is policy/fetch_rule's; which addresses may be called is the client's that it is given.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/scheduler.h"
#include "core/exchange/ports.h"
#include "core/wire/url.h"

namespace clasp::daemon {

class MediaFetch final : public exchange::BackendEvents {
 public:
  // The bytes, or a problem in words for the client. Called once, never from inside start(); this
  // may be destroyed inside.
  using Done = std::function<void(std::string bytes, std::string problem)>;
  static constexpr Duration kTime{5'000};

  MediaFetch(exchange::BackendPort& network, Scheduler& scheduler, wire::Url url, Done done);
  void start();

  void on_backend_head(int status, wire::Headers headers) override;
  void on_backend_body(std::string_view bytes) override;
  void on_backend_end() override;
  void on_backend_failed(const exchange::BackendFailure& failure) override;

 private:
  void call();
  void finish(std::string problem);

  exchange::BackendPort& network_;
  Scheduler& scheduler_;
  wire::Url url_;
  Done done_;
  int redirects_ = 0;
  std::string bytes_;
  std::unique_ptr<exchange::BackendCall> call_;
  TimerHandle deadline_;
};

}  // namespace clasp::daemon
