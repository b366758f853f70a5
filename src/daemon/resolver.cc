// The helper thread, its cache and the way back to the loops. See the header.
#include "daemon/resolver.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>

#include "daemon/error_text.h"

namespace clasp::daemon {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kMaxAddresses = 16;
constexpr std::size_t kMaxWaiters = 20'000;  // cancelled ones count until the answer comes

std::optional<IpAddress> from_socket_address(const sockaddr* address) {
  IpAddress ip;
  ip.family = address->sa_family;
  if (ip.family == AF_INET) {
    std::memcpy(ip.bytes.data(), &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, 4);
    return ip;
  }
  if (ip.family != AF_INET6) return std::nullopt;
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
  std::memcpy(ip.bytes.data(), &v6->sin6_addr, 16);
  ip.scope = v6->sin6_scope_id;
  return ip;
}

// The system's order, but families in turn: one that does not work costs one attempt, not half.
std::vector<IpAddress> interleave(const std::vector<IpAddress>& sorted) {
  std::vector<IpAddress> first, second, out;
  for (const IpAddress& ip : sorted)
    (ip.family == sorted.front().family ? first : second).push_back(ip);
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) out.push_back(first[i]);
    if (i < second.size()) out.push_back(second[i]);
  }
  if (out.size() > kMaxAddresses) out.resize(kMaxAddresses);
  return out;
}

std::string explain(int code) {
  return code == EAI_SYSTEM ? describe_errno(errno) : as_phrase(gai_strerror(code));
}

NameAnswer look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  NameAnswer answer;
  if (const int code = getaddrinfo(host.c_str(), nullptr, &hints, &found); code != 0) {
    // RFC 6761 6.3: localhost is the loopback interface, also where no hosts file says so.
    if (iequals(host, "localhost"))
      answer.addresses = {*parse_ip_address("127.0.0.1"), *parse_ip_address("::1")};
    else
      answer.error = explain(code);
    return answer;
  }
  std::vector<IpAddress> all;
  for (const addrinfo* item = found; item != nullptr; item = item->ai_next) {
    const auto ip = from_socket_address(item->ai_addr);
    if (ip && std::find(all.begin(), all.end(), *ip) == all.end()) all.push_back(*ip);
  }
  freeaddrinfo(found);
  answer.addresses = interleave(all);
  if (answer.addresses.empty()) answer.error = "no address found";
  return answer;
}

}  // namespace

socklen_t IpAddress::to_socket_address(std::uint16_t port, sockaddr_storage& out) const {
  out = {};
  if (family == AF_INET) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&out);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    std::memcpy(&v4->sin_addr, bytes.data(), 4);
    return sizeof(sockaddr_in);
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out);
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(port);
  v6->sin6_scope_id = scope;
  std::memcpy(&v6->sin6_addr, bytes.data(), 16);
  return sizeof(sockaddr_in6);
}

std::string IpAddress::render(std::uint16_t port) const {
  char text[INET6_ADDRSTRLEN] = "?";
  inet_ntop(family, bytes.data(), text, sizeof text);
  const std::string host = family == AF_INET6 ? "[" + std::string(text) + "]" : text;
  return host + ":" + std::to_string(port);
}

std::optional<IpAddress> parse_ip_address(std::string_view text) {
  const std::string copy(text);
  IpAddress ip;
  for (const int family : {AF_INET, AF_INET6}) {
    ip.family = family;
    if (inet_pton(family, copy.c_str(), ip.bytes.data()) == 1) return ip;
  }
  return std::nullopt;
}

// ---- shared part -----------------------------------------------------------------------------

// Where one loop's answers go. The thread may hold it longer than the loop lives.
struct Resolver::Outlet {
  std::mutex mutex;
  LoopResolver* loop = nullptr;  // nullptr once the loop is gone
  Mailbox* mailbox = nullptr;
};

struct Resolver::State {
  struct Waiter {
    std::shared_ptr<Outlet> outlet;
    std::uint64_t id = 0;
  };
  struct Entry {
    NameAnswer answer;
    Clock::time_point expires;
    bool pending = false;
    std::vector<Waiter> waiters;
  };

  explicit State(Options o) : options(std::move(o)) {}
  void run();
  void store(const std::string& host, NameAnswer answer, std::vector<Waiter>& waiters);
  void make_room();

  const Options options;
  std::mutex mutex;
  std::condition_variable work;      // a question came, or the end
  std::condition_variable finished;  // the thread is about to return
  std::thread thread;
  std::deque<std::string> queue;
  std::map<std::string, Entry> entries;
  bool stopping = false;
  bool has_finished = false;
};

// Every live entry is either pending (bounded by the running calls) or cached (bounded here).
void Resolver::State::make_room() {
  if (entries.size() < options.max_entries) return;
  const auto now = Clock::now();
  std::erase_if(entries,
                [&](const auto& e) { return !e.second.pending && e.second.expires <= now; });
  for (auto it = entries.begin(); it != entries.end() && entries.size() >= options.max_entries;)
    it = it->second.pending ? std::next(it) : entries.erase(it);
}

