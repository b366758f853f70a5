// See the header.
#include "backend_certificates.h"

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>

namespace clasp::daemon::test {
namespace {

void add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const e = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
  REQUIRE(e != nullptr);
  X509_add_ext(certificate, e, -1);
  X509_EXTENSION_free(e);
}

X509* make_certificate(const std::string& name, EVP_PKEY* key, const CertificateOrder& order) {
  static long serial = 1;
  X509* const certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), order.valid_from);
  X509_gmtime_adj(X509_getm_notAfter(certificate), order.valid_to);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return certificate;
}

void sign(X509* certificate, X509* issuer, EVP_PKEY* key) {
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  REQUIRE(X509_sign(certificate, key, EVP_sha256()) > 0);
}

}  // namespace

Authority::Authority() : key_(EVP_EC_gen("P-256")) {
  static int count = 0;
  certificate_ = make_certificate("clasp test authority " + std::to_string(++count), key_, {});
  add_extension(certificate_, certificate_, NID_basic_constraints, "critical,CA:TRUE");
  sign(certificate_, certificate_, key_);
  char path[] = "/tmp/clasp-test-ca-XXXXXX";
  std::FILE* const file = fdopen(mkstemp(path), "w");
  REQUIRE(file != nullptr);
  PEM_write_X509(file, certificate_);
  std::fclose(file);
  file_ = path;
}

Authority::~Authority() {
  std::remove(file_.c_str());
  for (const std::string& file : written_) std::remove(file.c_str());
  X509_free(certificate_);
  EVP_PKEY_free(key_);
}

X509* Authority::issue(EVP_PKEY* key, const CertificateOrder& order) const {
  X509* const certificate = make_certificate(order.subject, key, order);
  if (!order.alternative_names.empty())
    add_extension(certificate, certificate_, NID_subject_alt_name, order.alternative_names);
  if (!order.usage.empty())
    add_extension(certificate, certificate_, NID_ext_key_usage, order.usage);
  if (order.self_signed)
    sign(certificate, certificate, key);
  else
    sign(certificate, certificate_, key_);
  return certificate;
}

CertificateFiles Authority::files(const CertificateOrder& order) const {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = issue(key, order);
  const auto write = [&](const std::function<void(std::FILE*)>& content) {
    char path[] = "/tmp/clasp-test-pem-XXXXXX";
    std::FILE* const file = fdopen(mkstemp(path), "w");
    REQUIRE(file != nullptr);
    content(file);
    std::fclose(file);
    return written_.emplace_back(path);
  };
  CertificateFiles out;
  out.certificate = write([&](std::FILE* file) {
    PEM_write_X509(file, certificate);
    if (!order.self_signed) PEM_write_X509(file, certificate_);
  });
  out.private_key = write([&](std::FILE* file) {
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
  X509_free(certificate);
  EVP_PKEY_free(key);
  return out;
}

std::shared_ptr<SSL_CTX> Authority::server(const CertificateOrder& order) const {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = issue(key, order);
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  SSL_CTX_use_certificate(context.get(), certificate);
  SSL_CTX_use_PrivateKey(context.get(), key);
  static const unsigned char id[] = "test";
  SSL_CTX_set_session_id_context(context.get(), id, sizeof id);
  if (order.only_tls12) SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return context;
}

}  // namespace clasp::daemon::test
