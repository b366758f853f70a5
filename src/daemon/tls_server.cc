// See tls_server.h.
#include "daemon/tls_server.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "daemon/error_text.h"

namespace clasp::daemon {
namespace {

constexpr int kReadBuffer = 32 * 1024;
constexpr long kTicketSeconds = 2 * 3600;
constexpr std::string_view kHttp = "http/1.1";
constexpr unsigned char kSessions[] = "clasp";

std::string reason_of(unsigned long code) {
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return reason != nullptr ? reason : "unknown error";
}

// Who offers only other protocols (HTTP/2 alone) cannot be served.
int on_alpn(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered,
            unsigned offered_size, void*) noexcept {
  for (unsigned at = 0; at < offered_size; at += 1u + offered[at]) {
    const std::string_view one(reinterpret_cast<const char*>(offered + at + 1), offered[at]);
    if (one != kHttp) continue;
    *out = offered + at + 1;
    *size = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool configure(SSL_CTX* context, const config::ListenerTls& settings) {
  SSL_CTX_set_security_level(context, std::max(2, SSL_CTX_get_security_level(context)));
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  // One system call fetches several records instead of two for each.
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, kReadBuffer);
  // Clients keep their sessions themselves, as tickets; only TLS 1.3 has any, see choose().
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(context, kSessions, sizeof kSessions - 1);
  SSL_CTX_set_timeout(context, kTicketSeconds);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_alpn_select_cb(context, &on_alpn, nullptr);
  return SSL_CTX_set_min_proto_version(
             context, settings.only_tls13 ? TLS1_3_VERSION : TLS1_2_VERSION) == 1 &&
         SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
         SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1;
}

Result<void> ask_for_certificates(SSL_CTX* context, const config::ListenerTls& settings) {
  if (settings.client_certificates == config::ClientCertificates::off) return {};
  const char* file = settings.client_ca.c_str();
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(file);
  if (names == nullptr || SSL_CTX_load_verify_file(context, file) != 1) {
    const unsigned long code = ERR_peek_error();
    const std::string why = ERR_GET_LIB(code) == ERR_LIB_SYS
                                ? describe_errno(ERR_GET_REASON(code))
                                : "it holds no certificates in PEM (" + reason_of(code) + ")";
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    ERR_clear_error();
    return fail("client_ca " + settings.client_ca + ": " + why);
  }
  SSL_CTX_set_client_CA_list(context, names);
  const bool required = settings.client_certificates == config::ClientCertificates::required;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
  return {};
}

}  // namespace

// ---- one connection --------------------------------------------------------------------------

TlsServerSession::TlsServerSession(std::shared_ptr<const TlsServer> server,
                                   std::unique_ptr<SSL, SslDeleter> ssl)
    : server_(std::move(server)), ssl_(std::move(ssl)) {
  SSL_set_accept_state(ssl_.get());
}

TlsServerSession::~TlsServerSession() = default;

IoResult TlsServerSession::handshake() {
  if (ended_) return {end_, 0};
  ERR_clear_error();
  const int returned = SSL_do_handshake(ssl_.get());
  if (returned != 1) return explain(returned);
  in_handshake_ = false;
  return {IoStatus::done, 0};
}

IoResult TlsServerSession::read(char* data, std::size_t size) {
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

IoResult TlsServerSession::write(const unsigned char* data, std::size_t size) {
  if (ended_ && end_ == IoStatus::failed) return {end_, 0};
  ERR_clear_error();
  std::size_t n = 0;
  const int returned = SSL_write_ex(ssl_.get(), data, size, &n);
  return returned == 1 ? IoResult{IoStatus::done, n} : explain(returned);
}

bool TlsServerSession::has_pending() const {
  return ended_ || SSL_has_pending(ssl_.get()) == 1;
}

void TlsServerSession::say_goodbye() {
  if (in_handshake_ || (ended_ && end_ == IoStatus::failed)) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

std::string TlsServerSession::certificate_name() const {
  X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr || SSL_get_verify_result(ssl_.get()) != X509_V_OK) return "";
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) return "";
  unsigned char* text = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size <= 0) return "";
  std::string name(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7F; };
  return std::any_of(name.begin(), name.end(), is_control) ? std::string() : name;
}

IoResult TlsServerSession::explain(int returned) {
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
        error_ = reason_of(code);
      break;
    default:
      if (saved_errno == 0)
        end_ = IoStatus::truncated;
      else
        error_ = describe_errno(saved_errno);
  }
  ended_ = true;
  ERR_clear_error();
  if (!in_handshake_) return {end_, 0};
  if (end_ != IoStatus::failed) error_ = "the connection was closed";
  end_ = IoStatus::failed;
  if (const long verified = SSL_get_verify_result(ssl_.get()); verified != X509_V_OK)
    error_ = std::string("client certificate: ") + X509_verify_cert_error_string(verified);
  return {end_, 0};
}

