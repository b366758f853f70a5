// See sha256.h. libcrypto does the work; its hashes do no I/O.
#include "base/sha256.h"

// One call of the newer interface looks its algorithm up and allocates: more work than the hash of
// a key.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "base/text.h"

namespace clasp {

Sha256 sha256(std::string_view bytes) {
  Sha256 digest;
  SHA256_CTX state;
  SHA256_Init(&state);
  SHA256_Update(&state, bytes.data(), bytes.size());
  SHA256_Final(digest.data(), &state);
  return digest;
}

std::string sha256_hex(std::string_view bytes) {
  const Sha256 digest = sha256(bytes);
  return to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

}  // namespace clasp
