// See startup.h. Messages before the service runs go to stderr as they are; the log begins with it.
#include "daemon/startup.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "config/load.h"
#include "daemon/daemon.h"
#include "daemon/list_models.h"
#include "daemon/service.h"

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

int serve(const config::Loaded& loaded, const config::Inputs& inputs) {
  const std::unique_ptr<LogSink> sink = make_log_sink();
  set_log_sink(sink.get());
  set_log_level(loaded.settings.log_level);
  for (const std::string& warning : loaded.warnings) log_warn(warning);
  raise_descriptor_limit();
  if (loaded.exit_with_parent) end_with_parent();
  const int status = run_daemon(loaded, [&inputs] { return config::load(inputs); });
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
  config::Inputs inputs;
  inputs.args.assign(argv + (argc > 0 ? 1 : 0), argv + argc);
  inputs.environment = config::make_environment(environ);
  inputs.read_file = config::load_file;
  inputs.file_mode = config::load_file_mode;
  const auto loaded = config::load(inputs);
  if (!loaded) {
    std::fprintf(stderr, "clasp: %s\n", loaded.error().message.c_str());
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
  return serve(*loaded, inputs);
}

}  // namespace clasp::daemon
