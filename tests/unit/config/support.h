// Loading from literal flags, variables and files, for the tests of this folder.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/load.h"

namespace clasp::config::test {

using Files = std::map<std::string, std::string>;

inline Inputs make_inputs(std::vector<std::string> args, Environment environment = {},
                          Files files = {}) {
  Inputs inputs;
  inputs.args = std::move(args);
  inputs.environment = std::move(environment);
  inputs.read_file = [files](const std::string& path) -> Result<std::optional<std::string>> {
    const auto found = files.find(path);
    if (found == files.end()) return std::optional<std::string>{};
    return std::optional<std::string>(found->second);
  };
  return inputs;
}

inline Result<Loaded, LoadError> load_from(std::vector<std::string> args,
                                           Environment environment = {}, Files files = {}) {
  return load(make_inputs(std::move(args), std::move(environment), std::move(files)));
}

// A file that is found by the search, with the demo provider so that nothing else is missing.
inline Result<Loaded, LoadError> load_text(const std::string& text) {
  return load_from({"-provider", "demo"}, {}, {{"clasp.conf", text}});
}

// The complaint, or "" when there is none.
inline std::string complaint(const Result<Loaded, LoadError>& loaded) {
  return loaded ? std::string() : loaded.error().message;
}

inline bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

inline bool any_has(const std::vector<std::string>& lines, std::string_view part) {
  for (const std::string& line : lines)
    if (has(line, part)) return true;
  return false;
}

}  // namespace clasp::config::test
