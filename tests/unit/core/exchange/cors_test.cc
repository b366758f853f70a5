#include "core/exchange/cors.h"

#include <doctest/doctest.h>

using namespace clasp;
using exchange::cors_headers;
using exchange::preflight_headers;

TEST_CASE("cors: only pages of the configured origins") {
  const wire::Headers page{{"Origin", "https://app.example"}};
  CHECK(cors_headers({}, page).empty());
  CHECK(cors_headers({"https://other.example", "http://app.example"}, page).empty());
  CHECK(cors_headers({"https://app.example"}, {}).empty());
  const auto granted = cors_headers({"http://x", "https://APP.example"}, page);
  CHECK(granted.get("access-control-allow-origin") == "https://app.example");
  CHECK(granted.get("vary") == "origin");
  CHECK(granted.get("access-control-expose-headers").find("request-id") != std::string_view::npos);
  CHECK_FALSE(granted.find("access-control-allow-credentials"));
  CHECK(cors_headers({"*"}, {{"origin", "null"}}).get("access-control-allow-origin") == "null");
}

TEST_CASE("cors: a preflight is told the methods and its own headers") {
  const auto answer = preflight_headers(
      "POST", {{"access-control-request-headers", "authorization,content-type,x-stainless-lang"}});
  CHECK(answer.get("access-control-allow-methods") == "POST");
  CHECK(answer.get("access-control-allow-headers") ==
        "authorization,content-type,x-stainless-lang");
  CHECK(answer.find("access-control-max-age"));
  for (const std::string& odd : {std::string("a\tb"), std::string("<x>"), std::string(5000, 'a')})
    CHECK_FALSE(preflight_headers("POST", {{"access-control-request-headers", odd}})
                    .find("access-control-allow-headers"));
}

TEST_CASE("pages that nobody admitted do nothing, whatever they call themselves") {
  const auto refused = [](const char* method, const wire::Headers& headers,
                          const std::vector<std::string>& origins = {"https://app.example"}) {
    const auto error = exchange::refuse_page(origins, method, headers);
    if (error) {
      CHECK(error->status == 403);
      CHECK(error->type == wire::ErrorType::permission);
      CHECK(error->message.find("cors_origins") != std::string::npos);
    }
    return error.has_value();
  };
  // Programs, and pages that were admitted.
  CHECK_FALSE(refused("POST", {{"content-type", "application/json"}}));
  CHECK_FALSE(refused("POST", {{"sec-fetch-mode", "cors"}}));
  CHECK_FALSE(refused("POST", {{"sec-fetch-site", "none"}}));
  CHECK_FALSE(
      refused("POST", {{"Origin", "https://APP.example"}, {"sec-fetch-site", "cross-site"}}));
  CHECK_FALSE(refused("POST", {{"origin", "null"}}, {"*"}));
  // Others: also from here, since a name can be made to point here.
  CHECK(refused("POST", {{"origin", "https://evil.example"}, {"content-type", "text/plain"}}));
  CHECK(refused("POST", {{"origin", "http://evil.example:8080"}, {"host", "evil.example:8080"}}));
  CHECK(refused("POST", {{"origin", "http://127.0.0.1:8080"}, {"host", "127.0.0.1:8080"}}));
  CHECK(refused("POST", {{"origin", "null"}}));
  CHECK(refused("POST", {{"origin", ""}}));
  CHECK(refused("POST", {{"sec-fetch-site", "cross-site"}}, {"*"}));
  CHECK(refused("POST", {{"sec-fetch-site", "same-origin"}}));
  CHECK(refused("POST", {{"origin", "https://evil.example"}, {"origin", "https://app.example"}}));
  CHECK(refused("POST", {{"origin", "https://x"}}, {}));
  // Reading does nothing, and is not shown to the page.
  for (const char* method : {"GET", "HEAD", "OPTIONS"})
    CHECK_FALSE(refused(method, {{"origin", "https://evil.example"}}));
  CHECK(exchange::refuse_page({}, "POST", {{"origin", std::string(5000, 'x')}})->message.size() <
        300);
}
