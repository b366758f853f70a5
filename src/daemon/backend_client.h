// The worker's HTTP/1.1 client towards backends: the daemon's BackendPort. It opens, keeps and
// closes connections and moves bytes; it does not retry answers, follow redirects, or know what
// the bytes mean.
#pragma once

#include <event2/event.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/count.h"
#include "base/scheduler.h"
#include "core/exchange/ports.h"
#include "core/wire/proxy_rule.h"
#include "core/wire/url.h"
#include "daemon/backend_pool.h"
#include "daemon/connection_watch.h"
#include "daemon/resolver.h"
#include "daemon/tls.h"

namespace clasp::daemon {

struct BackendClientOptions {
  std::string ca_file;  // CA certificates beside the system's, empty for none
  BackendPool::Limits pool;
  wire::ProxySettings proxy;
  // Asked for every address of a host before any is connected to; empty: all are good.
  std::function<bool(const IpAddress&)> may_connect;
  ConnectionWatch* watch = nullptr;  // may be missing; outlives the client
};

// Readable from any thread.
struct BackendCounters {
  Count opened;   // connections
  Count reused;   // calls on a connection from the pool
  Count retried;  // begun again on another connection
  Count lookups;  // names the cache did not know
  Count bytes_in, bytes_out;
  Count idle;    // connections in the pool now
  Count active;  // calls that exist now
};

// A URL as it will be called: an immutable value shared by the calls that use it.
struct BackendRoute {
  wire::Url url;
  std::optional<wire::Url> proxy;
  std::string authority;            // Host field
  std::string origin;               // key of pool and TLS sessions
  std::string target;               // origin form, or absolute for a plain proxy
  std::string proxy_authorization;  // for that absolute form
  bool needs_tunnel() const { return proxy && url.is_https(); }
};

class BackendCallImpl;
class LingeringCall;

// One per loop, used by that loop's thread only. Every BackendCall must be destroyed before it.
class BackendClient final : public exchange::BackendPort {
 public:
  BackendClient(event_base* base, Scheduler& scheduler, Resolver& resolver,
                BackendClientOptions options);
  ~BackendClient() override;
  BackendClient(const BackendClient&) = delete;
  BackendClient& operator=(const BackendClient&) = delete;

  // pause() takes effect after the read that is being told: its head, body and end still come.
  std::unique_ptr<exchange::BackendCall> start(exchange::BackendRequest request,
                                               exchange::BackendEvents& events) override;

  // From any thread.
  BackendCounters counters() const;
  void close_idle() { pool_.clear(); }

 private:
  friend class BackendCallImpl;
  friend class BackendCallHandle;
  friend class LingeringCall;
  static constexpr std::size_t kScratch = 256 * 1024;

  Result<std::shared_ptr<const BackendRoute>> route(const std::string& url);
  char* scratch();
  void release(std::unique_ptr<BackendCallImpl> call);
  void linger(std::unique_ptr<BackendCallImpl> call);
  void end_linger(LingeringCall* call);

  event_base* base_;
  Scheduler& scheduler_;
  wire::ProxyRules proxies_;
  const std::function<bool(const IpAddress&)> may_connect_;
  ConnectionWatch* const watch_;
  BackendCounters counters_;
  std::unordered_map<std::string, std::shared_ptr<const BackendRoute>> routes_;
  std::unique_ptr<char[]> scratch_;  // every read of this loop goes through it
  LoopResolver names_;
  TlsContext tls_;
  BackendPool pool_;
  std::unique_ptr<BackendCallImpl> released_;  // destroyed by its owner inside its own callback
  std::vector<std::unique_ptr<LingeringCall>> lingering_;
};

}  // namespace clasp::daemon
