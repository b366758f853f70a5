// Opens one TCP connection to the first of several addresses that answers. A second address is
// tried after a short while without waiting for the first to fail. It resolves no names.
#pragma once

#include <event2/event.h>

#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/scheduler.h"
#include "daemon/resolver.h"

namespace clasp::daemon {

struct ConnectFailure {
  bool timed_out = false;  // every address that was tried
  std::string message;     // "127.0.0.1:80: connection refused, [::1]:80: timed out after 10 s"
};

class ConnectorOwner {
 public:
  virtual ~ConnectorOwner() = default;
  // One of these, once, possibly from inside start(). The connector may be destroyed inside.
  virtual void on_connected(UniqueFd fd) = 0;
  virtual void on_connect_failed(const ConnectFailure& failure) = 0;
};

// Destroying it gives up every attempt.
class Connector {
 public:
  Connector(event_base* base, Scheduler& scheduler, ConnectorOwner& owner);
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  // `per_address` of zero: as long as the system tries.
  void start(std::vector<IpAddress> addresses, std::uint16_t port, Duration per_address);

 private:
  struct Attempt;
  enum class Launch { running, connected, failed };

  void go_on();
  Launch launch(const IpAddress& address);
  void on_writable(Attempt& attempt);
  void on_timeout(Attempt& attempt);
  void drop(const Attempt& attempt);
  void note_failure(const IpAddress& address, const std::string& why, bool timed_out);

  event_base* base_;
  Scheduler& scheduler_;
  ConnectorOwner& owner_;
  std::vector<IpAddress> addresses_;
  std::size_t next_ = 0;
  std::uint16_t port_ = 0;
  Duration per_address_{0};
  std::vector<std::unique_ptr<Attempt>> attempts_;
  TimerHandle stagger_;
  UniqueFd ready_;
  ConnectFailure failure_{true, ""};
};

}  // namespace clasp::daemon
