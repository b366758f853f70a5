// See cors.h.
#include "core/exchange/cors.h"

#include <algorithm>

#include "base/text.h"

namespace clasp::exchange {

namespace {

constexpr std::size_t kLongestRequestList = 4096;
constexpr std::size_t kShownOrigin = 100;

bool admits(const std::vector<std::string>& origins, std::string_view origin) {
  return std::any_of(origins.begin(), origins.end(),
                     [&](const std::string& one) { return one == "*" || iequals(one, origin); });
}

bool is_name_list(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == ',' || c == ' ';
  });
}

}  // namespace

wire::Headers cors_headers(const std::vector<std::string>& origins, const wire::Headers& request) {
  if (origins.empty()) return {};
  const auto origin = request.find("origin");
  if (!origin || !admits(origins, *origin)) return {};
  wire::Headers out;
  // The origin itself rather than "*": it is right in both cases, and caches are told.
  out.add("access-control-allow-origin", *origin);
  out.add("vary", "origin");
  out.add("access-control-expose-headers",
          "request-id, retry-after, retry-after-ms, x-should-retry, x-clasp-backend, "
          "x-clasp-model, x-clasp-warning, x-clasp-upstream-id, x-clasp-upstream-request-id, "
          "anthropic-ratelimit-requests-limit, anthropic-ratelimit-requests-remaining, "
          "anthropic-ratelimit-requests-reset, anthropic-ratelimit-tokens-limit, "
          "anthropic-ratelimit-tokens-remaining, anthropic-ratelimit-tokens-reset");
  return out;
}

std::optional<wire::ApiError> refuse_page(const std::vector<std::string>& origins,
                                          std::string_view method, const wire::Headers& request) {
  if (method == "GET" || method == "HEAD" || method == "OPTIONS") return std::nullopt;
  std::optional<std::string_view> page;
  std::size_t named = 0;
  for (const auto& [name, value] : request) {
    if (!iequals(name, "origin")) continue;
    page = value;
    ++named;
  }
  // Programs that are no browsers send no site, or "none".
  const std::string_view site = request.get("sec-fetch-site");
  const bool from_page = !site.empty() && !iequals(site, "none");
  if (!page && !from_page) return std::nullopt;
  if (page && named == 1 && admits(origins, *page)) return std::nullopt;
  std::string who = page ? scrub_utf8(page->substr(0, kShownOrigin)) : "unknown origin";
  return wire::make_error(
      wire::ErrorType::permission,
      "requests of web pages (" + who + ") are not accepted; the option cors_origins admits them");
}

wire::Headers preflight_headers(std::string_view methods, const wire::Headers& request) {
  wire::Headers out;
  out.add("access-control-allow-methods", methods);
  // SDKs add headers of their own (x-stainless-…) that no list here would keep up with; none of
  // them grants anything, so whatever the page names is allowed.
  const std::string_view asked = request.get("access-control-request-headers");
  if (!asked.empty() && asked.size() <= kLongestRequestList && is_name_list(asked))
    out.add("access-control-allow-headers", asked);
  out.add("access-control-max-age", "600");
  return out;
}

}  // namespace clasp::exchange
