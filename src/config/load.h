// From command line, environment and configuration file to Settings. load() itself is pure: the
// caller hands in everything; load_file() is the one function that touches the disk.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/collect.h"
#include "config/exit_codes.h"
#include "config/settings.h"

namespace clasp::config {

// The content of a file; nothing when there is none, an error when it cannot be read.
using FileReader = std::function<Result<std::optional<std::string>>(const std::string& path)>;

struct Inputs {
  std::vector<std::string> args;  // without the program's name
  Environment environment;
  FileReader read_file;
  // Its permission bits (07777), 0 when there is no such file; may be missing.
  std::function<unsigned(const std::string& path)> file_mode = {};
};

enum class Action { run, check, version, help, models, emit };

struct Loaded {
  Action action = Action::run;
  Settings settings;                  // for run, check and models
  std::vector<std::string> warnings;  // one line each, to be logged
  std::vector<GivenValue> given;      // what the sources said
  std::string emit;                   // the text to print for help and emit
  bool exit_with_parent = false;      // for programs that start a daemon of their own
};

struct LoadError {
  int exit_code = kExitConfiguration;
  std::string message;  // one line per mistake, without a newline at the end
};

Result<Loaded, LoadError> load(const Inputs& inputs);

// Reads at most one byte more than the parser accepts.
Result<std::optional<std::string>> load_file(const std::string& path);
unsigned load_file_mode(const std::string& path);
// "NAME=value" strings, ending with nullptr, as main() gets them.
Environment make_environment(const char* const* variables);

}  // namespace clasp::config
