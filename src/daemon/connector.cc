// Attempts side by side ("happy eyeballs"). See the header.
#include "daemon/connector.h"

#include <event2/event_struct.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "daemon/error_text.h"

namespace clasp::daemon {
namespace {

constexpr Duration kStagger{250};
constexpr std::size_t kMaxMessage = 400;
// A model may think for minutes; probes keep the entry in NAT tables on the way alive.
constexpr int kKeepAliveIdleSeconds = 60;

void set_option(int fd, int level, int name, int value) {
  setsockopt(fd, level, name, &value, sizeof value);
}

}  // namespace

struct Connector::Attempt {
  Attempt(Connector& c, UniqueFd f, const IpAddress& a) : owner(c), fd(std::move(f)), address(a) {
    event_assign(&writable, c.base_, fd.get(), EV_WRITE, &Attempt::on_writable_thunk, this);
    event_add(&writable, nullptr);
    if (c.per_address_ > Duration::zero())
      timer = c.scheduler_.after(c.per_address_, [this] { owner.on_timeout(*this); });
  }
  ~Attempt() { event_del(&writable); }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  static void on_writable_thunk(evutil_socket_t, short, void* self) noexcept {
    auto* attempt = static_cast<Attempt*>(self);
    attempt->owner.on_writable(*attempt);
  }

  Connector& owner;
  UniqueFd fd;
  IpAddress address;
  event writable{};
  TimerHandle timer;
};

Connector::Connector(event_base* base, Scheduler& scheduler, ConnectorOwner& owner)
    : base_(base), scheduler_(scheduler), owner_(owner) {}

Connector::~Connector() = default;

void Connector::start(std::vector<IpAddress> addresses, std::uint16_t port, Duration per_address) {
  addresses_ = std::move(addresses);
  port_ = port;
  per_address_ = per_address;
  go_on();
}

// Starts the next attempt that does not fail at once. Nothing of this object may be touched after
// the owner was called.
void Connector::go_on() {
  stagger_.reset();
  while (next_ < addresses_.size()) {
    const Launch result = launch(addresses_[next_++]);
    if (result == Launch::connected) return owner_.on_connected(std::move(ready_));
    if (result == Launch::failed) continue;
    if (next_ < addresses_.size()) stagger_ = scheduler_.after(kStagger, [this] { go_on(); });
    return;
  }
  if (!attempts_.empty()) return;
  const ConnectFailure failure = std::move(failure_);
  owner_.on_connect_failed(failure);
}

Connector::Launch Connector::launch(const IpAddress& address) {
  UniqueFd fd(::socket(address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) {
    note_failure(address, describe_errno(errno), false);
    return Launch::failed;
  }
  set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd.get(), IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleSeconds);
  sockaddr_storage storage;
  const socklen_t length = address.to_socket_address(port_, storage);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), length) == 0) {
    ready_ = std::move(fd);
    return Launch::connected;
  }
  if (errno != EINPROGRESS && errno != EINTR) {
    note_failure(address, describe_errno(errno), false);
    return Launch::failed;
  }
  attempts_.push_back(std::make_unique<Attempt>(*this, std::move(fd), address));
  return Launch::running;
}

void Connector::on_writable(Attempt& attempt) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(attempt.fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) {
    note_failure(attempt.address, describe_errno(error), error == ETIMEDOUT);
    drop(attempt);
    return go_on();
  }
  event_del(&attempt.writable);
  UniqueFd fd = std::move(attempt.fd);
  attempts_.clear();
  stagger_.reset();
  owner_.on_connected(std::move(fd));
}

void Connector::on_timeout(Attempt& attempt) {
  note_failure(attempt.address, "no answer within " + render_delay(per_address_), true);
  drop(attempt);
  go_on();
}

void Connector::drop(const Attempt& attempt) {
  std::erase_if(attempts_, [&](const auto& item) { return item.get() == &attempt; });
}

void Connector::note_failure(const IpAddress& address, const std::string& why, bool timed_out) {
  failure_.timed_out = failure_.timed_out && timed_out;
  if (failure_.message.size() > kMaxMessage) return;
  if (!failure_.message.empty()) failure_.message += ", ";
  failure_.message += address.render(port_) + ": " + why;
}

}  // namespace clasp::daemon
