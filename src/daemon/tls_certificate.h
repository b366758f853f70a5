// Certificates and keys of listeners: PEM files read and checked, with words about what is wrong
// that an administrator can act on.
#pragma once

#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/settings.h"

struct x509_st;
struct evp_pkey_st;

namespace clasp::daemon {

struct X509Deleter {
  void operator()(x509_st* certificate) const;
};
struct KeyDeleter {
  void operator()(evp_pkey_st* key) const;
};
using X509Ptr = std::unique_ptr<x509_st, X509Deleter>;
using KeyPtr = std::unique_ptr<evp_pkey_st, KeyDeleter>;

struct LoadedCertificate {
  std::string file;
  X509Ptr leaf;
  KeyPtr key;                      // matches the leaf
  std::vector<X509Ptr> chain;      // as the file has it, without the leaf
  std::vector<std::string> names;  // of servers, lower case; "*.example.org" among them
};

// Reads and checks both files. Warns of a chain that is out of order, a key that everyone may read,
// a certificate without names.
Result<LoadedCertificate> load_certificate(const config::CertificateFiles& files,
                                           std::vector<std::string>& warnings);
// "" or that it is expired, will soon be, or is not valid yet.
std::string describe_dates(const LoadedCertificate& certificate);
// Whether one of its names is `host` (lower case, no dot at the end). A wildcard stands for exactly
// one label; `exact` leaves wildcards out.
bool covers(const LoadedCertificate& certificate, std::string_view host, bool exact);

}  // namespace clasp::daemon
