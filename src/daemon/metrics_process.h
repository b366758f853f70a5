// The numbers that every process exports under the same names, from /proc.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace clasp::daemon {

struct ProcessFigures {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0, virtual_bytes = 0;
  std::uint64_t threads = 0;
  std::uint64_t open_fds = 0, max_fds = 0;
};

// Members are 0 where the system does not tell.
ProcessFigures read_process_figures();

// The line of /proc/PID/stat, which has the program's name in parentheses: anything may stand
// there. Times become seconds by `ticks`, pages bytes by `page`.
std::optional<ProcessFigures> parse_process_stat(std::string_view line, long ticks, long page);

}  // namespace clasp::daemon
