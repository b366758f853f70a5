// What comes before HTTP on a new connection: the PROXY header of a load balancer and the TLS
// handshake. It reads not one byte more than that, so that nothing has to be handed on.
#pragma once

#include <string>

#include "daemon/http_engine.h"

namespace clasp::daemon {

class Preface {
 public:
  explicit Preface(EngineConnection& link);

  enum class State {
    waiting,     // until the connection is readable (or writable, of which the link tells)
    ready,       // HTTP may begin
    plain_http,  // a request in the clear came to a port for HTTPS
    refused,     // error() says why; there may be an alert on the way to the peer
    gone,        // the peer left without a word
  };
  State advance();
  // A whole line for the log, without the peer's address.
  const std::string& error() const { return error_; }
  // Of an administrator's interest, not only of the peer's.
  bool is_misdirected() const { return misdirected_; }

 private:
  bool is_trusted() const;
  State read_proxy_header();
  State start_tls();
  State refuse_header(const std::string& why);

  EngineConnection& link_;
  bool wants_header_;
  bool wants_tls_;
  bool misdirected_ = false;
  std::string header_;
  std::string error_;
};

}  // namespace clasp::daemon
