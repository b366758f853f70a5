// What the sources said, option by option, for people who want to know why a setting is as it is.
#pragma once

#include <string>
#include <vector>

namespace clasp::config {

struct GivenValue {
  std::string name;   // "[backend local] model", "CLASP_ALIAS_FAST" where it has no place in a file
  std::string value;  // as it was written; "***" where it is a secret or may hold one
  std::string source;  // "file", "environment", "flag"
  std::string place;   // "clasp.conf:12", "environment variable CLASP_PORT", "option -port"
  bool secret = false;
  std::size_t digest = 0;  // of a secret: tells whether two are the same, and nothing else
};

struct GivenChange {
  std::string name;
  const GivenValue* before = nullptr;  // null: was not set
  const GivenValue* after = nullptr;   // null: is not set any more
};

// In the order of `after`, what is gone at the end. Both must outlive the result.
std::vector<GivenChange> compare_given(const std::vector<GivenValue>& before,
                                       const std::vector<GivenValue>& after);

}  // namespace clasp::config
