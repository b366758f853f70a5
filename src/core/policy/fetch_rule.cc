// See fetch_rule.h.
#include "core/policy/fetch_rule.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace clasp::policy {

namespace {

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// RFC 3986 5.2.4 for a path that begins with '/'.
std::string without_dots(std::string_view path) {
  std::vector<std::string_view> kept;
  const auto segments = split(path.substr(1), '/');
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const bool last = i + 1 == segments.size();
    if (segments[i] == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (segments[i] != ".") {
      kept.push_back(segments[i]);
      continue;
    }
    if (last) kept.push_back("");
  }
  std::string out;
  for (const std::string_view segment : kept) out.append("/").append(segment);
  return out.empty() ? "/" : out;
}

// A scheme in front: letters and more up to a colon that comes before any slash or question mark.
bool has_scheme(std::string_view text) {
  const std::size_t at = text.find_first_of(":/?#");
  return at != std::string_view::npos && at > 0 && text[at] == ':';
}

}  // namespace

Result<wire::Url> check_fetch_url(std::string_view text) {
  auto url = wire::parse_url(text);
  if (!url) return fail("its address is no http or https URL");
  if (!url->user.empty() || !url->password.empty())
    return fail("its address holds a user or password");
  return url;
}

std::string render_url(const wire::Url& url) {
  return url.scheme + "://" + url.authority() + url.target;
}

Result<wire::Url> resolve_location(const wire::Url& from, std::string_view location) {
  std::string_view rest = trim(location);
  rest = rest.substr(0, rest.find('#'));
  if (rest.size() > wire::kMaxUrlLength) return fail("it was redirected to a bad address");
  if (has_scheme(rest)) return check_fetch_url(rest);
  if (rest.starts_with("//")) return check_fetch_url(from.scheme + ":" + std::string(rest));
  const std::string_view base = std::string_view(from.target).substr(0, from.target.find('?'));
  const std::size_t mark = std::min(rest.find('?'), rest.size());
  const std::string_view path = rest.substr(0, mark), query = rest.substr(mark);
  std::string target;
  if (path.empty()) {
    target = std::string(base);
  } else if (path.front() == '/') {
    target = without_dots(path);
  } else {
    target = without_dots(std::string(base.substr(0, base.rfind('/') + 1)).append(path));
  }
  return check_fetch_url(from.scheme + "://" + from.authority() + target.append(query));
}

FetchStep judge_fetch_head(const wire::Url& at, int redirects, int status,
                           const wire::Headers& headers) {
  if (is_redirect(status)) {
    const std::string_view location = headers.get("location");
    if (location.empty()) return {.problem = "it was redirected to nowhere"};
    if (redirects >= kMostRedirects) return {.problem = "it was redirected too often"};
    auto next = resolve_location(at, location);
    if (!next) return {.problem = "it was redirected to a bad address"};
    return {.kind = FetchStep::Kind::go_on, .next = std::move(*next)};
  }
  if (status != 200)
    return {.problem = "its server answered with status " + std::to_string(status)};
  // A length that is a lie is found out when the bytes come.
  const auto length = parse_unsigned(headers.get("content-length"));
  if (length && *length > kMostFetchedBytes) return {.problem = "it is larger than 20 MB"};
  return {.kind = FetchStep::Kind::read};
}

}  // namespace clasp::policy
