// See system.h.
#include "ctl/system.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

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
