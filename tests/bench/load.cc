// The load generator of the benchmark. Every mode is bounded in count and time, checks every reply
// and prints one line of JSON. Its own cost is never part of a figure.
//
//   closed  each connection sends its next request when the last reply is complete
//   rate    requests start at fixed times; a reply's latency counts from the time its request was
//   due,
//           so that a stall is seen by every request it delays
//   hold, start: see load_options.h
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "load_options.h"
#include "net.h"
#include "reply.h"

namespace clasp::bench {
namespace {

struct Client {
  int fd = -1;
  const std::string* bytes = nullptr;  // of its request
  std::size_t sent = 0;
  bool busy = false;
  bool waits_for_write = false;
  std::int64_t start_ns = 0;
  ReplyReader reply;
};

class Load {
 public:
  explicit Load(const LoadOptions& options)
      : options_(options), epoll_fd_(epoll_create1(EPOLL_CLOEXEC)), buffer_(256 * 1024) {
    latencies_.reserve(options.requests);
    for (std::size_t i = 0; i < options.connections; ++i) {
      clients_.push_back(std::make_unique<Client>());
      reconnect(*clients_.back());
    }
  }

  int run() {
    const std::int64_t begin = now_ns();
    const std::int64_t deadline = begin + static_cast<std::int64_t>(options_.limit_s * 1e9);
    options_.rate > 0 ? start_clock(begin) : start_all(begin);
    epoll_event events[256];
    while (finished_ < options_.requests && errors_ < kMaxErrors) {
      const int count = epoll_wait(epoll_fd_, events, 256, 1000);
      for (int i = 0; i < count; ++i) {
        if (events[i].data.ptr == nullptr)
          on_tick();
        else
          on_ready(*static_cast<Client*>(events[i].data.ptr), events[i].events);
      }
      if (now_ns() > deadline) {
        note_fault("time limit reached");
        break;
      }
    }
    print(static_cast<double>(now_ns() - begin) / 1e9);
    return errors_ == 0 ? 0 : 2;
  }

 private:
  static constexpr std::size_t kMaxErrors = 20;

  void reconnect(Client& c) {
    if (c.fd >= 0) {
      close(c.fd);
      ++reconnects_;
    }
    c.fd = connect_to(options_.port);
    if (c.fd < 0)
      die("cannot connect to port " + std::to_string(options_.port) + ": " + std::strerror(errno));
    c.waits_for_write = false;
    watch(epoll_fd_, c.fd, EPOLLIN, &c);
  }

  void start_all(std::int64_t now) {
    for (const auto& client : clients_) {
      if (started_ == options_.requests) return;
      start(*client, now);
    }
  }

  void start_clock(std::int64_t begin) {
    for (const auto& client : clients_) idle_.push_back(client.get());
    first_due_ = begin + 20'000'000;
    period_ns_ = 1e9 / options_.rate;
    timer_fd_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    const auto period = static_cast<std::int64_t>(period_ns_);
    itimerspec when{};
    when.it_value = {first_due_ / 1'000'000'000, first_due_ % 1'000'000'000};
    when.it_interval = {period / 1'000'000'000, period % 1'000'000'000};
    if (timerfd_settime(timer_fd_, TFD_TIMER_ABSTIME, &when, nullptr) != 0) die("no timer");
    watch(epoll_fd_, timer_fd_, EPOLLIN, nullptr);
  }

  std::int64_t due(std::size_t n) const {
    return first_due_ + static_cast<std::int64_t>(static_cast<double>(n) * period_ns_);
  }

  void on_tick() {
    std::uint64_t ticks = 0;
    if (read(timer_fd_, &ticks, sizeof ticks) < 0) return;
    const std::int64_t now = now_ns();
    for (; scheduled_ < options_.requests && due(scheduled_) <= now; ++scheduled_) {
      worst_lag_ = std::max(worst_lag_, now - due(scheduled_));
      waiting_.push_back(due(scheduled_));
    }
    start_waiting();
  }

  // The connection that was idle the shortest goes first: it is the likeliest to be still open.
  void start_waiting() {
    while (!waiting_.empty() && !idle_.empty()) {
      Client& c = *idle_.back();
      idle_.pop_back();
      const std::int64_t when = waiting_.front();
      waiting_.pop_front();
      start(c, when);
    }
  }

