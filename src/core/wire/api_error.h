// The error of the Anthropic API as a value, its status and its two renderings: a body for an
// answer that has not begun, an SSE event for a stream that has (translation spec §6.1, §6.7).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace clasp::wire {

enum class ErrorType {
  invalid_request,
  authentication,
  billing,
  permission,
  not_found,
  conflict,
  request_too_large,
  rate_limit,
  timeout,
  overloaded,
  api,
};

// "invalid_request_error", … as the API spells it.
std::string_view render_error_type(ErrorType type);
// The status that goes with the type when nothing more precise is known (400, 401, 402, …, 529).
int status_of(ErrorType type);

struct ApiError {
  int status = 500;
  ErrorType type = ErrorType::api;
  std::string message;               // one line, safe to show to the client
  std::string details_code;          // details.error_code, empty: no details member
  std::optional<bool> should_retry;  // x-should-retry, unset: no header
  std::string retry_after;           // value of the retry-after header, empty: none
  // An error object of a backend that speaks this API, sent instead of a rendering and with the
  // backend's own headers only; valid JSON, empty: none.
  std::string verbatim;
};

// An error with the type's usual status.
ApiError make_error(ErrorType type, std::string message);

// {"type":"error","error":{…},"request_id":…} — the body of a failed answer.
std::string render_error_body(const ApiError& error, std::string_view request_id);
// The message in such a body, as it is spelled there; empty when there is none.
std::string_view message_of_error_body(std::string_view body);
// `event: error` with the same object; the last thing on a failed stream.
void append_error_event(std::string& out, const ApiError& error, std::string_view request_id);

}  // namespace clasp::wire
