// Every kind and status of an end, its class and what it says about the backend.
#include "core/policy/outcome.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace clasp::policy;

namespace {

Outcome status(int code) {
  return {.kind = OutcomeKind::status, .status = code};
}
Outcome in_band(int code) {
  return {.kind = OutcomeKind::in_band, .status = code};
}
Outcome plain(OutcomeKind kind) {
  return {.kind = kind};
}

}  // namespace

TEST_CASE("outcomes: every HTTP status has the class of its family") {
  for (int code = 300; code < 600; ++code) {
    CAPTURE(code);
    FailureClass expected = code >= 500 ? FailureClass::server : FailureClass::request;
    Verdict verdict = code >= 500 ? Verdict::failure : Verdict::nothing;
    if (code == 401) expected = FailureClass::auth;
    if (code == 402) expected = FailureClass::quota;
    if (code == 408) expected = FailureClass::timeout;
    if (code == 409) expected = FailureClass::conflict;
    if (code == 429) expected = FailureClass::rate_limited;
    if (code == 498 || code == 503 || code == 529) expected = FailureClass::overloaded;
    if (code == 498) verdict = Verdict::failure;
    CHECK(classify(status(code)) == expected);
    CHECK(classify(in_band(code)) == expected);
    CHECK(judge(status(code)) == verdict);
    CHECK(judge(in_band(code)) == verdict);
  }
}

TEST_CASE("outcomes: an error in a stream that names no code is the backend's failure") {
  for (int code : {0, 200}) {
    CHECK(classify(in_band(code)) == FailureClass::server);
    CHECK(judge(in_band(code)) == Verdict::failure);
  }
}

TEST_CASE("outcomes: a 429 or 403 that means the quota is spent is no rate limit") {
  Outcome outcome = status(429);
  outcome.quota = true;
  CHECK(classify(outcome) == FailureClass::quota);
  CHECK(judge(outcome) == Verdict::nothing);
  outcome.status = 403;
  CHECK(classify(outcome) == FailureClass::quota);
}

TEST_CASE("outcomes: ends without a status") {
  struct Row {
    OutcomeKind kind;
    FailureClass failure;
    Verdict verdict;
  };
  for (const Row& row : {
           Row{OutcomeKind::success, FailureClass::none, Verdict::success},
           Row{OutcomeKind::connect, FailureClass::connect, Verdict::failure},
           Row{OutcomeKind::timeout, FailureClass::timeout, Verdict::failure},
           Row{OutcomeKind::reset, FailureClass::reset, Verdict::failure},
           Row{OutcomeKind::cut, FailureClass::reset, Verdict::failure},
           Row{OutcomeKind::name, FailureClass::unreachable, Verdict::failure},
           Row{OutcomeKind::tls, FailureClass::unreachable, Verdict::failure},
           Row{OutcomeKind::protocol, FailureClass::garbled, Verdict::failure},
           Row{OutcomeKind::too_large, FailureClass::garbled, Verdict::nothing},
           Row{OutcomeKind::client_gone, FailureClass::none, Verdict::nothing},
           Row{OutcomeKind::local, FailureClass::none, Verdict::nothing},
       }) {
    CAPTURE(static_cast<int>(row.kind));
    CHECK(classify(plain(row.kind)) == row.failure);
    CHECK(judge(plain(row.kind)) == row.verdict);
  }
  CHECK(classify({.kind = OutcomeKind::tls, .passing = true}) == FailureClass::connect);
  CHECK(classify({.kind = OutcomeKind::name, .passing = true}) == FailureClass::connect);
}

TEST_CASE("outcomes: class names are labels, all different") {
  std::set<std::string> names;
  for (std::size_t i = 0; i < kFailureClasses; ++i) {
    const std::string name(class_name(static_cast<FailureClass>(i)));
    CHECK_FALSE(name.empty());
    CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos);
    names.insert(name);
  }
  CHECK(names.size() == kFailureClasses);
}

TEST_CASE("outcomes: a client's own key that is refused is the request's fault") {
  for (const int status : {401, 402}) {
    const Outcome own{.kind = OutcomeKind::status, .status = status, .clients_key = true};
    CHECK(classify(own) == FailureClass::request);
    CHECK(judge(own) == Verdict::nothing);
  }
  CHECK(
      classify({.kind = OutcomeKind::status, .status = 429, .quota = true, .clients_key = true}) ==
      FailureClass::request);
  CHECK(classify({.kind = OutcomeKind::in_band, .status = 401, .clients_key = true}) ==
        FailureClass::request);
  // What is wrong with the backend stays so.
  CHECK(classify({.kind = OutcomeKind::status, .status = 503, .clients_key = true}) ==
        FailureClass::overloaded);
  CHECK(classify({.kind = OutcomeKind::status, .status = 429, .clients_key = true}) ==
        FailureClass::rate_limited);
}
