// Hears how the calls of one backend client come to their connections. For tests that an operator
// asks for; where nobody listens it costs a comparison for each new connection.
#pragma once

#include <string>

namespace clasp::daemon {

struct NameAnswer;
class TlsSession;

class ConnectionWatch {
 public:
  virtual ~ConnectionWatch() = default;
  virtual void on_resolved(const std::string& host, const NameAnswer& answer) = 0;
  virtual void on_connected(int fd) = 0;
  virtual void on_tunnel() = 0;  // the proxy has let the call through
  // The handshake is over, one way or the other.
  virtual void on_handshake(const TlsSession& session, bool good) = 0;
};

}  // namespace clasp::daemon
