// What a listener does with new connections, as its configuration says: an immutable snapshot that
// is replaced at a reload. Connections keep the one that they came in by.
#pragma once

#include <memory>
#include <vector>

#include "base/network.h"
#include "config/settings.h"
#include "daemon/tls_server.h"

namespace clasp::daemon {

struct Entrance {
  config::Listener listener;
  std::shared_ptr<const TlsServer> tls;  // null: plain HTTP
  // Whose PROXY header is believed.
  std::vector<Network> trusted;
  bool trust_unix_sockets = false;
};

using EntrancePtr = std::shared_ptr<const Entrance>;

}  // namespace clasp::daemon
