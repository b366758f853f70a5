// See startup.h. Messages before the service runs go to stderr as they are; the log begins with it.
#include "daemon/startup.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/text.h"
#include "config/load.h"
#include "daemon/daemon.h"
#include "daemon/list_models.h"
#include "daemon/service.h"
#include "daemon/service_manager.h"

namespace clasp::daemon {

namespace {

// Keys are in memory: no core file, no attaching by other processes of the same user.
void protect_memory() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);  // the leak checker has to attach
#endif
}

// Thousands of connections need more descriptors than the usual soft limit.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// A parent that is killed cannot end us; the kernel does it then. It means the thread of the parent
// that started us.
void end_with_parent() {
  prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
}

int print(const std::string& text) {
  const bool written = std::fputs(text.c_str(), stdout) >= 0;
  return written && std::fflush(stdout) == 0 ? config::kExitSuccess : config::kExitFailure;
}

// Where a program was started from: the path in its first word, or where the shell found it. Once
// another one is installed there, that is the one to be started next.
std::string program_path(const char* first_word) {
  namespace fs = std::filesystem;
  std::error_code problem;
  const fs::path self = "/proc/self/exe";
  const auto is_self = [&](const fs::path& path) { return fs::equivalent(path, self, problem); };
  const std::string word = first_word == nullptr ? "" : first_word;
  if (word.find('/') != std::string::npos) {
    const fs::path path = fs::absolute(word, problem);
    if (is_self(path)) return path.string();
  } else if (const char* places = std::getenv("PATH"); places != nullptr && !word.empty()) {
    for (const std::string_view place : split(places, ':'))
      if (const fs::path path = fs::path(place) / word; path.is_absolute() && is_self(path))
        return path.string();
  }
  return fs::read_symlink(self, problem).string();
}

int serve(const config::Loaded& loaded, const config::Inputs& inputs, Origins& origins) {
  // All that there were, for a thread may be writing to the one before.
  std::vector<std::unique_ptr<LogSink>> sinks;
  origins.open_log = [&sinks] {
    sinks.push_back(make_log_sink());
    set_log_sink(sinks.back().get());
  };
  origins.open_log();
  set_log_level(loaded.settings.log_level);
  for (const std::string& warning : loaded.warnings) log_warn(warning);
  raise_descriptor_limit();
  if (loaded.exit_with_parent) end_with_parent();
  std::vector<std::string> warnings;
  auto passed = take_passed_sockets(warnings);
  for (const std::string& warning : warnings) log_warn(warning);
  int status = config::kExitFailure;
  if (passed) {
    origins.passed = std::move(*passed);
    status = run_daemon(
        loaded, [&inputs] { return config::load(inputs); }, origins);
  } else {
    log_error(passed.error().message);
    notify_failed(EINVAL, "Cannot start: " + passed.error().message);
  }
  set_log_sink(nullptr);
  return status;
}

int check(const config::Loaded& loaded) {
  for (const std::string& warning : loaded.warnings)
    std::fprintf(stderr, "clasp: warning: %s\n", warning.c_str());
  if (auto valid = check_catalog(loaded); !valid) {
    std::fprintf(stderr, "clasp: %s\n", valid.error().message.c_str());
    return config::kExitConfiguration;
  }
  return print("clasp: the configuration is valid\n");
}

}  // namespace

int start(int argc, char** argv) {
  protect_memory();
  Origins origins;
  origins.predecessor = Predecessor::find();
  origins.program = program_path(argc > 0 ? argv[0] : nullptr);
  config::Inputs inputs;
  inputs.args.assign(argv + (argc > 0 ? 1 : 0), argv + argc);
  origins.words = inputs.args;
  inputs.environment = config::make_environment(environ);
  inputs.read_file = config::load_file;
  inputs.file_mode = config::load_file_mode;
  const auto loaded = config::load(inputs);
  if (!loaded) {
    std::fprintf(stderr, "clasp: %s\n", loaded.error().message.c_str());
    if (!origins.predecessor) notify_failed(EINVAL, "Cannot start: " + loaded.error().message);
    return loaded.error().exit_code;
  }
  switch (loaded->action) {
    case config::Action::version:
      return print("clasp " CLASP_VERSION "\n");
    case config::Action::help:
    case config::Action::emit:
      return print(loaded->emit);
    case config::Action::check:
      return check(*loaded);
    case config::Action::models:
      return list_models(*loaded);
    case config::Action::run:
      break;
  }
  return serve(*loaded, inputs, origins);
}

}  // namespace clasp::daemon
