// What limits know, for operators.
#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <tuple>

#include "core/policy/rate_limit.h"

namespace clasp::policy {

namespace {

AccountView view_of(AccountView::Kind kind, std::string name, Account& account, TimePoint now) {
  account.refill(now);
  AccountView view;
  view.kind = kind;
  view.name = std::move(name);
  view.rate = account.rate;
  view.requests_left = account.requests.whole();
  view.tokens_left = account.tokens.whole();
  view.running = account.running;
  return view;
}

}  // namespace

std::string render_address_key(std::string_view key) {
  constexpr std::size_t kFour = 4, kHalfOfSix = 8;
  if (key == "unix") return "unix";
  char text[INET6_ADDRSTRLEN] = {};
  if (key.size() == kFour) {
    in_addr four{};
    std::memcpy(&four, key.data(), kFour);
    if (inet_ntop(AF_INET, &four, text, sizeof text) != nullptr) return text;
  }
  if (key.size() == kHalfOfSix) {
    in6_addr six{};
    std::memcpy(&six, key.data(), kHalfOfSix);
    if (inet_ntop(AF_INET6, &six, text, sizeof text) != nullptr) return std::string(text) + "/64";
  }
  return std::string(key);
}

std::vector<AccountView> RateLimiter::accounts(TimePoint now, std::size_t most) const {
  std::vector<AccountView> out;
  using Kind = AccountView::Kind;
  if (shared_->requests.limits() || shared_->tokens.limits())
    out.push_back(view_of(Kind::all, "", *shared_, now));
  for (const auto& [name, account] : clients_)
    out.push_back(view_of(Kind::client, name, *account, now));
  std::sort(out.begin(), out.end(), [](const AccountView& a, const AccountView& b) {
    return std::tie(a.kind, a.name) < std::tie(b.kind, b.name);
  });
  for (const Address& one : by_use_) {
    if (out.size() >= most) break;
    out.push_back(view_of(Kind::address, render_address_key(one.key), *one.account, now));
  }
  if (crowd_) out.push_back(view_of(Kind::others, "", *crowd_, now));
  if (out.size() > most) out.resize(most);
  return out;
}

}  // namespace clasp::policy
