// Which Anthropic error a backend's error becomes: a table of statuses, a table of names, and the
// few cases that look like one thing and are another.
#include "core/translate/errors.h"

#include <algorithm>
#include <cmath>

#include "base/secret.h"
#include "base/text.h"
#include "core/translate/durations.h"
#include "core/translate/error_body.h"
#include "core/translate/overflow.h"

namespace clasp::translate {

namespace {

using wire::ApiError;
using wire::ErrorType;

constexpr std::size_t kMaxMessage = 2048;
constexpr std::int64_t kMaxRetryAfter = kLongestRetryAfter;
constexpr std::int64_t kLoadingRetryAfter = 5;

struct StatusRow {
  int first, last;
  int status;
  ErrorType type;
  bool retry;
};

// Spec §6.2; the first row that fits counts.
constexpr StatusRow kStatuses[] = {
    {300, 399, 502, ErrorType::api, false},
    {401, 401, 401, ErrorType::authentication, false},
    {402, 402, 402, ErrorType::billing, false},
    {403, 403, 403, ErrorType::permission, false},
    {404, 404, 404, ErrorType::not_found, false},
    {408, 408, 504, ErrorType::timeout, true},
    {409, 409, 409, ErrorType::conflict, true},
    {410, 410, 404, ErrorType::not_found, false},
    {413, 413, 413, ErrorType::request_too_large, false},
    {424, 425, 500, ErrorType::api, true},
    {429, 429, 429, ErrorType::rate_limit, true},
    {449, 449, 500, ErrorType::api, true},
    {498, 498, 529, ErrorType::overloaded, true},
    {400, 499, 400, ErrorType::invalid_request, false},
    {501, 501, 500, ErrorType::api, false},
    {502, 502, 502, ErrorType::api, true},
    {503, 503, 529, ErrorType::overloaded, true},
    {504, 504, 504, ErrorType::timeout, true},
    {505, 505, 500, ErrorType::api, false},
    {520, 523, 502, ErrorType::api, true},
    {524, 524, 504, ErrorType::timeout, true},
    {525, 527, 502, ErrorType::api, true},
    {529, 529, 529, ErrorType::overloaded, true},
    {500, 599, 500, ErrorType::api, true},
};

struct NameRow {
  std::string_view name;
  int status;
};

// What an error calls itself -> the status it stands for, where no status came along.
constexpr NameRow kNames[] = {
    {"rate_limit_exceeded", 429},
    {"rate_limit_error", 429},
    {"too_many_requests", 429},
    {"rate_limit", 429},
    {"resource_exhausted", 429},
    {"ratelimiterror", 429},
    {"insufficient_quota", 402},
    {"billing_error", 402},
    {"insufficient_credits", 402},
    {"invalid_api_key", 401},
    {"authentication_error", 401},
    {"unauthenticated", 401},
    {"authenticationerror", 401},
    {"permission_denied", 403},
    {"permission_error", 403},
    {"permissiondeniederror", 403},
    {"model_not_found", 404},
    {"not_found_error", 404},
    {"not_found", 404},
    {"notfounderror", 404},
    {"overloaded_error", 529},
    {"overloaded", 529},
    {"server_is_overloaded", 529},
    {"slow_down", 529},
    {"engine_overloaded", 529},
    {"engine_overloaded_error", 529},
    {"unavailable", 503},
    {"unavailable_error", 503},
    {"service_unavailable", 503},
    {"timeout", 504},
    {"vector_store_timeout", 504},
    {"timeout_error", 504},
    {"deadline_exceeded", 504},
    {"conflict_error", 409},
    {"request_too_large", 413},
    {"invalid_argument", 400},
    {"failed_precondition", 400},
    {"badrequesterror", 400},
    {"bad_request", 400},
    {"invalid_request_error", 400},
    {"invalid_request", 400},
    {"data_residency_mismatch", 400},
    {"server_error", 500},
    {"internal_server_error", 500},
    {"internalservererror", 500},
    {"internal", 500},
    {"api_error", 500},
};

const StatusRow& row_of(int status) {
  for (const StatusRow& row : kStatuses)
    if (status >= row.first && status <= row.last) return row;
  return kStatuses[std::size(kStatuses) - 1];
}

// The HTTP status the error stands for. One found inside a 200 says it by its code or its names.
int effective_status(int status, const ErrorBody& body) {
  if (status >= 300) return status;
  int code = 500;
  if (body.numeric_code >= 300 && body.numeric_code <= 599) {
    code = body.numeric_code;
  } else {
    // The Responses API has a dozen names for an image that it does not take.
    if (body.has_name_part("image_") || body.has_name_part("_image")) code = 400;
    for (const NameRow& row : kNames) {
      if (!body.has_name(row.name)) continue;
      code = row.status;
      break;
    }
  }
  // Clients retry an overload, and by now it is the only thing they go by.
  const bool busy = body.says("overloaded") || body.says("capacity");
  return code >= 500 && busy ? 529 : code;
}

std::string one_line(std::string_view text) {
  const std::string clean = mask_secrets(scrub_utf8(text));
  std::string out;
  out.reserve(std::min(clean.size(), kMaxMessage));
  bool space = false;
  for (const char c : clean) {
    const bool blank = static_cast<unsigned char>(c) <= 0x20 || c == 0x7F;
    if (!blank) {
      if (space && !out.empty()) out.push_back(' ');
      out.push_back(c);
    }
    space = blank;
  }
  if (out.size() <= kMaxMessage) return out;
  std::size_t end = kMaxMessage;
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0) == 0x80) --end;
  out.resize(end);
  return out;
}

