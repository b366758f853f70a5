// Starting and collecting of a child. See the header.
#include "daemon/child_process.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "daemon/error_text.h"

namespace clasp::daemon {

namespace {

constexpr std::size_t kReadSize = 64 * 1024;
constexpr int kReadsPerTurn = 8;
constexpr rlim_t kMostFiles = 16;
constexpr int kNiceness = 10;

// Everything that the child needs, made before it exists: between vfork and exec it shares the
// parent's memory and may only make system calls.
struct Plan {
  const char* program;
  char* const* arguments;
  int input, output, errors, ruleset;
  rlim_t cpu_seconds, memory_bytes;
};

template <class Resource>
void limit(Resource resource, rlim_t value) {
  const rlimit both{value, value};
  setrlimit(resource, &both);
}

// Signals stay blocked: of those that matter to such a program SIGKILL cannot be, and the hard
// processor limit ends in it.
[[noreturn]] void become(const Plan& plan) {
  static char* const kNoEnvironment[] = {nullptr};
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (plan.ruleset >= 0 && syscall(SYS_landlock_restrict_self, plan.ruleset, 0) != 0) _exit(126);
  if (dup2(plan.input, STDIN_FILENO) < 0 || dup2(plan.output, STDOUT_FILENO) < 0 ||
      dup2(plan.errors, STDERR_FILENO) < 0 || chdir("/") != 0)
    _exit(126);
  close_range(STDERR_FILENO + 1, UINT_MAX, 0);
  limit(RLIMIT_CPU, plan.cpu_seconds);
  limit(RLIMIT_AS, plan.memory_bytes);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);  // pipes are no files: it may write nothing else
  limit(RLIMIT_NOFILE, kMostFiles);
  limit(RLIMIT_NPROC, 0);
  setpriority(PRIO_PROCESS, 0, kNiceness);
  execve(plan.program, plan.arguments, kNoEnvironment);
  _exit(127);
}

// The C library's header of these two is no C++ header in Debian 12.
int open_handle(pid_t pid) {
  return static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
}
void send_signal(int handle, int number) {
  syscall(SYS_pidfd_send_signal, handle, number, nullptr, 0);
}

pid_t spawn(const Plan& plan) {
  // A handler must not run in the child while it shares our memory.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = vfork();
  if (pid == 0) become(plan);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return pid;
}

// dup2() onto itself would leave a descriptor to be closed by exec.
UniqueFd above_standard(UniqueFd fd) {
  if (!fd || fd.get() > STDERR_FILENO) return fd;
  return UniqueFd(fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

// The input as a file in memory: it needs no pump, and the child cannot hold it up.
UniqueFd make_input(std::string_view bytes) {
  UniqueFd fd = above_standard(UniqueFd(memfd_create("clasp-input", MFD_CLOEXEC)));
  while (fd && !bytes.empty()) {
    const ssize_t put = ::write(fd.get(), bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return UniqueFd();
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  if (fd && lseek(fd.get(), 0, SEEK_SET) != 0) return UniqueFd();
  return fd;
}

}  // namespace

UniqueFd make_reading_ruleset(const std::vector<std::string>& paths) {
  constexpr std::uint64_t kFile = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE;
  constexpr std::uint64_t kRead = kFile | LANDLOCK_ACCESS_FS_READ_DIR;
  // Everything that the first version of the interface knows.
  constexpr std::uint64_t kAll = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
  const landlock_ruleset_attr attributes{.handled_access_fs = kAll};
  UniqueFd ruleset(
      static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
  for (const std::string& path : paths) {
    const UniqueFd place(open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat info {};
    if (!ruleset || !place || fstat(place.get(), &info) != 0) continue;
    landlock_path_beneath_attr rule{};
    rule.allowed_access = S_ISDIR(info.st_mode) ? kRead : kFile;
    rule.parent_fd = place.get();
    if (syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
      ruleset.reset();
  }
  return ruleset;
}

ChildProcess::ChildProcess(pid_t pid, UniqueFd handle, UniqueFd output, Owner& owner)
    : pid_(pid), handle_(std::move(handle)), output_(std::move(output)), owner_(owner) {}

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(event_base* base,
                                                          const ChildCommand& command,
                                                          std::string_view input, Owner& owner) {
  const auto problem = [](const char* what) {
    return fail(std::string(what) + ": " + describe_errno(errno));
  };
  const UniqueFd in = make_input(input);
  if (!in) return problem("memfd");
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return problem("pipe");
  UniqueFd output(ends[0]);
  const UniqueFd child_output = above_standard(UniqueFd(ends[1]));
  const UniqueFd errors = above_standard(UniqueFd(open("/dev/null", O_WRONLY | O_CLOEXEC)));
  if (!child_output || !errors || fcntl(output.get(), F_SETFL, O_NONBLOCK) != 0)
    return problem("descriptor");

  std::vector<std::string> words{command.program};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const Plan plan{words.front().c_str(), arguments.data(),    in.get(),
                  child_output.get(),    errors.get(),        command.ruleset,
                  command.cpu_seconds,   command.memory_bytes};
  const pid_t pid = spawn(plan);
  if (pid < 0) return problem("fork");
  UniqueFd handle(open_handle(pid));
  const bool no_handle = !handle;
  if (no_handle) ::kill(pid, SIGKILL);  // not collected yet: the number is still its own
  std::unique_ptr<ChildProcess> child(
      new ChildProcess(pid, std::move(handle), std::move(output), owner));
  if (no_handle) return problem("pidfd_open");
  child->output_event_.reset(
      event_new(base, child->output_.get(), EV_READ | EV_PERSIST, on_output_thunk, child.get()));
  child->end_event_.reset(
      event_new(base, child->handle_.get(), EV_READ, on_end_thunk, child.get()));
  if (!child->output_event_ || event_add(child->output_event_.get(), nullptr) != 0 ||
      !child->end_event_ || event_add(child->end_event_.get(), nullptr) != 0)
    return fail("the event loop took no child");
  return child;
}

ChildProcess::~ChildProcess() {
  if (collected_) return;
  kill();
  collect(true);
}

void ChildProcess::kill() {
  killed_ = true;
  output_event_.reset();
  if (handle_) send_signal(handle_.get(), SIGKILL);
}

ChildEnd ChildProcess::collect(bool wait) {
  int status = 0;
  pid_t got = 0;
  do {
    got = waitpid(pid_, &status, wait ? 0 : WNOHANG);
  } while (got < 0 && errno == EINTR);
  collected_ = got != 0;
  ChildEnd end;
  end.known = got == pid_;
  if (end.known && WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
  return end;
}

void ChildProcess::on_output_thunk(evutil_socket_t, short, void* self) noexcept {
  static_cast<ChildProcess*>(self)->read_output();
}

void ChildProcess::on_end_thunk(evutil_socket_t, short, void* self) noexcept {
  static_cast<ChildProcess*>(self)->on_end();
}

void ChildProcess::read_output() {
  char bytes[kReadSize];
  for (int i = 0; i < kReadsPerTurn && !killed_; ++i) {
    const ssize_t got = ::read(output_.get(), bytes, sizeof bytes);
    if (got > 0) {
      owner_.on_child_output({bytes, static_cast<std::size_t>(got)});
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      output_event_.reset();  // its end; the process ends by itself
      return;
    } else {
      return;
    }
  }
}

void ChildProcess::on_end() {
  // A pipe holds 64 KB, one turn of reading takes more.
  if (output_event_) read_output();
  const ChildEnd end = collect(false);
  if (!collected_) {
    event_add(end_event_.get(), nullptr);
    return;
  }
  owner_.on_child_end(end);
}

}  // namespace clasp::daemon
