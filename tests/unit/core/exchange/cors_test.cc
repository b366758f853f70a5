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
