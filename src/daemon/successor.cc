// See successor.h.
#include "daemon/successor.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "base/control_chars.h"
#include "base/text.h"
#include "daemon/error_text.h"

extern char** environ;

namespace clasp::daemon {

namespace {

constexpr int kFirst = STDERR_FILENO + 1;  // where $LISTEN_FDS begins
constexpr std::size_t kTail = 4096;
constexpr std::size_t kLongestMessage = 4096;
// From its start until it serves; a configuration with thousands of lines takes a second.
constexpr Duration kPatience{30'000};

// Everything that the child needs, made before it exists: between vfork and exec it shares the
// parent's memory and may only make system calls.
struct Plan {
  const char* program;
  char* const* arguments;
  char* const* environment;
  char* pid_digits;             // of $LISTEN_PID, which only the child can fill in
  const std::vector<int>& fds;  // become 3, 4, …
  int errors;
  const sigset_t* signals;
};

void write_number(char* to, pid_t number) {
  char digits[16];
  int count = 0;
  do {
    digits[count++] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number > 0);
  while (count > 0) *to++ = digits[--count];
  *to = '\0';
}

[[noreturn]] void become(const Plan& plan) {
  write_number(plan.pid_digits, getpid());
  int next = kFirst;
  for (const int fd : plan.fds)
    if (dup2(fd, next++) < 0) _exit(126);
  if (dup2(plan.errors, STDERR_FILENO) < 0) _exit(126);
  close_range(static_cast<unsigned>(next), UINT_MAX, 0);
  // Our handlers must not run in it.
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) signal(number, SIG_DFL);
  sigprocmask(SIG_SETMASK, plan.signals, nullptr);
  execve(plan.program, plan.arguments, plan.environment);
  _exit(127);
}

// As a service the new process becomes systemd's own child, as this one is: of a main process that
// is not its child systemd does not wait for the end, and kills it at once where it should be given
// time to stop. How it ends is systemd's to know then; `handle` tells us that it did.
pid_t spawn_sibling(const Plan& plan, UniqueFd& handle) {
  int fd = -1;
  const auto pid = static_cast<pid_t>(syscall(SYS_clone, CLONE_PARENT | CLONE_PIDFD, 0, &fd, 0, 0));
  if (pid == 0) become(plan);
  if (pid > 0) handle = UniqueFd(fd);
  return pid;
}

pid_t spawn(Plan plan, UniqueFd& handle) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  plan.signals = &before;
  pid_t pid = -1;
  if (getppid() == 1 && std::getenv("SYSTEMD_EXEC_PID") != nullptr)
    pid = spawn_sibling(plan, handle);
  if (pid < 0) pid = vfork();
  if (pid == 0) become(plan);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return pid;
}

bool is_replaced(std::string_view entry) {
  for (const std::string_view name :
       {"LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES=", "WATCHDOG_PID=", "CLASP_HANDOVER="})
    if (entry.starts_with(name)) return true;
  return false;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (std::string& one : strings) out.push_back(one.data());
  out.push_back(nullptr);
  return out;
}

// Copies with numbers above all targets, so that none is overwritten before its turn.
Result<std::vector<UniqueFd>> copy_high(const std::vector<int>& fds) {
  std::vector<UniqueFd> out;
  const int floor = kFirst + static_cast<int>(fds.size());
  for (const int fd : fds) {
    UniqueFd copy(fcntl(fd, F_DUPFD_CLOEXEC, floor));
    if (!copy) return fail("descriptors: " + describe_errno(errno));
    out.push_back(std::move(copy));
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<Successor>> Successor::start(event_base* base, Scheduler& scheduler,
                                                    const SuccessorPlan& plan, Owner& owner) {
  int pair[2], pipe_ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
    return fail("socketpair: " + describe_errno(errno));
  std::unique_ptr<Successor> out(new Successor(scheduler, owner));
  out->socket_ = std::make_shared<const UniqueFd>(pair[0]);
  const UniqueFd theirs(pair[1]);
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) return fail("pipe: " + describe_errno(errno));
  out->errors_ = UniqueFd(pipe_ends[0]);
  const UniqueFd their_errors(pipe_ends[1]);
  fcntl(out->errors_.get(), F_SETFL, O_NONBLOCK);

  std::vector<int> fds;
  std::string names;
  for (const NamedSockets& one : plan.sockets)
    for (const SharedFd& fd : one.fds) {
      names.append(fds.empty() ? "" : ":").append(one.name);
      fds.push_back(fd->get());
    }
  const std::size_t count = fds.size();
  fds.push_back(theirs.get());
  fds.push_back(STDERR_FILENO);
  fds.push_back(their_errors.get());
  auto copies = copy_high(fds);
  if (!copies) return tl::unexpected(copies.error());

  std::vector<std::string> environment{"LISTEN_PID=" + std::string(16, ' ')};
  environment.push_back("LISTEN_FDS=" + std::to_string(count));
  environment.push_back("LISTEN_FDNAMES=" + names);
  const std::size_t next = static_cast<std::size_t>(kFirst) + count;
  environment.push_back(std::string(kHandoverVariable) + "=" + std::to_string(next) + " " +
                        std::to_string(next + 1));
  for (char** entry = environ; *entry != nullptr; ++entry)
    if (!is_replaced(*entry)) environment.emplace_back(*entry);
  std::vector<std::string> words{plan.program};
  words.insert(words.end(), plan.words.begin(), plan.words.end());
  const std::vector<char*> word_pointers = pointers(words), variables = pointers(environment);
  std::vector<int> high;
  for (const UniqueFd& one : *copies) high.push_back(one.get());
  const int errors = high.back();
  high.pop_back();
  out->pid_ =
      spawn({plan.program.c_str(), word_pointers.data(), variables.data(),
             environment.front().data() + std::strlen("LISTEN_PID="), high, errors, nullptr},
            out->handle_);
  if (out->pid_ < 0) {
    out->gone_ = true;
    return fail("fork: " + describe_errno(errno));
  }
  Successor* const self = out.get();
  self->message_event_.reset(
      event_new(base, self->socket_->get(), EV_READ | EV_PERSIST, on_message_thunk, self));
  self->errors_event_.reset(
      event_new(base, self->errors_.get(), EV_READ | EV_PERSIST, on_errors_thunk, self));
  if (!self->message_event_ || event_add(self->message_event_.get(), nullptr) != 0 ||
      !self->errors_event_ || event_add(self->errors_event_.get(), nullptr) != 0)
    return fail("the event loop took no successor");
  self->limit_ = scheduler.after(kPatience, [self] {
    self->fail_with("the new program did not say within " + render_delay(kPatience) +
                    " that it is ready");
  });
  return out;
}

Successor::~Successor() {
  if (!gone_) collect(true);
}

void Successor::say(std::string_view word) {
  (void)!::send(socket_->get(), word.data(), word.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Successor::let_go() {
  say("yours");
  gone_ = true;
  limit_.reset();
  message_event_.reset();
}

void Successor::on_message_thunk(evutil_socket_t, short, void* self) noexcept {
  static_cast<Successor*>(self)->on_message();
}

void Successor::on_errors_thunk(evutil_socket_t, short, void* self) noexcept {
  static_cast<Successor*>(self)->read_errors();
}

void Successor::on_message() {
  char bytes[kLongestMessage];
  const ssize_t got = ::recv(socket_->get(), bytes, sizeof bytes, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  const std::string_view text(bytes, got > 0 ? static_cast<std::size_t>(got) : 0);
  constexpr std::string_view kPrepared = "prepared ";
  if (text.starts_with(kPrepared)) {
    version_ = scrub_utf8(text.substr(kPrepared.size(), 100));
    owner_.on_successor_prepared();
  } else if (text == "ready") {
    limit_.reset();
    owner_.on_successor_ready();
  } else if (text.empty()) {
    // Its end of the socket is closed: it is at its end, or another program than we thought.
    fail_with(collect(false));
  }
}

// What it says before it has our standard error goes there through us, and is remembered.
void Successor::read_errors() {
  char bytes[kTail];
  const ssize_t got = ::read(errors_.get(), bytes, sizeof bytes);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    errors_event_.reset();
    return;
  }
  (void)!::write(STDERR_FILENO, bytes, static_cast<std::size_t>(got));
  tail_.append(bytes, static_cast<std::size_t>(got));
  if (tail_.size() > kTail) tail_.erase(0, tail_.size() - kTail);
}

constexpr char kNotOurs[] =
    "the new program does not know how to take over; is it an older version?";

// How it ended, in words.
std::string Successor::collect_sibling(bool kill) {
  constexpr int kGrace = 500;
  const auto end = [this](int milliseconds) {
    pollfd waiting{handle_.get(), POLLIN, 0};
    return ::poll(&waiting, 1, milliseconds) > 0;
  };
  const auto put_down = [this] {
    syscall(SYS_pidfd_send_signal, handle_.get(), SIGKILL, nullptr, 0);
  };
  gone_ = true;
  if (kill) put_down();
  if (!end(kGrace)) {
    put_down();
    end(kGrace);
    return kNotOurs;
  }
  return tail_.empty() ? "the new program ended without a word, or cannot be started"
                       : "the new program ended";
}

std::string Successor::collect(bool kill) {
  if (handle_) return collect_sibling(kill);
  // Who closes the socket and lives on is not waited for.
  if (kill) ::kill(pid_, SIGKILL);
  int status = 0;
  pid_t got = 0;
  constexpr int kRounds = 50;
  constexpr useconds_t kPause = 10'000;
  for (int i = 0; i < kRounds && got == 0; ++i) {
    got = waitpid(pid_, &status, kill ? 0 : WNOHANG);
    if (got < 0 && errno == EINTR) got = 0;
    if (got == 0) usleep(kPause);
  }
  if (got == 0) {
    ::kill(pid_, SIGKILL);
    waitpid(pid_, &status, 0);
  }
  gone_ = true;
  if (got == 0) return kNotOurs;
  if (WIFEXITED(status)) {
    constexpr int kNoProgram = 127;
    if (WEXITSTATUS(status) == kNoProgram && tail_.empty())
      return "the new program cannot be started";
    return "the new program ended with exit status " + std::to_string(WEXITSTATUS(status));
  }
  return "the new program was ended by signal " + std::to_string(WTERMSIG(status));
}

void Successor::fail_with(const std::string& reason) {
  limit_.reset();
  message_event_.reset();
  if (!gone_) collect(true);
  while (errors_event_) {
    const std::size_t before = tail_.size();
    read_errors();
    if (tail_.size() == before) break;
  }
  owner_.on_successor_failed(reason);
}

std::string Successor::last_words() const {
  constexpr std::size_t kMostLines = 10;
  std::vector<std::string> lines;
  for (const std::string_view line : split(tail_, '\n')) {
    std::string_view text = trim(line);
    // "<3>": the priority, for the journal.
    if (text.size() > 3 && text[0] == '<' && text[2] == '>') text.remove_prefix(3);
    if (text.empty()) continue;
    std::string clean = scrub_utf8(text);
    for (char& c : clean)
      if (is_control(c)) c = ' ';
    lines.push_back(std::move(clean));
  }
  std::string out;
  const std::size_t skip = lines.size() > kMostLines ? lines.size() - kMostLines : 0;
  for (std::size_t i = skip; i < lines.size(); ++i)
    out.append(out.empty() ? "" : "\n").append(lines[i]);
  return out;
}

}  // namespace clasp::daemon
