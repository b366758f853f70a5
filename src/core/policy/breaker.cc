// Closed, open, half open: every change of state goes through change().
#include "core/policy/breaker.h"

#include <algorithm>

namespace clasp::policy {
namespace {

constexpr std::int64_t kLongest = 86'400'000;  // a day, in ms: no option goes beyond
constexpr std::size_t kMostProbes = 1000;

std::size_t probe_places(const config::BreakerSettings& settings) {
  return std::clamp<std::size_t>(settings.probes, 1, kMostProbes);
}

}  // namespace

std::string_view breaker_state_name(BreakerState state) {
  switch (state) {
    case BreakerState::closed:
      return "closed";
    case BreakerState::open:
      return "open";
    case BreakerState::half_open:
      return "half_open";
  }
  return "";
}

Breaker::Breaker(const config::BreakerSettings& settings) : settings_(settings) {}

void Breaker::configure(const config::BreakerSettings& settings, TimePoint now) {
  const bool turned_off = settings_.enabled && !settings.enabled;
  settings_ = settings;
  if (turned_off && mode_ == BreakerMode::automatic && state_ != BreakerState::closed)
    change(BreakerState::closed, now);
  if (state_ == BreakerState::open) open_until_ = since_ + open_length();
}

bool Breaker::off() const {
  if (mode_ == BreakerMode::off) return true;
  // One that the settings turn off can still be tripped by hand, and then recovers as any other.
  return mode_ == BreakerMode::automatic && !settings_.enabled && state_ == BreakerState::closed;
}

Duration Breaker::open_length() const {
  std::int64_t length = std::clamp<std::int64_t>(settings_.timeout_ms, 1, kLongest);
  const std::int64_t most = std::clamp(settings_.max_timeout_ms, length, kLongest);
  const std::int64_t growth = std::min(settings_.growth_percent, 1000u);
  if (growth == 0) return Duration(length);
  for (std::uint32_t i = 1; i < openings_in_row_ && length < most; ++i)
    length = std::min(length + std::max<std::int64_t>(length * growth / 100, 1), most);
  return Duration(length);
}

void Breaker::change(BreakerState state, TimePoint now) {
  state_ = state;
  since_ = now;
  ++period_;
  probes_.clear();
  failures_in_row_ = 0;
  successes_in_row_ = 0;
  switch (state) {
    case BreakerState::closed:
      openings_in_row_ = 0;
      break;
    case BreakerState::open:
      ++times_opened_;
      if (openings_in_row_ != UINT32_MAX) ++openings_in_row_;
      open_until_ = now + open_length();
      break;
    case BreakerState::half_open:
      break;
  }
}

bool Breaker::time_to_probe(TimePoint now) const {
  return state_ == BreakerState::open && mode_ != BreakerMode::held_open && now >= open_until_;
}

std::size_t Breaker::places_taken(TimePoint now) const {
  return static_cast<std::size_t>(std::count_if(
      probes_.begin(), probes_.end(), [now](const Probe& probe) { return probe.until > now; }));
}

bool Breaker::would_pass(TimePoint now) const {
  if (off()) return true;
  switch (state_) {
    case BreakerState::closed:
      return true;
    case BreakerState::open:
      return time_to_probe(now);
    case BreakerState::half_open:
      return places_taken(now) < probe_places(settings_);
  }
  return false;
}

std::optional<Breaker::Pass> Breaker::try_pass(TimePoint now) {
  if (!would_pass(now)) return std::nullopt;
  if (off()) return Pass{period_, 0};
  if (time_to_probe(now)) change(BreakerState::half_open, now);
  if (state_ != BreakerState::half_open) return Pass{period_, 0};
  std::erase_if(probes_, [now](const Probe& probe) { return probe.until <= now; });
  probes_.push_back({++last_probe_, now + open_length()});
  return Pass{period_, last_probe_};
}

void Breaker::on_content(const Pass& pass) {
  if (pass.probe == 0) return;
  std::erase_if(probes_, [&pass](const Probe& probe) { return probe.id == pass.probe; });
}

void Breaker::report(const Pass& pass, Verdict verdict, FailureClass cause, TimePoint now) {
  on_content(pass);
  if (verdict == Verdict::failure) {
    ++failures_;
    last_cause_ = class_name(cause);
    last_failure_ = now;
  }
  if (pass.period != period_ || verdict == Verdict::nothing) return;
  if (verdict == Verdict::success) {
    failures_in_row_ = 0;
    if (state_ == BreakerState::half_open && ++successes_in_row_ >= settings_.recovery)
      change(BreakerState::closed, now);
    return;
  }
  if (state_ == BreakerState::closed) {
    if (failures_in_row_ != UINT32_MAX) ++failures_in_row_;
    if (!off() && failures_in_row_ >= settings_.threshold) change(BreakerState::open, now);
  } else if (state_ == BreakerState::half_open) {
    change(BreakerState::open, now);
  }
}

void Breaker::trip(TimePoint now, bool hold) {
  mode_ = hold ? BreakerMode::held_open : BreakerMode::automatic;
  change(BreakerState::open, now);
}

void Breaker::reset(TimePoint now) {
  mode_ = BreakerMode::automatic;
  change(BreakerState::closed, now);
}

void Breaker::disable(TimePoint now) {
  mode_ = BreakerMode::off;
  change(BreakerState::closed, now);
}

Duration Breaker::retry_after(TimePoint now) const {
  if (would_pass(now)) return Duration(0);
  if (mode_ == BreakerMode::held_open) return kForever;
  const auto change = next_change(now);
  if (!change) return Duration(0);
  return std::chrono::ceil<Duration>(*change - now);
}

std::optional<TimePoint> Breaker::next_change(TimePoint now) const {
  if (would_pass(now) || mode_ == BreakerMode::held_open) return std::nullopt;
  if (state_ == BreakerState::open) return open_until_;
  std::optional<TimePoint> soonest;
  for (const Probe& probe : probes_)
    if (probe.until > now && (!soonest || probe.until < *soonest)) soonest = probe.until;
  return soonest;
}

BreakerStatus Breaker::status(TimePoint now) const {
  BreakerStatus status;
  status.mode = off() ? BreakerMode::off : mode_;
  status.state = state_;
  status.since = since_;
  if (time_to_probe(now)) {
    status.state = BreakerState::half_open;
    status.since = open_until_;
  }
  status.times_opened = times_opened_;
  status.failures = failures_;
  status.failures_in_row = failures_in_row_;
  status.successes_in_row = successes_in_row_;
  status.probes = static_cast<std::uint32_t>(places_taken(now));
  status.last_cause = last_cause_;
  status.last_failure = last_failure_;
  status.retry_after = retry_after(now);
  return status;
}

}  // namespace clasp::policy