std::string message_of(const ErrorBody& body, int status) {
  std::string text = body.message;
  if (!body.nested.empty() && text.find(body.nested) == std::string::npos) {
    if (!text.empty()) text.append(": ");
    text.append(body.nested);
  }
  text = one_line(text);
  if (text.empty()) text = "backend answered with status " + std::to_string(status);
  return text;
}

bool is_quota(const ErrorBody& body, bool retry_known) {
  for (const std::string_view name :
       {"insufficient_quota", "credit_balance_exhausted", "organization_usage_limit_exceeded"})
    if (body.has_name(name)) return true;
  if (body.has_name("billing_hard_limit_reached") || body.has_name("billing_not_active"))
    return true;
  if (body.has_name_part("_spend_limit_exceeded")) return true;
  return !retry_known && body.says("quota") && body.says("exceeded");
}

bool is_bad_key(const ErrorBody& body) {
  return body.has_name("api_key_invalid") || body.has_name("invalid_api_key") ||
         body.says("api key not valid") || body.says("incorrect api key") ||
         body.says("invalid api key") || body.says("api key is invalid");
}

bool is_overloaded(const ErrorBody& body) {
  return body.has_name("slow_down") || body.has_name("server_is_overloaded") ||
         body.has_name_part("overloaded") || body.says("engine is currently overloaded") ||
         body.says("engine overloaded") || body.says("loading model");
}

// Seconds to wait, from the header or the text; -1: not said.
std::int64_t retry_seconds(const wire::Headers& headers, const ErrorBody& body) {
  if (const std::string header = retry_after_header(headers.get("retry-after"));
      const auto seconds = parse_unsigned(header))
    return static_cast<std::int64_t>(*seconds);
  if (const auto ms = parse_unsigned(trim(headers.get("retry-after-ms"))))
    return static_cast<std::int64_t>(
        std::min<std::uint64_t>(*ms / 1000 + (*ms % 1000 != 0), kMaxRetryAfter));
  double wait = -1;
  if (!body.retry_delay.empty()) wait = parse_duration(body.retry_delay).value_or(-1);
  for (const std::string_view phrase :
       {"try again in ", "try again after ", "retry after ", "retry in "})
    for (const std::string* text : {&body.message, &body.nested})
      if (wait < 0) wait = duration_behind(*text, phrase).value_or(-1);
  if (wait < 0) return -1;
  return static_cast<std::int64_t>(std::min<double>(std::ceil(wait), kMaxRetryAfter));
}

