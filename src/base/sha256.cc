// See sha256.h. libcrypto does the work; its hashes do no I/O.
#include "base/sha256.h"

#include <openssl/sha.h>

#include "base/text.h"

namespace clasp {

Sha256 sha256(std::string_view bytes) {
  Sha256 digest;
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return digest;
}

std::string sha256_hex(std::string_view bytes) {
  const Sha256 digest = sha256(bytes);
  return to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

}  // namespace clasp
