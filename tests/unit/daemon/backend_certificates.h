// A certificate authority in memory and server contexts with certificates of it, for tests.
#pragma once

#include <memory>
#include <string>
#include <vector>

struct ssl_ctx_st;
struct evp_pkey_st;
struct x509_st;

namespace clasp::daemon::test {

struct CertificateOrder {
  std::string alternative_names = "IP:127.0.0.1,DNS:api.test";  // as openssl writes them
  long valid_from = -86'400;                                    // seconds from now
  long valid_to = 86'400;
  bool self_signed = false;
  bool only_tls12 = false;
  std::string subject = "clasp test server";
  std::string usage = {};  // extended, as openssl writes it; empty: any
};

// Names of PEM files that are removed with the authority.
struct CertificateFiles {
  std::string certificate, private_key;
};

class Authority {
 public:
  Authority();
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  // A PEM file with the authority's certificate, removed with this object.
  const std::string& file() const { return file_; }
  // The certificate's file also holds the authority's, as a chain.
  CertificateFiles files(const CertificateOrder& order = {}) const;
  std::shared_ptr<ssl_ctx_st> server(const CertificateOrder& order = {}) const;

 private:
  x509_st* issue(evp_pkey_st* key, const CertificateOrder& order) const;

  evp_pkey_st* key_;
  x509_st* certificate_;
  std::string file_;
  mutable std::vector<std::string> written_;
};

}  // namespace clasp::daemon::test
