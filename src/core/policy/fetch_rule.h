// What may be fetched from the Internet for a client, and what each answer on the way means. Sees
// URLs and heads of answers; addresses are judged by base/network once they are known.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/wire/headers.h"
#include "core/wire/url.h"

namespace clasp::policy {

inline constexpr int kMostRedirects = 3;
inline constexpr std::size_t kMostFetchedBytes = 20u << 20;

// http and https without user or password: what a client may name and a redirect may point at.
// The error is for the client.
Result<wire::Url> check_fetch_url(std::string_view text);

// "https://host/path?query", as it is asked for.
std::string render_url(const wire::Url& url);

// A Location, which may be relative, seen from the page that sent it.
Result<wire::Url> resolve_location(const wire::Url& from, std::string_view location);

struct FetchStep {
  enum class Kind {
    read,   // the body is what was asked for
    go_on,  // ask `next`
    fail,   // `problem` says why, in words for the client
  };
  Kind kind = Kind::fail;
  wire::Url next = {};
  std::string problem = {};
};

// The head of an answer, after `redirects` of them were followed.
FetchStep judge_fetch_head(const wire::Url& at, int redirects, int status,
                           const wire::Headers& headers);

}  // namespace clasp::policy
