#include "core/policy/fetch_rule.h"

#include <doctest/doctest.h>

using namespace clasp;
using namespace clasp::policy;

namespace {

std::string target(const std::string& from, const std::string& location) {
  const auto url = resolve_location(*check_fetch_url(from), location);
  return url ? render_url(*url) : "?" + url.error().message;
}

}  // namespace

TEST_CASE("fetching: http and https, without credentials") {
  CHECK(check_fetch_url("https://Example.org/a.png?x=1#part"));
  CHECK(render_url(*check_fetch_url("https://Example.org:443/a?x#y")) == "https://example.org/a?x");
  for (const char* bad :
       {"", "a.png", "ftp://x/a", "file:///etc/passwd", "data:image/png;base64,AA",
        "gopher://x:70/_", "https://user:word@x/", "https://user@x/", "http://", "http:///a",
        "http://x y/", "http://x/\r\nHost: y", "javascript:alert(1)"})
    CHECK_MESSAGE(!check_fetch_url(bad), bad);
  // Where it comes from must not show in an error.
  CHECK(check_fetch_url("https://u:secret@x/").error().message.find("secret") == std::string::npos);
}

TEST_CASE("fetching: where a redirect leads, RFC 3986") {
  const std::string base = "http://a/b/c/d?q";
  CHECK(target(base, "g") == "http://a/b/c/g");
  CHECK(target(base, "./g") == "http://a/b/c/g");
  CHECK(target(base, "g/") == "http://a/b/c/g/");
  CHECK(target(base, "/g") == "http://a/g");
  CHECK(target(base, "//g/x") == "http://g/x");
  CHECK(target(base, "?y") == "http://a/b/c/d?y");
  CHECK(target(base, "g?y") == "http://a/b/c/g?y");
  CHECK(target(base, "g#s") == "http://a/b/c/g");
  CHECK(target(base, ".") == "http://a/b/c/");
  CHECK(target(base, "..") == "http://a/b/");
  CHECK(target(base, "../g") == "http://a/b/g");
  CHECK(target(base, "../../g") == "http://a/g");
  CHECK(target(base, "../../../g") == "http://a/g");
  CHECK(target(base, "/./g/../h") == "http://a/h");
  CHECK(target(base, "g?y/../x") == "http://a/b/c/g?y/../x");
  CHECK(target(base, "https://other:8443/x") == "https://other:8443/x");
  CHECK(target("http://a", "g") == "http://a/g");
  CHECK(target("http://a:8080/x", "/y") == "http://a:8080/y");
  for (const char* bad : {"ftp://x/", "file:///x", "http://u:p@x/", "//", "data:x", "a b"})
    CHECK_MESSAGE(target(base, bad).starts_with("?"), bad);
}

TEST_CASE("fetching: what the head of an answer means") {
  using Kind = FetchStep::Kind;
  const auto at = *check_fetch_url("https://a/b");
  CHECK(judge_fetch_head(at, 0, 200, {}).kind == Kind::read);
  CHECK(judge_fetch_head(at, 3, 200, {{"content-length", "20971520"}}).kind == Kind::read);
  CHECK(judge_fetch_head(at, 0, 200, {{"content-length", "20971521"}}).problem ==
        "it is larger than 20 MB");
  for (const int status : {301, 302, 303, 307, 308}) {
    const auto step = judge_fetch_head(at, 2, status, {{"location", "/c"}});
    CHECK(step.kind == Kind::go_on);
    CHECK(render_url(step.next) == "https://a/c");
    CHECK(judge_fetch_head(at, 3, status, {{"location", "/c"}}).kind == Kind::fail);
    CHECK(judge_fetch_head(at, 0, status, {}).kind == Kind::fail);
    CHECK(judge_fetch_head(at, 0, status, {{"location", "ftp://x"}}).kind == Kind::fail);
  }
  for (const int status : {201, 204, 206, 300, 304, 401, 403, 404, 500}) {
    const auto step = judge_fetch_head(at, 0, status, {{"location", "/c"}});
    CHECK(step.kind == Kind::fail);
    CHECK(step.problem.find(std::to_string(status)) != std::string::npos);
  }
}
