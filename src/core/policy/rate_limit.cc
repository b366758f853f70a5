// See rate_limit.h. A request takes from all of its accounts or from none.
#include "core/policy/rate_limit.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace clasp::policy {

namespace {

constexpr Duration kMinute{60'000};
constexpr Duration kConcurrencyWait{1'000};
// What a request sets aside: its bytes by four, as texts in English have it, but never more than
// this part of a minute's tokens. A picture has many bytes and few tokens.
constexpr std::uint64_t kBytesPerToken = 4;
constexpr std::int64_t kLargestShare = 10;
// How many of the addresses that were not used for longest are looked at to forget one.
constexpr int kLooks = 4;

bool limits_rate(const config::RateSettings& rate) {
  return rate.requests > 0 || rate.tokens_per_minute > 0;
}

std::int64_t reservation(const Account& account, std::uint64_t body_bytes) {
  const std::int64_t most = std::max<std::int64_t>(1, account.tokens.capacity() / kLargestShare);
  if (body_bytes == 0) return most;
  return std::min<std::int64_t>(static_cast<std::int64_t>(body_bytes / kBytesPerToken), most);
}

void add_view(LimitView& view, const TokenBucket& bucket, std::int64_t limit) {
  if (!bucket.limits()) return;
  const std::int64_t remaining = std::min(bucket.whole(), limit);
  if (view.limits && view.remaining <= remaining) return;
  view = {true, limit, remaining, bucket.until_full()};
}

LimitReport make_report(const AccountPtr& own, const AccountPtr& shared) {
  LimitReport report;
  for (const AccountPtr* account : {&own, &shared}) {
    if (!*account) continue;
    const config::RateSettings& rate = (*account)->rate;
    add_view(report.requests, (*account)->requests, rate.requests);
    add_view(report.tokens, (*account)->tokens, static_cast<std::int64_t>(rate.tokens_per_minute));
  }
  return report;
}

std::optional<LimitRefusal> check(const Account& account, std::uint32_t max_running, bool shared) {
  if (!account.requests.has(1))
    return LimitRefusal{LimitKind::requests, shared, account.requests.until(1), {}};
  if (!account.tokens.has(1))
    return LimitRefusal{LimitKind::tokens, shared, account.tokens.until(1), {}};
  if (max_running > 0 && account.running >= max_running)
    return LimitRefusal{LimitKind::concurrency, shared, kConcurrencyWait, {}};
  return std::nullopt;
}

LimitGrant::Part take(const AccountPtr& account, std::uint64_t body_bytes) {
  if (!account) return {};
  account->requests.take(1);
  ++account->running;
  const std::int64_t reserved = account->tokens.limits() ? reservation(*account, body_bytes) : 0;
  account->tokens.take(reserved);
  return {account, reserved};
}

void settle_part(LimitGrant::Part& part, std::uint64_t tokens, TimePoint now) {
  if (!part.account) return;
  Account& account = *part.account;
  account.refill(now);
  --account.running;
  const auto used = static_cast<std::int64_t>(std::min<std::uint64_t>(tokens, INT32_MAX));
  if (used >= part.reserved)
    account.tokens.take(used - part.reserved);
  else
    account.tokens.give_back(part.reserved - used);
  part.account.reset();
}

}  // namespace

void Account::set_rate(const config::RateSettings& wanted, TimePoint now) {
  rate = wanted;
  requests = wanted.requests == 0 ? TokenBucket()
                                  : TokenBucket(wanted.requests, Duration{wanted.window_ms},
                                                static_cast<std::int64_t>(wanted.burst) + 1, now);
  const auto per_minute = static_cast<std::int64_t>(wanted.tokens_per_minute);
  tokens = per_minute == 0 ? TokenBucket() : TokenBucket(per_minute, kMinute, per_minute, now);
}

void Account::refill(TimePoint now) {
  requests.refill(now);
  tokens.refill(now);
}

bool may_limit(const config::RateLimitSettings& settings, const config::ClientSettings* client) {
  if (settings.enabled) return true;
  return client != nullptr && (limits_rate(client->rate) || client->max_concurrency > 0);
}

std::string address_key(std::string_view peer) {
  if (peer.starts_with('[')) {
    const std::size_t end = peer.find(']');
    std::string host(peer.substr(1, end == std::string_view::npos ? end : end - 1));
    host.resize(std::min(host.size(), host.find('%')));  // the interface
    in6_addr six{};
    if (inet_pton(AF_INET6, host.c_str(), &six) != 1) return std::string(peer);
    const auto* bytes = reinterpret_cast<const char*>(six.s6_addr);
    if (IN6_IS_ADDR_V4MAPPED(&six)) return {bytes + 12, 4};
    return {bytes, 8};
  }
  const std::string host(peer.substr(0, peer.rfind(':')));
  in_addr four{};
  if (inet_pton(AF_INET, host.c_str(), &four) != 1) return host;
  return {reinterpret_cast<const char*>(&four), sizeof four};
}

// ---- the accounts ------------------------------------------------------------------------------

void RateLimiter::reconfigure(const config::Settings& settings, TimePoint now) {
  const config::RateLimitSettings& next = settings.rate_limit;
  const config::RateSettings shared_rate =
      next.enabled && next.scope == config::RateScope::global ? next.rate : config::RateSettings{};
  if (!(shared_->rate == shared_rate)) shared_->set_rate(shared_rate, now);
  const bool per_client = next.enabled && next.scope == config::RateScope::client;
  if (!per_client || !(next.rate == settings_.rate)) {
    addresses_.clear();
    by_use_.clear();
    crowd_.reset();
  }
  settings_ = next;
  std::erase_if(clients_, [&](const auto& one) {
    return std::none_of(settings.auth.clients.begin(), settings.auth.clients.end(),
                        [&](const auto& client) { return client.name == one.first; });
  });
}

// Of a client: its own limits, and for kinds that it has none of, the ones of each client.
AccountPtr RateLimiter::own_account(const Caller& caller, TimePoint now) {
  const bool per_client = settings_.enabled && settings_.scope == config::RateScope::client;
  if (caller.client == nullptr)
    return per_client ? address_account(address_key(caller.peer), now) : nullptr;
  config::RateSettings rate = caller.client->rate;
  if (per_client && rate.requests == 0) {
    rate.requests = settings_.rate.requests;
    rate.window_ms = settings_.rate.window_ms;
    rate.burst = settings_.rate.burst;
  }
  if (per_client && rate.tokens_per_minute == 0)
    rate.tokens_per_minute = settings_.rate.tokens_per_minute;
  if (!limits_rate(rate) && caller.client->max_concurrency == 0) return nullptr;
  AccountPtr& account = clients_[caller.client->name];
  if (!account) account = std::make_shared<Account>();
  if (!(account->rate == rate)) account->set_rate(rate, now);
  return account;
}

AccountPtr RateLimiter::address_account(const std::string& key, TimePoint now) {
  if (const auto found = addresses_.find(key); found != addresses_.end()) {
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    return found->second->account;
  }
  if (addresses_.size() >= kAddresses && !make_room(now)) {
    if (!crowd_) {
      crowd_ = std::make_shared<Account>();
      crowd_->set_rate(settings_.rate, now);
    }
    return crowd_;
  }
  by_use_.push_front({key, std::make_shared<Account>()});
  by_use_.front().account->set_rate(settings_.rate, now);
  addresses_.emplace(by_use_.front().key, by_use_.begin());
  return by_use_.front().account;
}

// Only an account that is full again is forgotten: a new one would be the same. So nobody's limit
// begins anew because others flood the table.
bool RateLimiter::make_room(TimePoint now) {
  for (int look = 0; look < kLooks && !by_use_.empty(); ++look) {
    const auto last = std::prev(by_use_.end());
    last->account->refill(now);
    if (last->account->untouched()) {
      addresses_.erase(last->key);
      by_use_.erase(last);
      return true;
    }
    by_use_.splice(by_use_.begin(), by_use_, last);
  }
  return false;
}

// ---- decisions ---------------------------------------------------------------------------------

tl::expected<LimitGrant, LimitRefusal> RateLimiter::admit(const Caller& caller, TimePoint now) {
  LimitGrant grant;
  const AccountPtr own = own_account(caller, now);
  const AccountPtr shared = limits_rate(shared_->rate) ? shared_ : nullptr;
  if (own) own->refill(now);
  if (shared) shared->refill(now);
  const std::uint32_t max_running = caller.client != nullptr ? caller.client->max_concurrency : 0;
  std::optional<LimitRefusal> refusal;
  if (own) refusal = check(*own, max_running, false);
  if (shared)
    if (auto other = check(*shared, 0, true); other && (!refusal || other->wait > refusal->wait))
      refusal = other;
  if (!refusal) {
    grant.own = take(own, caller.body_bytes);
    grant.shared = take(shared, caller.body_bytes);
  }
  const LimitReport report = make_report(own, shared);
  if (refusal) {
    refusal->report = report;
    return tl::unexpected(*refusal);
  }
  grant.report = report;
  return grant;
}

void RateLimiter::settle(LimitGrant& grant, std::uint64_t tokens, TimePoint now) {
  settle_part(grant.own, tokens, now);
  settle_part(grant.shared, tokens, now);
}

}  // namespace clasp::policy
