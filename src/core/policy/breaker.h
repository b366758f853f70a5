// Circuit breaker of one backend: after `threshold` failures in a row nothing is sent for
// `timeout`; then a few requests at once probe, and `recovery` successes close it again. Which
// ends count is outcome.h's judge(). Knows no clock; the owner serialises calls.
//
// Never stuck: a probe holds its place until its end is reported, its answer has begun, it is
// abandoned, or `timeout` has passed, whichever comes first.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/scheduler.h"
#include "config/settings.h"
#include "core/policy/outcome.h"

namespace clasp::policy {

enum class BreakerState { closed, open, half_open };
// What an administrator wants of it.
enum class BreakerMode {
  automatic,
  held_open,  // lets nothing through until it is reset
  off,        // lets everything through; still counts
};

std::string_view breaker_state_name(BreakerState state);

struct BreakerStatus {
  BreakerState state = BreakerState::closed;  // half_open also when the time for it has come
  BreakerMode mode = BreakerMode::automatic;  // `off` also when the settings say so
  TimePoint since{};                          // of that state; epoch: since the start
  std::uint64_t times_opened = 0;
  std::uint64_t failures = 0;          // all that counted
  std::uint32_t failures_in_row = 0;   // while closed
  std::uint32_t successes_in_row = 0;  // while half open
  std::uint32_t probes = 0;            // places taken
  std::string_view last_cause;         // class_name(), empty: none yet
  TimePoint last_failure{};
  Duration retry_after{0};  // while open
};

class Breaker {
 public:
  // The right to send one request. Give it back by exactly one of report() and abandon(); a pass
  // that is forgotten does no harm beyond its place (see above).
  struct Pass {
    std::uint64_t period = 0;  // the state it was given in
    std::uint64_t probe = 0;   // 0: no probe
  };

  explicit Breaker(const config::BreakerSettings& settings = {});
  // The state stays, unless this turns the breaker off.
  void configure(const config::BreakerSettings& settings, TimePoint now);

  // A pass, or nothing: open, or every probe's place is taken.
  std::optional<Pass> try_pass(TimePoint now);
  bool would_pass(TimePoint now) const;

  // How the request ended. What belongs to an earlier state is counted but changes nothing.
  void report(const Pass& pass, Verdict verdict, FailureClass cause, TimePoint now);
  // The answer's content has begun: a probe's place is free, its end still counts.
  void on_content(const Pass& pass);
  // It was not sent, or nobody waits for it any more.
  void abandon(const Pass& pass) { on_content(pass); }

  // By hand: opens it as failures would, or until reset(); closes it and forgets the row of
  // failures; lets everything through until reset().
  void trip(TimePoint now, bool hold);
  void reset(TimePoint now);
  void disable(TimePoint now);

  // How long clients should stay away: 0 when a request may pass now, kForever when held open.
  Duration retry_after(TimePoint now) const;
  // When would_pass() may turn true by time alone; nothing when time changes nothing.
  std::optional<TimePoint> next_change(TimePoint now) const;
  BreakerStatus status(TimePoint now) const;

  static constexpr Duration kForever = Duration::max();

 private:
  struct Probe {
    std::uint64_t id;
    TimePoint until;
  };

  void change(BreakerState state, TimePoint now);
  bool off() const;
  bool time_to_probe(TimePoint now) const;
  Duration open_length() const;
  std::size_t places_taken(TimePoint now) const;

  config::BreakerSettings settings_;
  BreakerState state_ = BreakerState::closed;
  BreakerMode mode_ = BreakerMode::automatic;
  std::uint64_t period_ = 1;
  TimePoint since_{};
  TimePoint open_until_{};
  std::uint32_t failures_in_row_ = 0;
  std::uint32_t successes_in_row_ = 0;
  std::uint32_t openings_in_row_ = 0;  // without closing between
  std::vector<Probe> probes_;
  std::uint64_t last_probe_ = 0;
  std::uint64_t times_opened_ = 0;
  std::uint64_t failures_ = 0;
  std::string_view last_cause_;
  TimePoint last_failure_{};
};

}  // namespace clasp::policy
