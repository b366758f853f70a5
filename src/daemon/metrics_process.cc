// See metrics_process.h.
#include "daemon/metrics_process.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "base/text.h"

namespace clasp::daemon {

namespace {

std::uint64_t count_descriptors() {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  std::uint64_t entries = 0;
  while (readdir(directory) != nullptr) ++entries;
  closedir(directory);
  // ".", ".." and the directory itself.
  return entries > 3 ? entries - 3 : 0;
}

}  // namespace

std::optional<ProcessFigures> parse_process_stat(std::string_view line, long ticks, long page) {
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string_view::npos || ticks <= 0 || page <= 0) return std::nullopt;
  // From the state on, which is the third field.
  const std::vector<std::string_view> fields = split(trim(line.substr(name_end + 1)), ' ');
  const auto field = [&fields](std::size_t number) {
    return number - 3 < fields.size() ? parse_unsigned(fields[number - 3]) : std::nullopt;
  };
  const auto user = field(14), kernel = field(15), threads = field(20), size = field(23),
             resident = field(24);
  if (!user || !kernel || !threads || !size || !resident) return std::nullopt;
  ProcessFigures out;
  out.cpu_seconds = static_cast<double>(*user + *kernel) / static_cast<double>(ticks);
  out.threads = *threads;
  out.virtual_bytes = *size;
  out.resident_bytes = *resident * static_cast<std::uint64_t>(page);
  return out;
}

ProcessFigures read_process_figures() {
  std::string line;
  std::ifstream file("/proc/self/stat");
  std::getline(file, line);
  ProcessFigures out = parse_process_stat(line, sysconf(_SC_CLK_TCK), sysconf(_SC_PAGESIZE))
                           .value_or(ProcessFigures{});
  out.open_fds = count_descriptors();
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) out.max_fds = limit.rlim_cur;
  return out;
}

}  // namespace clasp::daemon
