// Opens many streams, waits until each has its first content, says so and keeps them open until
// stdin ends, so that somebody else can look at the proxy's memory meanwhile.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "load_options.h"
#include "net.h"

namespace clasp::bench {
namespace {

constexpr std::size_t kOpening = 32;  // streams that may wait for their first content at a time

struct Held {
  int fd = -1;
  bool ready = false;
  ReplyReader reply;
};

class Holder {
 public:
  explicit Holder(const LoadOptions& options)
      : options_(options), epoll_fd_(epoll_create1(EPOLL_CLOEXEC)) {}

  int run() {
    const std::int64_t deadline = now_ns() + static_cast<std::int64_t>(options_.limit_s * 1e9);
    while (ready_ < options_.connections && fault_.empty()) {
      while (streams_.size() < options_.connections && streams_.size() - ready_ < kOpening) open();
      turn(100);
      if (now_ns() > deadline) fault_ = "time limit reached";
    }
    report("ready");
    if (!fault_.empty()) return 2;
    while (!stdin_ended() && fault_.empty()) {
      turn(20);
      if (now_ns() > deadline) fault_ = "time limit reached";
    }
    report("held");
    return fault_.empty() ? 0 : 2;
  }

 private:
  void open() {
    auto stream = std::make_unique<Held>();
    stream->fd = connect_to(options_.port);
    if (stream->fd < 0) die(std::string("cannot connect: ") + std::strerror(errno));
    const std::string& bytes = options_.bytes.front();
    if (send(stream->fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(bytes.size()))
      die("a request for a held stream must fit into one write");
    watch(epoll_fd_, stream->fd, EPOLLIN, stream.get());
    streams_.push_back(std::move(stream));
  }

  void turn(int wait_ms) {
    epoll_event events[256];
    const int count = epoll_wait(epoll_fd_, events, 256, wait_ms);
    for (int i = 0; i < count; ++i) read_some(*static_cast<Held*>(events[i].data.ptr));
  }

  void read_some(Held& stream) {
    char buffer[16 * 1024];
    const ssize_t got = recv(stream.fd, buffer, sizeof buffer, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got > 0) stream.reply.feed({buffer, static_cast<std::size_t>(got)});
    const auto state = stream.reply.state();
    if (got <= 0 || state == ReplyReader::State::done || state == ReplyReader::State::bad) {
      fault_ = "a stream ended early: status " + std::to_string(stream.reply.status()) + " " +
               std::string(stream.reply.start());
      epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, stream.fd, nullptr);
      return;
    }
    if (stream.ready || stream.reply.start().find(options_.marker) == std::string_view::npos)
      return;
    stream.ready = true;
    ++ready_;
  }

  static bool stdin_ended() {
    pollfd input{0, POLLIN, 0};
    char byte;
    return poll(&input, 1, 0) > 0 && read(0, &byte, 1) <= 0;
  }

  void report(const char* what) {
    std::printf("{\"%s\":%zu,\"errors\":%d,\"first_fault\":%s}\n", what, ready_,
                fault_.empty() ? 0 : 1, json_string(fault_).c_str());
    std::fflush(stdout);
  }

  const LoadOptions& options_;
  const int epoll_fd_;
  std::vector<std::unique_ptr<Held>> streams_;
  std::size_t ready_ = 0;
  std::string fault_;
};

}  // namespace

int run_hold(const LoadOptions& options) {
  return Holder(options).run();
}

}  // namespace clasp::bench
