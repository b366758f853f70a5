// Request heads: what is written, what is left out, what is refused.
#include "core/wire/http_request.h"

#include <doctest/doctest.h>

#include "core/wire/http_chars.h"

namespace clasp::wire {
namespace {

TEST_CASE("http request: head") {
  const auto head = render_request_head({"POST", "/v1/x?y", "h:81", "Basic eA==", 12},
                                        {{"Accept", "*/*"},
                                         {"content-length", "99"},
                                         {"HOST", "evil"},
                                         {"Connection", "close"},
                                         {"Transfer-Encoding", "chunked"},
                                         {"Expect", "100-continue"},
                                         {"X-Empty", ""}});
  REQUIRE(head.has_value());
  CHECK(*head ==
        "POST /v1/x?y HTTP/1.1\r\nHost: h:81\r\nAccept: */*\r\nX-Empty: \r\n"
        "Proxy-Authorization: Basic eA==\r\nContent-Length: 12\r\n\r\n");
  CHECK(*render_request_head({"GET", "/", "h", "", 0}, {}) == "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(render_request_head({"POST", "/", "h", "", 0}, {})->ends_with("Content-Length: 0\r\n\r\n"));
}

TEST_CASE("http request: refused") {
  for (const Headers& headers : {Headers{{"A", "b\r\nC: d"}}, Headers{{"A", "b\nC"}},
                                 Headers{{"A b", "c"}}, Headers{{"", "c"}}, Headers{{"A:", "c"}},
                                 Headers{{"A", std::string("\0", 1)}}, Headers{{"A\r\n", "c"}}})
    CHECK(!render_request_head({"GET", "/", "h", "", 0}, headers).has_value());
  CHECK(!render_request_head({"G T", "/", "h", "", 0}, {}).has_value());
  CHECK(!render_request_head({"", "/", "h", "", 0}, {}).has_value());
}

TEST_CASE("http characters") {
  CHECK(is_token("X-Api_Key!#$%&'*+.^`|~09az"));
  for (const char* text : {"", "a b", "a:b", "a\"", "a/", "a\x7f", "\xc3\xa9", "a\t"})
    CHECK(!is_token(text));
  CHECK(is_field_value("a\tb \xc3\xa9"));
  CHECK(is_field_value(""));
  CHECK(!is_field_value("\x7f"));
}

}  // namespace
}  // namespace clasp::wire
