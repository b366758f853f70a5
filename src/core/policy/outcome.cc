// Classes of outcomes: one table of statuses, two small functions of the class.
#include "core/policy/outcome.h"

namespace clasp::policy {
namespace {

FailureClass classify_status(const Outcome& outcome) {
  const bool key_refused = outcome.quota || outcome.status == 401 || outcome.status == 402;
  if (outcome.clients_key && key_refused) return FailureClass::request;
  if (outcome.quota) return FailureClass::quota;
  switch (outcome.status) {
    case 401:
      return FailureClass::auth;
    case 402:
      return FailureClass::quota;
    case 408:
      return FailureClass::timeout;
    case 409:
      return FailureClass::conflict;
    case 429:
      return FailureClass::rate_limited;
    case 498:  // groq's word for "no capacity now"
    case 503:
    case 529:
      return FailureClass::overloaded;
    default:
      break;
  }
  if (outcome.status >= 500) return FailureClass::server;
  // An error in a stream that names no code, or 200 itself, is the backend's failure.
  if (outcome.kind == OutcomeKind::in_band && outcome.status < 300) return FailureClass::server;
  return FailureClass::request;
}

}  // namespace

FailureClass classify(const Outcome& outcome) {
  switch (outcome.kind) {
    case OutcomeKind::status:
    case OutcomeKind::in_band:
      return classify_status(outcome);
    case OutcomeKind::connect:
      return FailureClass::connect;
    case OutcomeKind::timeout:
      return FailureClass::timeout;
    case OutcomeKind::reset:
    case OutcomeKind::cut:
      return FailureClass::reset;
    case OutcomeKind::name:
    case OutcomeKind::tls:
      return outcome.passing ? FailureClass::connect : FailureClass::unreachable;
    case OutcomeKind::protocol:
    case OutcomeKind::too_large:
      return FailureClass::garbled;
    case OutcomeKind::success:
    case OutcomeKind::client_gone:
    case OutcomeKind::local:
      break;
  }
  return FailureClass::none;
}

std::string_view class_name(FailureClass failure) {
  switch (failure) {
    case FailureClass::none:
      return "none";
    case FailureClass::connect:
      return "connect";
    case FailureClass::unreachable:
      return "unreachable";
    case FailureClass::timeout:
      return "timeout";
    case FailureClass::reset:
      return "reset";
    case FailureClass::conflict:
      return "conflict";
    case FailureClass::rate_limited:
      return "rate_limited";
    case FailureClass::quota:
      return "quota";
    case FailureClass::auth:
      return "auth";
    case FailureClass::overloaded:
      return "overloaded";
    case FailureClass::server:
      return "server";
    case FailureClass::garbled:
      return "garbled";
    case FailureClass::request:
      return "request";
  }
  return "";
}

Verdict judge(const Outcome& outcome) {
  if (outcome.kind == OutcomeKind::success) return Verdict::success;
  // Every 4xx is an answer of a backend that works, also the two that are classed with others.
  const bool says_status =
      outcome.kind == OutcomeKind::status || outcome.kind == OutcomeKind::in_band;
  if (says_status && (outcome.status == 408 || outcome.status == 409)) return Verdict::nothing;
  // What exceeds our own limits says more about the request than about the backend.
  if (outcome.kind == OutcomeKind::too_large) return Verdict::nothing;
  switch (classify(outcome)) {
    case FailureClass::connect:
    case FailureClass::unreachable:
    case FailureClass::timeout:
    case FailureClass::reset:
    case FailureClass::overloaded:
    case FailureClass::server:
    case FailureClass::garbled:
      return Verdict::failure;
    default:
      return Verdict::nothing;
  }
}

}  // namespace clasp::policy
