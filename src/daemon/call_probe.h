// Watches one call after the other on its way to a backend and back, and writes down what happened
// step by step: name, connection, proxy, TLS, HTTP. A port in front of the network's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/scheduler.h"
#include "core/exchange/ports.h"
#include "daemon/connection_watch.h"
#include "daemon/tls.h"

namespace clasp::daemon {

struct TestStep {
  enum class Kind { resolve, connect, proxy, tls, http, answer };
  Kind kind = Kind::resolve;
  bool over = false, good = false;
  TimePoint begun{};
  std::int64_t us = 0;
  std::string cause, remedy;           // where it is not good
  std::string host;                    // resolve
  std::vector<std::string> addresses;  // resolve
  std::string address;                 // connect: the one that answered
  TlsFacts tls;
  int status = 0;            // http
  std::string content_type;  // http
  std::string path;          // http: that was asked, without its query
};
std::string_view step_name(TestStep::Kind kind);

class CallProbe final : public exchange::BackendPort, public ConnectionWatch {
 public:
  // Both outlive it; set_port() before the first call.
  explicit CallProbe(Scheduler& scheduler) : scheduler_(scheduler) {}
  void set_port(exchange::BackendPort& port) { port_ = &port; }

  // Of the last call; `answer` is the caller's.
  const std::vector<TestStep>& steps() const { return steps_; }
  int calls() const { return calls_; }
  // How the last call ended, where it did with a failure.
  const std::unique_ptr<exchange::BackendFailure>& failure() const { return failure_; }
  int status() const { return status_; }

  std::unique_ptr<exchange::BackendCall> start(exchange::BackendRequest request,
                                               exchange::BackendEvents& events) override;
  void on_resolved(const std::string& host, const NameAnswer& answer) override;
  void on_connected(int fd) override;
  void on_tunnel() override;
  void on_handshake(const TlsSession& session, bool good) override;

 private:
  class Call;
  void begin(TestStep::Kind kind);
  void end(bool good);
  void on_head(int status, const wire::Headers& headers);
  void on_failed(const exchange::BackendFailure& failure);

  Scheduler& scheduler_;
  exchange::BackendPort* port_ = nullptr;
  std::vector<TestStep> steps_;
  std::unique_ptr<exchange::BackendFailure> failure_;
  bool https_ = false;
  std::string path_;
  int status_ = 0;
  int calls_ = 0;
};

}  // namespace clasp::daemon
