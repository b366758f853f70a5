// The program claspctl without its edges: words in, text and an exit status out.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "control/commands.h"

namespace clasp::ctl {

inline constexpr int kExitSuccess = 0;
inline constexpr int kExitFailure = 1;  // it could not be done
inline constexpr int kExitUsage = 2;    // the command line is wrong

// What commands need from outside.
struct World {
  std::function<Result<std::string>()> read_input;  // all of standard input, at most a megabyte
  std::function<Result<std::string>(std::size_t count)> random_bytes;  // fit for keys
};

struct Answer {
  int exit_code = kExitSuccess;
  std::string out, err;  // with newlines at their ends, or empty
};

struct Call {
  const control::Command* command = nullptr;
  std::vector<std::string> arguments;
  bool json = false;
};

// `args` without the program's name.
Answer run(const std::vector<std::string>& args, const World& world);

}  // namespace clasp::ctl
