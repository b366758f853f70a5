// OpenSSL behind TlsContext and TlsSession. See the header.
#include "daemon/tls.h"

#include <dirent.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <ctime>

#include "core/wire/url.h"
#include "daemon/error_text.h"

namespace clasp::daemon {
namespace {

constexpr std::size_t kMaxSessions = 256;
constexpr int kReadBuffer = 32 * 1024;
constexpr unsigned char kAlpn[] = "\x08http/1.1";

std::string reason_of(unsigned long code) {
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return reason != nullptr ? reason : "unknown error";
}

// Whether a directory is one that OpenSSL can look certificates up in by hash ("002c0b4f.0").
bool is_hashed_directory(const char* path) {
  DIR* const directory = opendir(path);
  if (directory == nullptr) return false;
  bool found = false;
  while (const dirent* entry = found ? nullptr : readdir(directory)) {
    const std::string_view name = entry->d_name;
    found = name.size() == 10 && name[8] == '.' && name[9] >= '0' && name[9] <= '9' &&
            name.find_first_not_of("0123456789abcdef") == 8;
  }
  closedir(directory);
  return found;
}

// The hashed directory costs one small file per issuer met; the bundle would be parsed whole.
bool load_system_certificates(SSL_CTX* context) {
  const char* const directory = getenv(X509_get_default_cert_dir_env());
  const char* const file = getenv(X509_get_default_cert_file_env());
  if (file != nullptr && SSL_CTX_load_verify_file(context, file) != 1) return false;
  if (is_hashed_directory(directory != nullptr ? directory : X509_get_default_cert_dir()))
    return SSL_CTX_set_default_verify_dir(context) == 1;
  return file != nullptr || SSL_CTX_set_default_verify_file(context) == 1;
}

bool configure(SSL_CTX* context) {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  // One system call fetches several records instead of two for each.
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, kReadBuffer);
  return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
         SSL_CTX_set_alpn_protos(context, kAlpn, sizeof kAlpn - 1) == 0;
}

// The name or address to verify; a name is also sent, so that the server can choose by it.
bool set_peer(SSL* ssl, const std::string& host) {
  if (wire::is_ip_literal(host))
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, host.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}

std::string render_verify_error(long code) {
  switch (code) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
      return "host name mismatch";
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "IP address mismatch";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
      return "issued by an unknown authority (is its CA file configured?)";
    default:
      return X509_verify_cert_error_string(code);
  }
}

}  // namespace

void SslDeleter::operator()(SSL* ssl) const {
  SSL_free(ssl);
}
void SslContextDeleter::operator()(SSL_CTX* context) const {
  SSL_CTX_free(context);
}
void SslSessionDeleter::operator()(SSL_SESSION* session) const {
  SSL_SESSION_free(session);
}

// ---- one connection --------------------------------------------------------------------------

TlsSession::TlsSession(TlsContext& context, std::unique_ptr<SSL, SslDeleter> ssl, std::string host,
                       std::string key)
    : context_(context), ssl_(std::move(ssl)), host_(std::move(host)), key_(std::move(key)) {
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_connect_state(ssl_.get());
}

// Without the mark OpenSSL takes an unfinished goodbye for an attack and spoils the kept session.
TlsSession::~TlsSession() {
  if (!in_handshake_ && !(ended_ && end_ == IoStatus::failed))
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

IoResult TlsSession::handshake() {
  ERR_clear_error();
  const int returned = SSL_do_handshake(ssl_.get());
  if (returned != 1) return explain(returned);
  in_handshake_ = false;
  return {IoStatus::done, 0};
}

IoResult TlsSession::read(char* data, std::size_t size) {
  std::size_t total = 0;
  while (total < size && !ended_) {
    ERR_clear_error();
    std::size_t n = 0;
    const int returned = SSL_read_ex(ssl_.get(), data + total, size - total, &n);
    total += n;
    if (returned == 1) continue;
    const IoResult stop = explain(returned);
    if (total == 0) return stop;
    break;
  }
  if (total == 0) return {end_, 0};
  return {IoStatus::done, total};
}

IoResult TlsSession::write(const char* data, std::size_t size) {
  if (ended_) return {end_, 0};
  ERR_clear_error();
  std::size_t n = 0;
  const int returned = SSL_write_ex(ssl_.get(), data, size, &n);
  return returned == 1 ? IoResult{IoStatus::done, n} : explain(returned, true);
}

bool TlsSession::has_pending() const {
  return ended_ || SSL_has_pending(ssl_.get()) == 1;
}

void TlsSession::say_goodbye() {
  if (in_handshake_ || ended_) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
}

// Called by OpenSSL when a session may be resumed later; 1 means that the reference is kept.
int TlsSession::on_new_session_thunk(SSL* ssl, SSL_SESSION* session) noexcept {
  auto* self = static_cast<TlsSession*>(SSL_get_app_data(ssl));
  self->context_.keep_session(self->key_, session);
  return 1;
}

bool TlsSession::was_resumed() const {
  return SSL_session_reused(ssl_.get()) == 1;
}

namespace {

std::string common_name(const X509_NAME* name) {
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) return {};
  const ASN1_STRING* text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::vector<std::string> names_of(const X509* certificate) {
  constexpr std::size_t kMostNames = 5;
  std::vector<std::string> names;
  auto* list = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(list) && names.size() < kMostNames; ++i) {
    const GENERAL_NAME* one = sk_GENERAL_NAME_value(list, i);
    if (one->type == GEN_DNS)
      names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(one->d.dNSName)),
                         static_cast<std::size_t>(ASN1_STRING_length(one->d.dNSName)));
  }
  GENERAL_NAMES_free(list);
  return names;
}

}  // namespace