void set_retry_after(ApiError& error, const wire::Headers& headers, const ErrorBody& body) {
  if (error.should_retry == false) return;
  const std::int64_t seconds = retry_seconds(headers, body);
  if (seconds >= 0)
    error.retry_after = std::to_string(seconds);
  else if (body.says("loading model"))
    error.retry_after = std::to_string(kLoadingRetryAfter);
  else
    error.retry_after = retry_after_header(headers.get("retry-after"));
}

ApiError from_row(const StatusRow& row, std::string message) {
  ApiError error = wire::make_error(row.type, std::move(message));
  error.status = row.status;
  error.should_retry = row.retry;
  return error;
}

// The status whose row applies once the look-alikes are told apart.
int judged_status(int status, const ErrorBody& body, bool retry_known) {
  if (body.has_name("tool_use_failed")) return 500;  // the model's fault, another try may succeed
  if (status == 400 && is_bad_key(body)) return 401;
  if (status == 429 && is_quota(body, retry_known)) return 402;
  if (status >= 400 && status != 401 && status != 402 && is_overloaded(body)) return 529;
  return status;
}

}  // namespace

ApiError translate_backend_error(int status, const wire::Headers& headers, std::string_view body,
                                 std::int64_t input_estimate, std::int64_t context_window) {
  const ErrorBody parsed = parse_error_body(body);
  const int meant = effective_status(status, parsed);
  const bool in_band = status < 300;
  if (in_band || (meant >= 400 && meant < 500)) {
    if (const auto overflow = detect_overflow(parsed)) {
      ApiError error = wire::make_error(ErrorType::invalid_request,
                                        render_overflow(*overflow, input_estimate, context_window));
      error.should_retry = false;
      return error;
    }
  }
  const int judged = judged_status(meant, parsed, retry_seconds(headers, parsed) >= 0);
  std::string message = message_of(parsed, meant);
  if (judged == 401) message = one_line("backend refused its credential: " + message);
  if (judged >= 300 && judged < 400)
    message = "backend answered with a redirect, which is not followed";
  ApiError error = from_row(row_of(judged), std::move(message));
  set_retry_after(error, headers, parsed);
  return error;
}

std::optional<Conclusion> detect_policy_refusal(int status, std::string_view body) {
  if (status >= 300 && status != 400 && status != 403 && status != 422) return std::nullopt;
  const ErrorBody parsed = parse_error_body(body);
  const bool named = parsed.has_name("content_filter") ||
                     parsed.has_name("responsibleaipolicyviolation") ||
                     parsed.has_name_part("content_policy_violation") ||
                     parsed.has_name("invalid_prompt") || parsed.has_name_part("bio_policy") ||
                     parsed.has_name_part("cyber_policy") || parsed.has_name_part("misalignment");
  const bool moderated = parsed.moderation && (status == 403 || parsed.numeric_code == 403);
  if (!named && !moderated && parsed.block_reason.empty()) return std::nullopt;
  Conclusion refusal;
  refusal.stop_reason = "refusal";
  refusal.refusal = true;
  if (parsed.has_name_part("cyber"))
    refusal.category = "cyber";
  else if (parsed.has_name_part("bio_policy"))
    refusal.category = "bio";
  refusal.explanation = one_line(parsed.message);
  if (refusal.explanation.empty()) refusal.explanation = one_line(parsed.block_reason);
  return refusal;
}

wire::ApiError policy_error(const Conclusion& refusal) {
  std::string message = refusal.explanation;
  if (message.empty()) message = "the backend's content policy blocked this prompt";
  ApiError error = wire::make_error(ErrorType::invalid_request, std::move(message));
  error.should_retry = false;
  return error;
}

std::optional<Conclusion> detect_output_limit(int status, std::string_view body) {
  if (status != 400) return std::nullopt;
  const ErrorBody parsed = parse_error_body(body);
  const bool reached = parsed.says("output limit was reached") ||
                       (parsed.says("could not finish the message") && parsed.says("max_tokens"));
  if (!reached) return std::nullopt;
  Conclusion conclusion;
  conclusion.stop_reason = "max_tokens";
  return conclusion;
}

}  // namespace clasp::translate