  void start(Client& c, std::int64_t when) {
    c.bytes = &options_.bytes[started_++ % options_.bytes.size()];
    c.reply.reset();
    c.busy = true;
    c.sent = 0;
    c.start_ns = when;
    send_more(c);
  }

  void send_more(Client& c) {
    const std::string& bytes = *c.bytes;
    while (c.sent < bytes.size()) {
      const ssize_t wrote = send(c.fd, bytes.data() + c.sent, bytes.size() - c.sent, MSG_NOSIGNAL);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) break;  // a broken connection shows itself when it is read
      c.sent += static_cast<std::size_t>(wrote);
    }
    const bool waits = c.sent < bytes.size();
    if (waits == c.waits_for_write) return;
    c.waits_for_write = waits;
    watch(epoll_fd_, c.fd, waits ? EPOLLIN | EPOLLOUT : EPOLLIN, &c, true);
  }

  void on_ready(Client& c, std::uint32_t events) {
    if ((events & EPOLLOUT) != 0) send_more(c);
    if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) == 0) return;
    const ssize_t got = recv(c.fd, buffer_.data(), buffer_.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0)
      on_close(c);
    else
      on_bytes(c, {buffer_.data(), static_cast<std::size_t>(got)});
  }

  void on_close(Client& c) {
    if (!c.busy) return reconnect(c);  // an idle connection may be closed at any time
    c.reply.close();
    finish(c, false);
  }

  void on_bytes(Client& c, std::string_view bytes) {
    if (!c.busy) {
      note_fault("bytes without a request");
      return reconnect(c);
    }
    const auto state = c.reply.feed(bytes);
    if (state == ReplyReader::State::done) finish(c, c.reply.keep_alive());
    if (state == ReplyReader::State::bad) finish(c, false);
  }

  void finish(Client& c, bool keeps_connection) {
    const std::int64_t now = now_ns();
    const std::string fault = fault_of(c.reply, options_);
    if (!fault.empty()) note_fault(fault);
    latencies_.push_back(now - c.start_ns);
    body_bytes_ += c.reply.body_bytes();
    ++finished_;
    c.busy = false;
    if (!keeps_connection || c.sent < c.bytes->size()) reconnect(c);
    if (options_.rate > 0) {
      idle_.push_back(&c);
      start_waiting();
    } else if (started_ < options_.requests) {
      start(c, now);
    }
  }

  void note_fault(const std::string& fault) {
    if (errors_++ == 0) first_fault_ = fault;
  }

  double percentile_us(double p) const {
    if (latencies_.empty()) return 0;
    const auto last = static_cast<double>(latencies_.size() - 1);
    return static_cast<double>(latencies_[static_cast<std::size_t>(p * last + 0.5)]) / 1e3;
  }

  void print(double seconds) {
    std::sort(latencies_.begin(), latencies_.end());
    std::printf(
        "{\"requests\":%zu,\"errors\":%zu,\"reconnects\":%zu,\"seconds\":%.4f,\"body_bytes\":%llu,"
        "\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,\"worst_lag_us\":%.1f,"
        "\"first_fault\":%s}\n",
        finished_, errors_, reconnects_, seconds, static_cast<unsigned long long>(body_bytes_),
        percentile_us(0.5), percentile_us(0.9), percentile_us(0.99), percentile_us(1),
        static_cast<double>(worst_lag_) / 1e3, json_string(first_fault_).c_str());
  }

  const LoadOptions& options_;
  const int epoll_fd_;
  int timer_fd_ = -1;
  std::vector<char> buffer_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<Client*> idle_;
  std::deque<std::int64_t> waiting_;  // when these requests were due
  std::vector<std::int64_t> latencies_;
  std::size_t scheduled_ = 0, started_ = 0, finished_ = 0, errors_ = 0, reconnects_ = 0;
  std::uint64_t body_bytes_ = 0;
  std::int64_t first_due_ = 0, worst_lag_ = 0;
  double period_ns_ = 0;
  std::string first_fault_;
};

}  // namespace
}  // namespace clasp::bench

int main(int argc, char** argv) {
  using namespace clasp::bench;
  const LoadOptions options = parse_load_options(argc, argv);
  raise_file_limit();
  if (options.mode == "hold") return run_hold(options);
  if (options.mode == "start") return run_start(options);
  if (options.mode == "closed" || options.mode == "rate") return Load(options).run();
  die("unknown mode " + options.mode);
}
