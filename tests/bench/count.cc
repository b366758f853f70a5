// How fast tokens are counted, against SHA-256 over the same bytes in the same run:
//   count VOCABULARY FILE...      prints {"count_mb_s": …, "sha256_mb_s": …}, of CPU time
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "base/sha256.h"
#include "core/translate/bpe.h"

namespace {

std::string read(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec) / 1e6;
}

// Megabytes a second, over half a second at least.
template <class Work>
double speed(std::size_t bytes, Work work) {
  work();
  const double begun = cpu_seconds();
  double took = 0;
  std::size_t times = 0;
  for (; took < 0.5; took = cpu_seconds() - begun, ++times) work();
  return static_cast<double>(bytes * times) / took / 1e6;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace clasp;
  const auto vocabulary = argc > 2 ? translate::Vocabulary::parse(read(argv[1])) : std::nullopt;
  if (!vocabulary) {
    std::fputs("usage: count VOCABULARY FILE...\n", stderr);
    return 2;
  }
  std::string text;
  for (int i = 2; i < argc; ++i) text += read(argv[i]);
  const double counted = speed(text.size(), [&] {
    translate::CountBudget budget{text.size() * 10};
    if (!translate::count_tokens_of(*vocabulary, text, budget)) std::abort();
  });
  const double hashed = speed(text.size(), [&] {
    if (sha256(text)[0] == 0 && text.empty()) std::abort();
  });
  std::printf("{\"count_mb_s\": %.1f, \"sha256_mb_s\": %.1f, \"bytes\": %zu}\n", counted, hashed,
              text.size());
}
