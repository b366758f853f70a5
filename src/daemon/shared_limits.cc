// See shared_limits.h.
#include "daemon/shared_limits.h"

#include <algorithm>

#include "base/calendar.h"

namespace clasp::daemon {

namespace {

std::int64_t seconds_up(Duration wait) {
  return std::chrono::ceil<std::chrono::seconds>(wait).count();
}

// Most of them within one second are the same.
const std::string& instant_text(std::int64_t unix_seconds) {
  thread_local std::int64_t last = -1;
  thread_local std::string text;
  if (unix_seconds != last) {
    text = render_instant(unix_seconds);
    last = unix_seconds;
  }
  return text;
}

struct ViewNames {
  std::string_view limit, remaining, reset;
};
constexpr ViewNames kRequests{"anthropic-ratelimit-requests-limit",
                              "anthropic-ratelimit-requests-remaining",
                              "anthropic-ratelimit-requests-reset"};
constexpr ViewNames kTokens{"anthropic-ratelimit-tokens-limit",
                            "anthropic-ratelimit-tokens-remaining",
                            "anthropic-ratelimit-tokens-reset"};

void add_view(wire::Headers& headers, const ViewNames& names, const policy::LimitView& view,
              std::int64_t unix_now) {
  if (!view.limits) return;
  headers.add(names.limit, std::to_string(view.limit));
  headers.add(names.remaining, std::to_string(view.remaining));
  headers.add(names.reset, instant_text(unix_now + seconds_up(view.full_in)));
}

}  // namespace

class SharedLimits::Held final : public exchange::Admission {
 public:
  Held(SharedLimits& owner, policy::LimitGrant grant, const Scheduler& scheduler)
      : owner_(owner),
        grant_(std::move(grant)),
        scheduler_(scheduler),
        unix_admitted_(scheduler.unix_seconds()) {}
  ~Held() override { settle(0); }

  bool has_headers() const override {
    return grant_.report.requests.limits || grant_.report.tokens.limits;
  }
  void add_headers(wire::Headers& headers) const override {
    add_limit_headers(headers, grant_.report, unix_admitted_);
  }
  void settle(std::uint64_t tokens) override {
    if (grant_.empty()) return;
    const std::lock_guard lock(owner_.mutex_);
    policy::RateLimiter::settle(grant_, tokens, scheduler_.now());
  }

 private:
  SharedLimits& owner_;
  policy::LimitGrant grant_;
  const Scheduler& scheduler_;
  std::int64_t unix_admitted_;
};

void SharedLimits::reconfigure(const config::Settings& settings, TimePoint now) {
  const std::lock_guard lock(mutex_);
  limiter_.reconfigure(settings, now);
}

tl::expected<std::shared_ptr<exchange::Admission>, policy::LimitRefusal> SharedLimits::admit(
    const exchange::RequestHead& head, const Scheduler& scheduler) {
  auto grant = [&] {
    const std::lock_guard lock(mutex_);
    auto decided =
        limiter_.admit({head.client.get(), head.peer, head.body_length}, scheduler.now());
    if (!decided) {
      using policy::LimitKind;
      const LimitKind kind = decided.error().kind;
      ++(kind == LimitKind::requests ? refused_.requests
         : kind == LimitKind::tokens ? refused_.tokens
                                     : refused_.concurrency);
    }
    return decided;
  }();
  if (!grant) return tl::unexpected(grant.error());
  if (grant->empty()) return nullptr;
  return std::make_shared<Held>(*this, std::move(*grant), scheduler);
}

void SharedLimits::count_budget() {
  const std::lock_guard lock(mutex_);
  ++refused_.budget;
}

RefusedCounts SharedLimits::refused() const {
  const std::lock_guard lock(mutex_);
  return refused_;
}

std::vector<policy::AccountView> SharedLimits::accounts(TimePoint now, std::size_t most) const {
  const std::lock_guard lock(mutex_);
  return limiter_.accounts(now, most);
}

void add_limit_headers(wire::Headers& headers, const policy::LimitReport& report,
                       std::int64_t unix_now) {
  add_view(headers, kRequests, report.requests, unix_now);
  add_view(headers, kTokens, report.tokens, unix_now);
}

wire::ApiError limit_error(const policy::LimitRefusal& refusal) {
  using policy::LimitKind;
  const std::int64_t wait = std::max<std::int64_t>(1, seconds_up(refusal.wait));
  std::string text = refusal.kind == LimitKind::requests ? "too many requests"
                     : refusal.kind == LimitKind::tokens ? "too many tokens in the last minutes"
                                                         : "too many requests at the same time";
  text.append(refusal.shared ? ", of all clients together" : "").append("; try again in ");
  text.append(std::to_string(wait)).append(wait == 1 ? " second" : " seconds");
  wire::ApiError error = wire::make_error(wire::ErrorType::rate_limit, std::move(text));
  error.should_retry = true;
  error.retry_after = std::to_string(wait);
  return error;
}

}  // namespace clasp::daemon
