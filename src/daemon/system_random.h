// Random words from the kernel, fetched in batches so that an id costs no system call.
#pragma once

#include <array>

#include "base/random.h"

namespace clasp::daemon {

class SystemRandom final : public Random {
 public:
  std::uint64_t next() override;

 private:
  std::array<std::uint64_t, 32> words_{};  // 256 bytes: getrandom never splits that
  std::size_t used_ = words_.size();
};

}  // namespace clasp::daemon
