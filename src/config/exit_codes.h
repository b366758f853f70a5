// What the daemon's exit status means; the manual page clasp(8) lists the same numbers.
#pragma once

namespace clasp::config {

inline constexpr int kExitSuccess = 0;
inline constexpr int kExitFailure = 1;         // something failed at run time
inline constexpr int kExitUsage = 2;           // the command line is wrong
inline constexpr int kExitConfiguration = 78;  // EX_CONFIG: file, environment or their sum is wrong

}  // namespace clasp::config
