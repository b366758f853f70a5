// The backend side of TLS: one lazily made context per worker and sessions over a connected,
// non-blocking descriptor. The only file that knows OpenSSL's TLS API. It owns no descriptor and
// no event, and there is no switch to turn verification off. SIGPIPE must be ignored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

struct ssl_st;
struct ssl_ctx_st;
struct ssl_session_st;

namespace clasp::daemon {

enum class IoStatus {
  done,        // `bytes` were moved, at least one (a handshake: it is complete)
  want_read,   // nothing until the descriptor is readable
  want_write,  // nothing until it is writable
  eof,         // the peer ended properly
  truncated,   // TLS only: the connection ended without close_notify
  failed,      // error() tells
};

struct IoResult {
  IoStatus status = IoStatus::failed;
  std::size_t bytes = 0;
};

struct SslDeleter {
  void operator()(ssl_st* ssl) const;
};
struct SslContextDeleter {
  void operator()(ssl_ctx_st* context) const;
};
struct SslSessionDeleter {
  void operator()(ssl_session_st* session) const;
};

class TlsContext;

// What a handshake has agreed on and who the other side says it is, for people. Of one that failed
// as far as it came.
struct TlsFacts {
  std::string version, cipher;
  std::string subject, issuer;     // common names, may be empty
  std::vector<std::string> names;  // that the certificate is for, the first few
  std::int64_t expires = 0;        // Unix seconds; 0: no certificate came
};

// One connection. Must be destroyed before its context.
class TlsSession {
 public:
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  IoResult handshake();
  // Fills as much of the buffer as has arrived.
  IoResult read(char* data, std::size_t size);
  // After want_*, must be called again with bytes that begin with the same ones.
  IoResult write(const char* data, std::size_t size);
  // Bytes are here already that no event of the descriptor will announce.
  bool has_pending() const;
  bool has_ended() const { return ended_; }
  // Sends close_notify if that needs no waiting.
  void say_goodbye();
  bool was_resumed() const;
  TlsFacts facts() const;
  const std::string& error() const { return error_; }

 private:
  friend class TlsContext;
  TlsSession(TlsContext& context, std::unique_ptr<ssl_st, SslDeleter> ssl, std::string host,
             std::string key);
  static int on_new_session_thunk(ssl_st* ssl, ssl_session_st* session) noexcept;
  IoResult explain(int returned, bool is_write = false);
  void explain_handshake(unsigned long code);

  TlsContext& context_;
  std::unique_ptr<ssl_st, SslDeleter> ssl_;
  std::string host_;
  std::string key_;
  std::string error_;
  bool in_handshake_ = true;
  bool ended_ = false;  // OpenSSL must not be asked again
  IoStatus end_ = IoStatus::failed;
};

class TlsContext {
 public:
  // `ca_file`: more CA certificates than the system's, empty for none. Nothing is loaded yet.
  explicit TlsContext(std::string ca_file) : ca_file_(std::move(ca_file)) {}
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // `host`: the name or address the certificate must be for. `key`: sessions are resumed between
  // connections of the same key.
  Result<std::unique_ptr<TlsSession>> make_session(int fd, const std::string& host,
                                                   const std::string& key);

 private:
  friend class TlsSession;
  Result<void> load();
  void keep_session(const std::string& key, ssl_session_st* session);

  std::string ca_file_;
  std::unique_ptr<ssl_ctx_st, SslContextDeleter> context_;
  std::unordered_map<std::string, std::unique_ptr<ssl_session_st, SslSessionDeleter>> sessions_;
};

}  // namespace clasp::daemon
