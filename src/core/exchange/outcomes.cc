// See outcomes.h.
#include "core/exchange/outcomes.h"

#include <charconv>

namespace clasp::exchange {

namespace {

using policy::OutcomeKind;

std::int64_t wait_of(const wire::ApiError& error) {
  std::int64_t seconds = 0;
  const char* end = error.retry_after.data() + error.retry_after.size();
  const auto [last, problem] = std::from_chars(error.retry_after.data(), end, seconds);
  if (error.retry_after.empty() || problem != std::errc{} || last != end || seconds < 0) return -1;
  return seconds * 1000;
}

OutcomeKind kind_of(FailureKind kind, bool streaming) {
  switch (kind) {
    case FailureKind::name:
      return OutcomeKind::name;
    case FailureKind::connect:
      return OutcomeKind::connect;
    case FailureKind::tls:
      return OutcomeKind::tls;
    case FailureKind::timeout:
      return OutcomeKind::timeout;
    case FailureKind::reset:
      return streaming ? OutcomeKind::cut : OutcomeKind::reset;
    case FailureKind::protocol:
      return OutcomeKind::protocol;
    case FailureKind::forbidden:
      return OutcomeKind::local;
    case FailureKind::too_large:
      return OutcomeKind::too_large;
  }
  return OutcomeKind::reset;
}

}  // namespace

policy::Outcome outcome_of(const BackendFailure& failure, bool streaming) {
  policy::Outcome outcome;
  outcome.kind = kind_of(failure.kind, streaming);
  return outcome;
}

policy::Outcome outcome_of_status(int status, const wire::ApiError& error) {
  policy::Outcome outcome;
  outcome.kind = OutcomeKind::status;
  outcome.status = status;
  outcome.retry_after_ms = wait_of(error);
  outcome.quota = error.type == wire::ErrorType::billing;
  // Some say "overloaded" or "bad key" with a status that means something else.
  if (error.type == wire::ErrorType::overloaded) outcome.status = 529;
  if (error.type == wire::ErrorType::authentication) outcome.status = 401;
  return outcome;
}

policy::Outcome outcome_in_band(const wire::ApiError& error) {
  policy::Outcome outcome = outcome_of_status(error.status, error);
  outcome.kind = OutcomeKind::in_band;
  return outcome;
}

}  // namespace clasp::exchange
