// See system_random.h.
#include "daemon/system_random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

#include "base/log.h"

namespace clasp::daemon {

std::uint64_t SystemRandom::next() {
  if (used_ == words_.size()) {
    ssize_t got = 0;
    do {
      got = getrandom(words_.data(), sizeof words_, 0);
    } while (got < 0 && errno == EINTR);
    if (got != static_cast<ssize_t>(sizeof words_)) {
      // Ids that repeat would mix up exchanges; there is no way on.
      log_error("getrandom failed; the process ends");
      std::abort();
    }
    used_ = 0;
  }
  return words_[used_++];
}

}  // namespace clasp::daemon