// The chain is there after a failed verification too, unlike the peer's certificate.
TlsFacts TlsSession::facts() const {
  TlsFacts facts;
  facts.version = SSL_get_version(ssl_.get());
  if (const char* cipher = SSL_get_cipher_name(ssl_.get())) facts.cipher = cipher;
  const STACK_OF(X509)* chain = SSL_get0_verified_chain(ssl_.get());
  const X509* leaf = sk_X509_num(chain) > 0 ? sk_X509_value(chain, 0) : nullptr;
  if (leaf == nullptr) leaf = SSL_get0_peer_certificate(ssl_.get());
  if (leaf == nullptr) return facts;
  facts.subject = common_name(X509_get_subject_name(leaf));
  facts.issuer = common_name(X509_get_issuer_name(leaf));
  facts.names = names_of(leaf);
  std::tm end{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &end) == 1) facts.expires = timegm(&end);
  return facts;
}

IoResult TlsSession::explain(int returned, bool is_write) {
  const int saved_errno = errno;
  const unsigned long code = ERR_peek_last_error();  // the outermost one
  switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
      return {IoStatus::want_read, 0};
    case SSL_ERROR_WANT_WRITE:
      return {IoStatus::want_write, 0};
    case SSL_ERROR_ZERO_RETURN:
      end_ = IoStatus::eof;
      break;
    case SSL_ERROR_SSL:
      if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        end_ = IoStatus::truncated;
      else
        error_ = "TLS: " + reason_of(code);
      break;
    default:
      // An answer that came before the peer stopped reading can still be read.
      if (is_write) return {IoStatus::failed, 0};
      if (saved_errno == 0)
        end_ = IoStatus::truncated;
      else
        error_ = describe_errno(saved_errno);
  }
  ended_ = true;
  if (in_handshake_) {
    explain_handshake(code);
    end_ = IoStatus::failed;
  }
  return {end_, 0};
}

void TlsSession::explain_handshake(unsigned long code) {
  context_.sessions_.erase(key_);  // whatever went wrong, the next one starts afresh
  const long verified = SSL_get_verify_result(ssl_.get());
  if (verified != X509_V_OK) {
    error_ = "certificate of " + host_ + ": " + render_verify_error(verified);
    return;
  }
  std::string what = error_;
  if (end_ == IoStatus::truncated || end_ == IoStatus::eof) what = "connection closed";
  if (ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER)
    what = "the other side does not speak TLS";
  error_ = "TLS handshake with " + host_ + ": " + what;
}

// ---- context ---------------------------------------------------------------------------------

TlsContext::~TlsContext() = default;

Result<void> TlsContext::load() {
  if (context_) return {};
  ERR_clear_error();
  std::unique_ptr<SSL_CTX, SslContextDeleter> context(SSL_CTX_new(TLS_client_method()));
  if (!context || !configure(context.get()))
    return fail("TLS: the library refused its set-up: " + reason_of(ERR_peek_error()));
  SSL_CTX_sess_set_new_cb(context.get(), TlsSession::on_new_session_thunk);
  if (!load_system_certificates(context.get()))
    return fail("TLS: the system's CA certificates cannot be read; install ca-certificates");
  if (!ca_file_.empty() && SSL_CTX_load_verify_file(context.get(), ca_file_.c_str()) != 1)
    return fail("TLS: CA file " + ca_file_ + ": " + reason_of(ERR_peek_error()));
  context_ = std::move(context);
  return {};
}

Result<std::unique_ptr<TlsSession>> TlsContext::make_session(int fd, const std::string& host,
                                                             const std::string& key) {
  if (auto loaded = load(); !loaded) return tl::unexpected(loaded.error());
  ERR_clear_error();
  std::unique_ptr<SSL, SslDeleter> ssl(SSL_new(context_.get()));
  if (!ssl || SSL_set_fd(ssl.get(), fd) != 1 || !set_peer(ssl.get(), host))
    return fail("TLS: " + reason_of(ERR_peek_error()));
  if (const auto it = sessions_.find(key); it != sessions_.end())
    SSL_set_session(ssl.get(), it->second.get());
  return std::unique_ptr<TlsSession>(new TlsSession(*this, std::move(ssl), host, key));
}

void TlsContext::keep_session(const std::string& key, SSL_SESSION* session) {
  if (sessions_.size() >= kMaxSessions && !sessions_.contains(key)) sessions_.clear();
  sessions_[key].reset(session);
}

}  // namespace clasp::daemon
