// Starts a program, asks it for a page until it answers 200, and ends it again: how long a start
// and an idle stop take. Only the program started here is ever signalled.
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>

#include "load_options.h"
#include "net.h"

extern char** environ;

namespace clasp::bench {
namespace {

constexpr std::int64_t kRetryNs = 200'000;
constexpr std::int64_t kStopNs = 10'000'000'000;

void pause_ns(std::int64_t ns) {
  const timespec time{0, ns};
  nanosleep(&time, nullptr);
}

// One request on a connection of its own; true when a good reply came.
bool ask(const LoadOptions& options, std::string& fault) {
  const int fd = connect_to(options.port);
  if (fd < 0) {
    fault = std::strerror(errno);
    return false;
  }
  ReplyReader reply;
  (void)!send(fd, options.bytes.front().data(), options.bytes.front().size(), MSG_NOSIGNAL);
  const std::int64_t deadline = now_ns() + 2'000'000'000;
  char buffer[16 * 1024];
  while (reply.state() != ReplyReader::State::done && now_ns() < deadline) {
    pollfd ready{fd, POLLIN, 0};
    if (poll(&ready, 1, 100) <= 0) continue;
    const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
    if (got <= 0) {
      reply.close();
      break;
    }
    if (reply.feed({buffer, static_cast<std::size_t>(got)}) == ReplyReader::State::bad) break;
  }
  close(fd);
  fault = fault_of(reply, options);
  return fault.empty();
}

// Waits for the end of the child; false when it has to be killed.
bool await_end(pid_t child, std::int64_t deadline) {
  while (waitpid(child, nullptr, WNOHANG) == 0) {
    if (now_ns() > deadline) {
      kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
      return false;
    }
    pause_ns(kRetryNs);
  }
  return true;
}

}  // namespace

int run_start(const LoadOptions& options) {
  pid_t child = 0;
  const std::int64_t begin = now_ns();
  if (posix_spawnp(&child, options.command[0], nullptr, nullptr, options.command.data(), environ) !=
      0)
    die(std::string("cannot start ") + options.command[0]);
  const std::int64_t deadline = begin + static_cast<std::int64_t>(options.limit_s * 1e9);
  std::string fault = "never asked";
  bool answered = false;
  while (!(answered = ask(options, fault)) && now_ns() < deadline) pause_ns(kRetryNs);
  const std::int64_t up = now_ns();
  kill(child, SIGTERM);
  const bool stopped = await_end(child, now_ns() + kStopNs);
  const std::int64_t end = now_ns();
  if (answered && !stopped) fault = "did not stop within 10 s of SIGTERM";
  const bool good = answered && stopped;
  std::printf("{\"start_ms\":%.3f,\"stop_ms\":%.3f,\"errors\":%d,\"first_fault\":%s}\n",
              static_cast<double>(up - begin) / 1e6, static_cast<double>(end - up) / 1e6,
              good ? 0 : 1, json_string(fault).c_str());
  return good ? 0 : 2;
}

}  // namespace clasp::bench
