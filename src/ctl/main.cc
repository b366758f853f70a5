// The program `claspctl`: gives the command line to run() and prints what comes back.
#include <sys/random.h>

#include <cstdio>

#include "ctl/ctl.h"

namespace {

clasp::Result<std::string> read_input() {
  constexpr std::size_t kMost = 1u << 20;
  std::string text(kMost, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), stdin));
  if (std::ferror(stdin) != 0) return clasp::fail("cannot read standard input");
  return text;
}

clasp::Result<std::string> random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  // Up to 256 bytes come whole once the system has gathered enough.
  if (getrandom(bytes.data(), count, 0) != static_cast<ssize_t>(count))
    return clasp::fail("the system gave no random bytes");
  return bytes;
}

bool print(std::FILE* to, const std::string& text) {
  return std::fwrite(text.data(), 1, text.size(), to) == text.size() && std::fflush(to) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + (argc > 0 ? 1 : 0), argv + argc);
  const clasp::ctl::Answer answer = clasp::ctl::run(args, {read_input, random_bytes});
  print(stderr, answer.err);
  return print(stdout, answer.out) ? answer.exit_code : clasp::ctl::kExitFailure;
}
