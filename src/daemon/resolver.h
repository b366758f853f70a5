// Host names to addresses: getaddrinfo on one helper thread for all loops, with a small cache.
// It never blocks a loop and opens no connection.
#pragma once

#include <event2/event.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/count.h"
#include "daemon/mailbox.h"

namespace clasp::daemon {

// An IPv4 or IPv6 address without a port.
struct IpAddress {
  int family = AF_INET;
  std::array<unsigned char, 16> bytes{};
  std::uint32_t scope = 0;  // of a link-local IPv6 address
  bool operator==(const IpAddress&) const = default;

  // Fills `out` and returns the length for connect().
  socklen_t to_socket_address(std::uint16_t port, sockaddr_storage& out) const;
  std::string render(std::uint16_t port) const;  // "1.2.3.4:80", "[::1]:80"
};

std::optional<IpAddress> parse_ip_address(std::string_view text);

struct NameAnswer {
  std::vector<IpAddress> addresses;  // IPv6 and IPv4 in turn; never empty without an error
  std::string error;
};

// The shared part: thread and cache. Thread-safe. Every LoopResolver must be destroyed before.
class Resolver {
 public:
  using Lookup = std::function<NameAnswer(const std::string& host)>;
  struct Options {
    Lookup lookup;  // empty: getaddrinfo
    std::chrono::milliseconds positive_ttl{60'000};
    std::chrono::milliseconds negative_ttl{5'000};
    std::chrono::milliseconds shutdown_wait{200};  // for a lookup that hangs, then it is abandoned
    std::size_t max_entries = 256;
  };

  Resolver() : Resolver(Options()) {}
  explicit Resolver(Options options);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

 private:
  friend class LoopResolver;
  struct State;
  struct Outlet;
  std::shared_ptr<State> state_;  // also held by the thread, which may outlive this object
};

// A question that waits for the helper thread. Destroying it cancels.
class NameQuery {
 public:
  virtual ~NameQuery() = default;
};

// One loop's access to a Resolver; for that loop's thread only.
class LoopResolver {
 public:
  using Callback = std::function<void(NameAnswer)>;

  LoopResolver(event_base* base, Resolver& resolver);
  ~LoopResolver();
  LoopResolver(const LoopResolver&) = delete;
  LoopResolver& operator=(const LoopResolver&) = delete;

  // From the cache, or at once for an address literal; nothing when the thread must be asked.
  std::optional<NameAnswer> try_now(const std::string& host);
  // `callback` runs once, later, on the loop. Fails when the system has no thread or descriptor
  // left; then nothing follows.
  Result<std::unique_ptr<NameQuery>> ask(const std::string& host, Callback callback);

  std::uint64_t lookups() const { return lookups_; }  // questions that the cache did not answer

 private:
  friend struct Resolver::State;
  class Query;
  void on_answer(std::uint64_t id, NameAnswer answer);
  Result<void> open_outlet();

  event_base* base_;
  Resolver& resolver_;
  std::unique_ptr<Mailbox> mailbox_;
  std::shared_ptr<Resolver::Outlet> outlet_;
  std::unordered_map<std::uint64_t, Callback> waiting_;
  std::uint64_t next_id_ = 1;
  Count lookups_;
};

}  // namespace clasp::daemon