void Resolver::State::store(const std::string& host, NameAnswer answer,
                            std::vector<Waiter>& waiters) {
  Entry& entry = entries[host];
  waiters.swap(entry.waiters);
  const bool good = !answer.addresses.empty();
  entry.answer = std::move(answer);
  entry.expires = Clock::now() + (good ? options.positive_ttl : options.negative_ttl);
  entry.pending = false;
}

void Resolver::State::run() {
  std::unique_lock lock(mutex);
  while (true) {
    work.wait(lock, [this] { return stopping || !queue.empty(); });
    if (stopping) break;
    const std::string host = std::move(queue.front());
    queue.pop_front();
    lock.unlock();
    const NameAnswer answer = options.lookup ? options.lookup(host) : look_up(host);
    lock.lock();
    std::vector<Waiter> waiters;
    store(host, answer, waiters);
    lock.unlock();
    for (const Waiter& waiter : waiters) {
      const std::lock_guard outlet_lock(waiter.outlet->mutex);
      LoopResolver* const loop = waiter.outlet->loop;
      if (loop == nullptr) continue;
      waiter.outlet->mailbox->send([loop, id = waiter.id, answer] { loop->on_answer(id, answer); });
    }
    waiters.clear();
    lock.lock();
  }
  has_finished = true;
  finished.notify_all();
}

Resolver::Resolver(Options options) : state_(std::make_shared<State>(std::move(options))) {}

// getaddrinfo cannot be interrupted: a thread that hangs in it is left to itself with its state.
Resolver::~Resolver() {
  std::unique_lock lock(state_->mutex);
  state_->stopping = true;
  if (!state_->thread.joinable()) return;
  state_->work.notify_all();
  const bool done = state_->finished.wait_for(lock, state_->options.shutdown_wait,
                                              [this] { return state_->has_finished; });
  std::thread thread = std::move(state_->thread);
  lock.unlock();
  if (done)
    thread.join();
  else
    thread.detach();
}

// ---- one loop's part -------------------------------------------------------------------------

class LoopResolver::Query final : public NameQuery {
 public:
  Query(LoopResolver& loop, std::uint64_t id) : loop_(loop), id_(id) {}
  ~Query() override { loop_.waiting_.erase(id_); }

 private:
  LoopResolver& loop_;
  std::uint64_t id_;
};

LoopResolver::LoopResolver(event_base* base, Resolver& resolver)
    : base_(base), resolver_(resolver) {}

LoopResolver::~LoopResolver() {
  if (!outlet_) return;
  const std::lock_guard lock(outlet_->mutex);
  outlet_->loop = nullptr;
  outlet_->mailbox = nullptr;
}

// A loop that only ever sees address literals needs neither descriptor nor thread.
Result<void> LoopResolver::open_outlet() {
  if (outlet_) return {};
  auto mailbox = Mailbox::make(base_);
  if (!mailbox) return tl::unexpected(mailbox.error());
  mailbox_ = std::move(*mailbox);
  outlet_ = std::make_shared<Resolver::Outlet>();
  outlet_->loop = this;
  outlet_->mailbox = mailbox_.get();
  return {};
}

std::optional<NameAnswer> LoopResolver::try_now(const std::string& host) {
  if (const auto ip = parse_ip_address(host)) return NameAnswer{{*ip}, ""};
  Resolver::State& state = *resolver_.state_;
  const std::lock_guard lock(state.mutex);
  const auto it = state.entries.find(host);
  if (it == state.entries.end() || it->second.pending || it->second.expires <= Clock::now())
    return std::nullopt;
  return it->second.answer;
}

Result<std::unique_ptr<NameQuery>> LoopResolver::ask(const std::string& host, Callback callback) {
  if (auto opened = open_outlet(); !opened) return tl::unexpected(opened.error());
  const std::uint64_t id = next_id_++;
  Resolver::State& state = *resolver_.state_;
  const std::lock_guard lock(state.mutex);
  if (!state.thread.joinable()) {
    // Signals belong to the main loop.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      state.thread = std::thread([shared = resolver_.state_] { shared->run(); });
    } catch (const std::system_error& error) {
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      return fail(std::string("no thread for name lookups: ") + error.what());
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  state.make_room();
  Resolver::State::Entry& entry = state.entries[host];
  if (entry.waiters.size() >= kMaxWaiters) return fail("too many calls wait for its address");
  if (!entry.pending) state.queue.push_back(host);
  entry.pending = true;
  entry.waiters.push_back({outlet_, id});
  waiting_.emplace(id, std::move(callback));
  ++lookups_;
  state.work.notify_one();
  return std::make_unique<Query>(*this, id);
}

void LoopResolver::on_answer(std::uint64_t id, NameAnswer answer) {
  const auto it = waiting_.find(id);
  if (it == waiting_.end()) return;
  const Callback callback = std::move(it->second);
  waiting_.erase(it);
  callback(std::move(answer));
}

}  // namespace clasp::daemon
