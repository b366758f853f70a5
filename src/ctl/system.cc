// See system.h.
#include "ctl/system.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "base/text.h"

namespace clasp::ctl {

std::string why_not_listen(const std::string& address, std::uint16_t port) {
  const bool six = address.find(':') != std::string::npos;
  const int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::strerror(errno);
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in four{};
  sockaddr_in6 long_one{};
  int result = -1;
  if (six) {
    long_one.sin6_family = AF_INET6;
    long_one.sin6_port = htons(port);
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    inet_pton(AF_INET6, address.c_str(), &long_one.sin6_addr);
    result = bind(fd, reinterpret_cast<const sockaddr*>(&long_one), sizeof long_one);
  } else {
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    inet_pton(AF_INET, address.c_str(), &four.sin_addr);
    result = bind(fd, reinterpret_cast<const sockaddr*>(&four), sizeof four);
  }
  const std::string problem = result == 0 ? "" : std::strerror(errno);
  close(fd);
  return problem;
}

namespace {

// What a program writes to standard output; empty where it fails, or takes too long.
std::string read_program(std::vector<std::string> words) {
  constexpr std::size_t kMost = 1u << 20;
  constexpr auto kPatience = std::chrono::seconds(3);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  pid_t pid = -1;
  const int failed =
      posix_spawnp(&pid, pointers.front(), &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string out;
  bool whole = false;
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (failed == 0 && !whole && out.size() < kMost) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd waiting{ends[0], POLLIN, 0};
    if (left.count() <= 0 || poll(&waiting, 1, static_cast<int>(left.count())) <= 0) break;
    char bytes[4096];
    const ssize_t got = read(ends[0], bytes, sizeof bytes);
    whole = got <= 0;
    if (got > 0) out.append(bytes, static_cast<std::size_t>(got));
  }
  close(ends[0]);
  if (failed != 0) return {};
  if (!whole) kill(pid, SIGKILL);
  int status = 0;
  waitpid(pid, &status, 0);
  return whole && status == 0 ? out : std::string();
}

}  // namespace

std::string find_socket_unit(std::string_view list, const std::string& address,
                             std::uint16_t port) {
  const bool six = address.find(':') != std::string::npos;
  const std::string wanted = six ? "[" + address + "]" : address;
  const auto is_any = [](std::string_view host) { return host == "0.0.0.0" || host == "[::]"; };
  for (const std::string_view line : split(list, '\n')) {
    std::vector<std::string_view> words;
    for (const std::string_view word : split(line, ' '))
      if (!word.empty()) words.push_back(word);
    if (words.size() < 2) continue;
    const std::size_t colon = words[0].rfind(':');
    if (colon == std::string_view::npos || words[0].substr(colon + 1) != std::to_string(port))
      continue;
    const std::string_view host = words[0].substr(0, colon);
    if (host == wanted || is_any(host) || is_any(wanted)) return std::string(words[1]);
  }
  return {};
}

std::string socket_unit_at(const std::string& address, std::uint16_t port) {
  if (access("/run/systemd/system", F_OK) != 0) return {};
  const std::string list =
      read_program({"systemctl", "list-sockets", "--no-legend", "--plain", "--full", "--no-pager"});
  return find_socket_unit(list, address, port);
}

std::string working_folder() {
  char path[PATH_MAX];
  return getcwd(path, sizeof path) == nullptr ? std::string() : std::string(path);
}

bool clock_is_synchronised() {
  timex state{};
  return adjtimex(&state) != TIME_ERROR;
}

std::string run_program(const std::string& program, const std::vector<std::string>& arguments,
                        const std::vector<std::pair<std::string, std::string>>& environment) {
  for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
  std::vector<std::string> words = {program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  execvp(program.c_str(), pointers.data());
  if (errno == ENOENT)
    return "there is no program " + program +
           " in PATH; npm install -g @anthropic-ai/claude-code installs Claude Code";
  return program + ": " + std::strerror(errno);
}

}  // namespace clasp::ctl
