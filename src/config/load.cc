// The order of the steps: flags are recognised, the file found, all three sources collected, the
// result resolved. Prints nothing.
#include "config/load.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "base/text.h"
#include "base/words.h"
#include "config/emit.h"
#include "config/resolve.h"

namespace clasp::config {
namespace {

std::string lookup(const Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

// What a switch on the command line says, for those that must be known before anything is read.
bool is_given(const std::vector<Argument>& arguments, std::string_view flag) {
  bool given = false;
  for (const Argument& argument : arguments)
    if (argument.option->flag == flag) given = parse_bool(argument.value).value_or(false);
  return given;
}

std::string value_given(const std::vector<Argument>& arguments, std::string_view flag) {
  std::string value;
  for (const Argument& argument : arguments)
    if (argument.option->flag == flag) value = argument.value;
  return value;
}

std::vector<std::string> search_path(const Environment& environment) {
  std::vector<std::string> paths{"clasp.conf"};
  std::string home = lookup(environment, "XDG_CONFIG_HOME");
  if (home.empty() && !lookup(environment, "HOME").empty())
    home = lookup(environment, "HOME") + "/.config";
  if (!home.empty()) paths.push_back(home + "/clasp/clasp.conf");
  paths.emplace_back("/etc/clasp/clasp.conf");
  return paths;
}

struct ConfigFile {
  std::string path;  // empty: there is none
  std::string text;
};

Result<ConfigFile> find_config_file(const Inputs& inputs, const std::vector<Argument>& arguments) {
  std::string named = value_given(arguments, "config");
  if (named.empty()) named = std::string(trim(lookup(inputs.environment, "CLASP_CONFIG_FILE")));
  const auto paths =
      named.empty() ? search_path(inputs.environment) : std::vector<std::string>{named};
  for (const std::string& path : paths) {
    auto text = inputs.read_file(path);
    if (!text)
      return fail("cannot read the configuration file " + path + ": " + text.error().message +
                  (named.empty() ? "; -config names another one, /dev/null for none" : ""));
    if (*text) return ConfigFile{path, std::move(**text)};
  }
  if (!named.empty()) return fail("the configuration file " + named + " does not exist");
  return ConfigFile{};
}

std::optional<Action> early_action(const std::vector<Argument>& arguments) {
  if (is_given(arguments, "help")) return Action::help;
  if (is_given(arguments, "version")) return Action::version;
  if (!value_given(arguments, "emit").empty()) return Action::emit;
  return std::nullopt;
}

tl::unexpected<LoadError> fail_load(int exit_code, std::string message) {
  return tl::unexpected<LoadError>(LoadError{exit_code, std::move(message)});
}

}  // namespace

Result<Loaded, LoadError> load(const Inputs& inputs) {
  std::vector<std::string> usage;
  const auto arguments = parse_arguments(inputs.args, usage);
  // Values are tried on their own first: a mistake there is one of usage, whatever the file says.
  Collector trial;
  trial.credentials = lookup(inputs.environment, "CREDENTIALS_DIRECTORY");
  trial.add_arguments(arguments);
  usage.insert(usage.end(), trial.errors.begin(), trial.errors.end());
  if (!usage.empty())
    return fail_load(kExitUsage, join(usage, "\n") + "\nclasp -help lists the options");

  Loaded loaded;
  if (const auto action = early_action(arguments)) {
    loaded.action = *action;
    if (*action == Action::help) loaded.emit = emit_help();
    if (*action == Action::emit) loaded.emit = emit(trial.draft.emit);
    return loaded;
  }
  const auto file = find_config_file(inputs, arguments);
  if (!file) return fail_load(kExitConfiguration, file.error().message);

  Collector collector;
  collector.file_mode = inputs.file_mode;
  collector.credentials = trial.credentials;
  if (!file->path.empty()) collector.add_file(file->path, file->text, inputs.environment);
  collector.add_credentials(inputs.environment, inputs.read_file);
  collector.add_environment(inputs.environment);
  collector.add_arguments(arguments);
  collector.report_unavailable();
  if (collector.errors.empty()) resolve(collector, inputs.read_file);
  if (!collector.errors.empty()) return fail_load(kExitConfiguration, join(collector.errors, "\n"));

  loaded.settings = std::move(collector.draft.settings);
  loaded.settings.config_file = file->path;
  loaded.warnings = std::move(collector.warnings);
  loaded.given = std::move(collector.given_values);
  loaded.exit_with_parent = collector.draft.exit_with_parent;
  if (collector.draft.check) loaded.action = Action::check;
  if (collector.draft.models) loaded.action = Action::models;
  return loaded;
}

Result<std::optional<std::string>> load_file(const std::string& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    const int reason = errno;
    if (reason == ENOENT || reason == ENOTDIR) return std::optional<std::string>{};
    return fail(std::generic_category().message(reason));
  }
  std::string text(kMaxFile + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad() || (in.fail() && !in.eof()) || (in.gcount() == 0 && errno == EISDIR))
    return fail("it is not a readable file");
  text.resize(static_cast<std::size_t>(in.gcount()));
  return std::optional<std::string>(std::move(text));
}

unsigned load_file_mode(const std::string& path) {
  std::error_code problem;
  const auto status = std::filesystem::status(path, problem);
  if (problem || !std::filesystem::exists(status)) return 0;
  return static_cast<unsigned>(status.permissions() & std::filesystem::perms::mask);
}

Environment make_environment(const char* const* variables) {
  Environment environment;
  for (; variables != nullptr && *variables != nullptr; ++variables) {
    const std::string_view entry(*variables);
    const auto equals = entry.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    environment.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return environment;
}

}  // namespace clasp::config