// ---- server ----------------------------------------------------------------------------------

Result<std::shared_ptr<const TlsServer>> TlsServer::make(const config::ListenerTls& settings,
                                                         std::vector<std::string>& warnings) {
  std::shared_ptr<TlsServer> server(new TlsServer);
  for (const config::CertificateFiles& files : settings.certificates) {
    auto loaded = load_certificate(files, warnings);
    if (!loaded) return tl::unexpected(loaded.error());
    auto context = server->make_context(settings, *loaded);
    if (!context) return tl::unexpected(context.error());
    server->certificates_.push_back(std::move(*loaded));
    server->contexts_.push_back(std::move(*context));
  }
  if (server->contexts_.empty()) return fail("TLS: there is no certificate");
  SSL_CTX* first = server->contexts_.front().get();
  SSL_CTX_set_tlsext_servername_callback(first, &on_server_name_thunk);
  SSL_CTX_set_tlsext_servername_arg(first, server.get());
  return std::shared_ptr<const TlsServer>(std::move(server));
}

Result<TlsServer::ContextPtr> TlsServer::make_context(const config::ListenerTls& settings,
                                                      const LoadedCertificate& certificate) const {
  ERR_clear_error();
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (!context || !configure(context.get(), settings))
    return fail("TLS: the library refused its set-up: " + reason_of(ERR_peek_error()));
  if (auto asked = ask_for_certificates(context.get(), settings); !asked)
    return tl::unexpected(asked.error());
  bool accepted = SSL_CTX_use_certificate(context.get(), certificate.leaf.get()) == 1 &&
                  SSL_CTX_use_PrivateKey(context.get(), certificate.key.get()) == 1;
  for (const X509Ptr& one : certificate.chain)
    accepted = accepted && SSL_CTX_add1_chain_cert(context.get(), one.get()) == 1;
  if (accepted) return context;
  const std::string why = reason_of(ERR_peek_last_error());
  ERR_clear_error();
  return fail("certificate " + certificate.file + ": OpenSSL refuses it: " + why);
}

int TlsServer::on_server_name_thunk(SSL* ssl, int*, void* self) noexcept {
  static_cast<const TlsServer*>(self)->choose(ssl);
  return SSL_TLSEXT_ERR_OK;
}

// Called once per handshake, also when the client asks for no name.
void TlsServer::choose(SSL* ssl) const {
  // A ticket of TLS 1.2 would make one key, which lives as long as we do, the key to all that was
  // ever said; those of 1.3 only open a new exchange of keys.
  if (SSL_version(ssl) < TLS1_3_VERSION) SSL_set_options(ssl, SSL_OP_NO_TICKET);
  const char* asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (asked == nullptr || contexts_.size() < 2) return;
  std::string name = to_lower(asked);
  if (name.ends_with('.')) name.pop_back();
  for (const bool exact : {true, false})
    for (std::size_t i = 0; i < certificates_.size(); ++i)
      if (covers(certificates_[i], name, exact)) {
        if (i > 0) SSL_set_SSL_CTX(ssl, contexts_[i].get());
        return;
      }
}

Result<std::unique_ptr<TlsServerSession>> TlsServer::make_session(int fd) const {
  ERR_clear_error();
  std::unique_ptr<SSL, SslDeleter> ssl(SSL_new(contexts_.front().get()));
  if (!ssl || SSL_set_fd(ssl.get(), fd) != 1) return fail("TLS: " + reason_of(ERR_peek_error()));
  return std::unique_ptr<TlsServerSession>(
      new TlsServerSession(shared_from_this(), std::move(ssl)));
}

std::vector<std::string> TlsServer::date_warnings() const {
  std::vector<std::string> out;
  for (const LoadedCertificate& one : certificates_)
    if (std::string text = describe_dates(one); !text.empty()) out.push_back(std::move(text));
  return out;
}

}  // namespace clasp::daemon
