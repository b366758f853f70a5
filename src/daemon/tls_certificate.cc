// See tls_certificate.h.
#include "daemon/tls_certificate.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/fd.h"
#include "base/text.h"
#include "daemon/error_text.h"

namespace clasp::daemon {
namespace {

constexpr std::size_t kMaxFile = 1u << 20;

struct BioDeleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioPtr = std::unique_ptr<BIO, BioDeleter>;

struct File {
  std::string text;
  bool everyone_reads = false;
  ~File() { OPENSSL_cleanse(text.data(), text.size()); }
};

Result<void> read_file(const std::string& what, const std::string& path, File& out) {
  const auto complain = [&](const std::string& why) {
    return fail(what + " " + path + ": " + why);
  };
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (!fd || fstat(fd.get(), &info) != 0) {
    const int error = errno;
    return complain(
        describe_errno(error) +
        (error == EACCES ? "; the user that clasp runs as must be able to read it" : ""));
  }
  if (!S_ISREG(info.st_mode)) return complain("it is not a file");
  if (static_cast<std::size_t>(info.st_size) > kMaxFile) return complain("it is too large");
  out.everyone_reads = (info.st_mode & S_IROTH) != 0;
  out.text.resize(static_cast<std::size_t>(info.st_size));
  const ssize_t n = read(fd.get(), out.text.data(), out.text.size());
  if (n < 0) return complain(describe_errno(errno));
  out.text.resize(static_cast<std::size_t>(n));
  return {};
}

BioPtr make_bio(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// OpenSSL asks for a passphrase; nobody is there to type one.
int on_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Result<std::vector<X509Ptr>> parse_certificates(const std::string& path, const std::string& text) {
  std::vector<X509Ptr> out;
  const BioPtr bio = make_bio(text);
  ERR_clear_error();
  while (X509* one = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) out.emplace_back(one);
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (out.empty() && at_end)
    return fail("certificate " + path +
                ": there is no certificate in it; it must be PEM (-----BEGIN CERTIFICATE-----)");
  if (!at_end)
    return fail("certificate " + path + ": certificate number " + std::to_string(out.size() + 1) +
                " of the file is damaged");
  return out;
}

Result<KeyPtr> parse_key(const std::string& path, const std::string& text) {
  bool asked = false;
  ERR_clear_error();
  KeyPtr key(PEM_read_bio_PrivateKey(make_bio(text).get(), nullptr, &on_passphrase, &asked));
  ERR_clear_error();
  const bool missing = text.find("PRIVATE KEY-----") == std::string::npos;
  if (key) return key;
  if (asked)
    return fail("private key " + path +
                ": it is encrypted; remove the passphrase with openssl pkey -in OLD -out NEW");
  return fail("private key " + path +
              (missing ? ": there is no private key in it; it must be PEM" : ": it is damaged"));
}

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> out;
  auto* list = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(list); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(list, i);
    if (name->type == GEN_IPADD) out.emplace_back();  // it has a name, but none to choose by
    if (name->type != GEN_DNS) continue;
    const auto* data = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    out.push_back(to_lower({data, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))}));
  }
  GENERAL_NAMES_free(list);
  return out;
}

std::string render_date(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "a date that cannot be read";
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts)};
}

void check_chain(const LoadedCertificate& loaded, std::vector<std::string>& warnings) {
  X509* below = loaded.leaf.get();
  int number = 2;
  for (const X509Ptr& one : loaded.chain) {
    if (X509_check_issued(one.get(), below) != X509_V_OK) {
      warnings.push_back("certificate " + loaded.file + ": its chain is out of order: number " +
                         std::to_string(number) +
                         " of the file did not issue the one before it; clients may refuse it");
      return;
    }
    below = one.get();
    ++number;
  }
}

}  // namespace

void X509Deleter::operator()(X509* certificate) const {
  X509_free(certificate);
}
void KeyDeleter::operator()(EVP_PKEY* key) const {
  EVP_PKEY_free(key);
}

Result<LoadedCertificate> load_certificate(const config::CertificateFiles& files,
                                           std::vector<std::string>& warnings) {
  LoadedCertificate out;
  out.file = files.certificate;
  File certificate, key;
  if (auto read = read_file("certificate", files.certificate, certificate); !read)
    return tl::unexpected(read.error());
  if (auto read = read_file("private key", files.private_key, key); !read)
    return tl::unexpected(read.error());
  auto list = parse_certificates(files.certificate, certificate.text);
  if (!list) return tl::unexpected(list.error());
  auto parsed = parse_key(files.private_key, key.text);
  if (!parsed) return tl::unexpected(parsed.error());
  out.leaf = std::move(list->front());
  out.chain.assign(std::make_move_iterator(list->begin() + 1),
                   std::make_move_iterator(list->end()));
  out.key = std::move(*parsed);
  if (X509_check_private_key(out.leaf.get(), out.key.get()) != 1) {
    ERR_clear_error();
    return fail("private key " + files.private_key + ": it does not belong to the certificate " +
                files.certificate + " (the server's own certificate must come first in its file)");
  }
  out.names = names_of(out.leaf.get());
  if (out.names.empty())
    warnings.push_back("certificate " + out.file +
                       ": it has no subject alternative name, so clients will refuse it");
  check_chain(out, warnings);
  if (key.everyone_reads)
    warnings.push_back("private key " + files.private_key +
                       ": every user of this machine can read it");
  return out;
}

std::string describe_dates(const LoadedCertificate& certificate) {
  const ASN1_TIME* from = X509_get0_notBefore(certificate.leaf.get());
  const ASN1_TIME* to = X509_get0_notAfter(certificate.leaf.get());
  if (X509_cmp_current_time(to) < 0)
    return "certificate " + certificate.file + " expired on " + render_date(to) +
           ": clients refuse it";
  if (X509_cmp_current_time(from) > 0)
    return "certificate " + certificate.file + " is not valid before " + render_date(from) +
           ": clients refuse it until then";
  // Whoever renews by itself has done so by then, be it for three months or for six days.
  constexpr int kSoonDays = 14, kLastPart = 4;
  int life = 0, left = 0, seconds = 0;
  if (ASN1_TIME_diff(&life, &seconds, from, to) != 1 ||
      ASN1_TIME_diff(&left, &seconds, nullptr, to) != 1)
    return "";
  if (left >= kSoonDays || left * kLastPart >= life) return "";
  return "certificate " + certificate.file + " expires on " + render_date(to) +
         " (days left: " + std::to_string(left) + "): renew it";
}

bool covers(const LoadedCertificate& certificate, std::string_view host, bool exact) {
  const std::size_t dot = host.find('.');
  const std::string_view parent = dot == host.npos || dot == 0 ? "" : host.substr(dot);
  return std::any_of(certificate.names.begin(), certificate.names.end(),
                     [&](std::string_view name) {
                       if (exact) return !name.empty() && name == host;
                       return !parent.empty() && name.size() == parent.size() + 1 &&
                              name.front() == '*' && name.substr(1) == parent;
                     });
}

}  // namespace clasp::daemon
