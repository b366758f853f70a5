// The clients' side of TLS: what a listener shows and asks for, and sessions over an accepted,
// non-blocking descriptor. It owns no descriptor and no event. SIGPIPE must be ignored.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/settings.h"
#include "daemon/tls.h"
#include "daemon/tls_certificate.h"

namespace clasp::daemon {

class TlsServer;

// One connection. Keeps its server alive.
class TlsServerSession {
 public:
  ~TlsServerSession();
  TlsServerSession(const TlsServerSession&) = delete;
  TlsServerSession& operator=(const TlsServerSession&) = delete;

  IoResult handshake();
  // Fills as much of the buffer as has arrived.
  IoResult read(char* data, std::size_t size);
  // After want_write, must be called again with bytes that begin with the same ones.
  IoResult write(const unsigned char* data, std::size_t size);
  // Bytes are here already that no event of the descriptor will announce.
  bool has_pending() const;
  bool has_ended() const { return ended_; }
  // Sends close_notify if that needs no waiting.
  void say_goodbye();
  // Common name of the client's certificate, which was checked; empty when there is none, or when
  // it has not exactly one.
  std::string certificate_name() const;
  const std::string& error() const { return error_; }

 private:
  friend class TlsServer;
  TlsServerSession(std::shared_ptr<const TlsServer> server,
                   std::unique_ptr<ssl_st, SslDeleter> ssl);
  IoResult explain(int returned);

  std::shared_ptr<const TlsServer> server_;
  std::unique_ptr<ssl_st, SslDeleter> ssl_;
  std::string error_;
  bool in_handshake_ = true;
  bool ended_ = false;  // OpenSSL must not be asked again
  IoStatus end_ = IoStatus::failed;
};

// Immutable; shared by all workers.
class TlsServer : public std::enable_shared_from_this<TlsServer> {
 public:
  // Reads and checks all files. What is wrong but no reason to stop is added to `warnings`; the
  // dates of certificates are not, see below.
  static Result<std::shared_ptr<const TlsServer>> make(const config::ListenerTls& settings,
                                                       std::vector<std::string>& warnings);
  Result<std::unique_ptr<TlsServerSession>> make_session(int fd) const;
  // Which certificates are expired, or not valid yet, at this moment.
  std::vector<std::string> date_warnings() const;

 private:
  using ContextPtr = std::unique_ptr<ssl_ctx_st, SslContextDeleter>;
  TlsServer() = default;
  Result<ContextPtr> make_context(const config::ListenerTls& settings,
                                  const LoadedCertificate& certificate) const;
  static int on_server_name_thunk(ssl_st* ssl, int* alert, void* self) noexcept;
  void choose(ssl_st* ssl) const;

  std::vector<LoadedCertificate> certificates_;
  std::vector<ContextPtr> contexts_;  // of the same index
};

}  // namespace clasp::daemon
