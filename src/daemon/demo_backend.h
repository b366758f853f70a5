// A backend without a network: URLs of the scheme "demo" are answered by this program itself, as
// if a server had sent the bytes. It never opens a connection.
#pragma once

#include "base/scheduler.h"
#include "core/exchange/ports.h"

namespace clasp::daemon {

inline constexpr std::string_view kDemoUrl = "demo:";

class DemoBackend final : public exchange::BackendPort {
 public:
  explicit DemoBackend(Scheduler& scheduler) : scheduler_(scheduler) {}
  std::unique_ptr<exchange::BackendCall> start(exchange::BackendRequest request,
                                               exchange::BackendEvents& events) override;

 private:
  Scheduler& scheduler_;
};

// Sends demo URLs to the demo and all others to the network.
class BackendSwitch final : public exchange::BackendPort {
 public:
  BackendSwitch(exchange::BackendPort& demo, exchange::BackendPort& network)
      : demo_(demo), network_(network) {}
  std::unique_ptr<exchange::BackendCall> start(exchange::BackendRequest request,
                                               exchange::BackendEvents& events) override {
    exchange::BackendPort& port = request.url.starts_with(kDemoUrl) ? demo_ : network_;
    return port.start(std::move(request), events);
  }

 private:
  exchange::BackendPort& demo_;
  exchange::BackendPort& network_;
};

}  // namespace clasp::daemon
