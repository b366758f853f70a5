// The few header fields of a backend's answer that the client gets, under the names it knows.
#include <algorithm>
#include <cmath>

#include "base/calendar.h"
#include "base/text.h"
#include "core/translate/durations.h"
#include "core/translate/errors.h"

namespace clasp::translate {

namespace {

constexpr std::uint64_t kMaxRetryAfter = kLongestRetryAfter;

// The id under which the backend knows the call, by whichever name it gives it.
constexpr std::string_view kIdNames[] = {"x-request-id", "request-id", "apim-request-id",
                                         "x-generation-id"};

void add(wire::Headers& out, std::string_view name, std::string_view value) {
  const std::string clean = clean_header_value(value);
  if (!clean.empty()) out.add(name, clean);
}

void translate_retry(const wire::Headers& headers, wire::Headers& out) {
  add(out, "retry-after", retry_after_header(headers.get("retry-after")));
  if (const auto ms = parse_unsigned(trim(headers.get("retry-after-ms"))))
    out.add("retry-after-ms", std::to_string(std::min(*ms, kMaxRetryAfter * 1000)));
}

// `name` is what the client's side calls what the backend's side calls `kind`.
void translate_limits(const wire::Headers& headers, std::int64_t unix_now, const std::string& kind,
                      const std::string& name, wire::Headers& out) {
  for (const char* field : {"limit", "remaining"}) {
    const std::string_view value =
        trim(headers.get("x-ratelimit-" + std::string(field) + "-" + kind));
    if (parse_unsigned(value)) add(out, "anthropic-ratelimit-" + name + "-" + field, value);
  }
  const auto wait = parse_duration(headers.get("x-ratelimit-reset-" + kind));
  if (!wait) return;
  add(out, "anthropic-ratelimit-" + name + "-reset",
      render_instant(unix_now + static_cast<std::int64_t>(std::ceil(*wait))));
}

bool has_limits(const wire::Headers& headers) {
  constexpr std::string_view kStart = "x-ratelimit-";
  return std::any_of(headers.begin(), headers.end(), [&](const auto& field) {
    return iequals(std::string_view(field.first).substr(0, kStart.size()), kStart);
  });
}

}  // namespace

wire::Headers translate_backend_headers(const wire::Headers& headers, std::int64_t unix_now,
                                        bool input_tokens) {
  wire::Headers out;
  translate_retry(headers, out);
  if (has_limits(headers)) {
    for (const char* what : {"requests", "tokens"})
      translate_limits(headers, unix_now, what, what, out);
    if (input_tokens) translate_limits(headers, unix_now, "tokens", "input-tokens", out);
  }
  for (const std::string_view name : kIdNames) {
    const std::string id = clean_header_value(headers.get(name));
    if (id.empty()) continue;
    out.add("x-clasp-upstream-request-id", id);
    break;
  }
  return out;
}

}  // namespace clasp::translate
