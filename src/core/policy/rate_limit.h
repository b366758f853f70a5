// Who may ask now: rate limits and limits of concurrency, for named clients, addresses and all
// together. Pure: time is passed in; daemon/shared_limits.h puts a lock around it.
//
// Each limit is a bucket that fills evenly. `requests` come in each `window`; at most burst + 1
// are kept, so that in any time T no more than burst + 1 + requests * T / window get in. Tokens
// fill a bucket of tokens_per_minute. What a request will use is not known when it begins: it
// gets in while something is left, sets aside an estimate by its length, and is charged with what
// it has used when it ends. That may leave a debt, which those who come later wait for.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "config/settings.h"
#include "core/policy/token_bucket.h"

namespace clasp::policy {

// What the limits of one client, one address, or all together say.
struct Account {
  config::RateSettings rate;
  TokenBucket requests, tokens;
  std::uint32_t running = 0;  // admitted and not over
  void set_rate(const config::RateSettings& wanted, TimePoint now);
  void refill(TimePoint now);
  bool untouched() const { return requests.full() && tokens.full() && running == 0; }
};
using AccountPtr = std::shared_ptr<Account>;

// One kind of limit as headers tell it, at the moment of a decision.
struct LimitView {
  bool limits = false;
  std::int64_t limit = 0, remaining = 0;
  Duration full_in{0};
};

// Of several limits of a kind, the one that leaves least.
struct LimitReport {
  LimitView requests, tokens;
};

enum class LimitKind { requests, tokens, concurrency };

struct LimitRefusal {
  LimitKind kind = LimitKind::requests;
  bool shared = false;  // the limit of all together
  Duration wait{0};     // until asking again may help
  LimitReport report;
};

// Somebody who asks.
struct Caller {
  const config::ClientSettings* client = nullptr;  // null: a stranger, who is known by address
  std::string_view peer;                           // "127.0.0.1:54321", "[::1]:54321", "unix"
  std::uint64_t body_bytes = 0;                    // 0: not known
};

// What one request was given. Empty where nothing limits it.
struct LimitGrant {
  struct Part {
    AccountPtr account;
    std::int64_t reserved = 0;  // tokens
  };
  Part own, shared;
  LimitReport report;
  bool empty() const { return !own.account && !shared.account; }
};

// An account as operators see it.
struct AccountView {
  enum class Kind { all, client, address, others };  // others: addresses beyond those remembered
  Kind kind = Kind::all;
  std::string name;  // of a client or an address
  config::RateSettings rate;
  std::int64_t requests_left = 0, tokens_left = 0;  // where there is such a limit
  std::uint32_t running = 0;
};

class RateLimiter {
 public:
  // Addresses that are remembered; those beyond share one account until others are forgotten.
  static constexpr std::size_t kAddresses = 10'000;

  // What is limited as before keeps its state.
  void reconfigure(const config::Settings& settings, TimePoint now);
  tl::expected<LimitGrant, LimitRefusal> admit(const Caller& caller, TimePoint now);
  // The request is over and has used this many tokens. Once for each grant.
  static void settle(LimitGrant& grant, std::uint64_t tokens, TimePoint now);

  // All together, clients by name, addresses by their last use; at most `most`.
  std::vector<AccountView> accounts(TimePoint now, std::size_t most) const;
  std::size_t addresses() const { return addresses_.size(); }

 private:
  struct Address {
    std::string key;
    AccountPtr account;
  };
  AccountPtr own_account(const Caller& caller, TimePoint now);
  AccountPtr address_account(const std::string& key, TimePoint now);
  bool make_room(TimePoint now);

  config::RateLimitSettings settings_;
  AccountPtr shared_ = std::make_shared<Account>();
  std::unordered_map<std::string, AccountPtr> clients_;
  std::list<Address> by_use_;  // last used first
  std::unordered_map<std::string_view, std::list<Address>::iterator> addresses_;
  AccountPtr crowd_;  // of the addresses beyond
};

// Whether anything may limit this client, so that nobody asks in vain.
bool may_limit(const config::RateLimitSettings& settings, const config::ClientSettings* client);

// Whom a stranger's address stands for: an IPv4 address, the first 64 bits of an IPv6 address
// (a household or a machine), or all of a Unix socket.
std::string address_key(std::string_view peer);
// The same for people: "192.0.2.7", "2001:db8::/64", "unix".
std::string render_address_key(std::string_view key);

}  // namespace clasp::policy
