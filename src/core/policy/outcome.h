// How one attempt at a backend ended, as the rules that keep the service up see it: retry,
// breaker, health, key ring and statistics all read the same class of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace clasp::policy {

// What happened, as the caller saw it.
enum class OutcomeKind {
  success,      // a complete answer
  status,       // an HTTP status that is not 2xx: `status`
  in_band,      // an error inside a 200 or a stream; `status` is the code it names, 0: none
  connect,      // refused, unreachable
  timeout,      // no connection, no first byte or no next byte in time
  reset,        // the connection broke before anything useful came
  cut,          // a stream ended in its middle
  name,         // the host's name is not known
  tls,          // handshake or certificate
  protocol,     // what came is not HTTP, not JSON, not SSE
  too_large,    // more than our limits allow
  client_gone,  // the client left before the end: says nothing about the backend
  local,        // given up for a reason of our own (shutdown, client too slow, …)
};

struct Outcome {
  OutcomeKind kind = OutcomeKind::success;
  int status = 0;
  std::int64_t retry_after_ms = -1;  // what the backend asked for, -1: nothing
  bool quota = false;                // a 429 or 403 that means: money or quota is used up
  bool passing = false;              // name, tls: the cause may pass by itself (resolver busy)
  // The key was the client's own. Its refusal is the request's fault then: no other backend is
  // asked instead, whose key would be ours, and nothing is held against this one.
  bool clients_key = false;
};

// A client's own key that is refused, or has no money left, is the request's fault: no other
// backend is asked instead, whose key would be ours, and nothing is held against this one.

// The classes that statistics count, and that rules are written in.
enum class FailureClass {
  none,          // success, and ends that say nothing about the backend
  connect,       // includes names and TLS trouble that may pass
  unreachable,   // names and TLS trouble that stay
  timeout,       // also 408
  reset,         // also cut
  conflict,      // 409
  rate_limited,  // 429
  quota,         // 402, 429 that no waiting heals
  auth,          // 401
  overloaded,    // 498, 503, 529
  server,        // other 5xx, errors in a stream that name no code
  garbled,       // protocol, too_large
  request,       // any other 4xx (and 3xx): the request's fault, or the configuration's
};
inline constexpr std::size_t kFailureClasses = static_cast<std::size_t>(FailureClass::request) + 1;

FailureClass classify(const Outcome& outcome);
// Static, lower case, [a-z_]: for metrics labels and status pages.
std::string_view class_name(FailureClass failure);

// What an outcome says about the backend's own state, for the breaker: 4xx (429 and 408 too), the
// client's departure and our own limits say nothing.
enum class Verdict { success, failure, nothing };
Verdict judge(const Outcome& outcome);

}  // namespace clasp::policy
