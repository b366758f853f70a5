// URLs: what is taken apart how, and what is refused.
#include "base/url.h"

#include <doctest/doctest.h>

using clasp::parse_url;

TEST_CASE("a URL is taken apart") {
  const auto url = parse_url("https://API.example.com/v1?a=b&c=d");
  REQUIRE(url);
  CHECK(url->tls);
  CHECK(url->host == "api.example.com");
  CHECK(url->port == 443);
  CHECK(url->path == "/v1");
  CHECK(url->query == "a=b&c=d");
  CHECK(url->authority() == "api.example.com");
  CHECK(url->target() == "/v1?a=b&c=d");
  CHECK(url->text() == "https://api.example.com/v1?a=b&c=d");
}

TEST_CASE("ports, missing paths and IPv6") {
  const auto plain = parse_url("http://localhost:11434");
  REQUIRE(plain);
  CHECK(plain->port == 11434);
  CHECK(plain->path.empty());
  CHECK(plain->target() == "/");
  CHECK(plain->text() == "http://localhost:11434");
  const auto v6 = parse_url("http://[::1]:8000/v1");
  REQUIRE(v6);
  CHECK(v6->host == "::1");
  CHECK(v6->authority() == "[::1]:8000");
  const auto query_only = parse_url("https://h?x=1");
  REQUIRE(query_only);
  CHECK(query_only->path.empty());
  CHECK(query_only->query == "x=1");
}

TEST_CASE("what is not an address of a backend is refused") {
  for (const char* bad : {"",
                          "h",
                          "//h",
                          "ftp://h",
                          "http://",
                          "http:///x",
                          "http://h:0",
                          "http://h:65536",
                          "http://h:",
                          "http://u:p@h",
                          "http://[::1",
                          "http://[x]",
                          "http://[::1]x",
                          "http://h/#f",
                          "http://h /",
                          "http://h\n/",
                          "http://h\xc3\xa4",
                          "http://h:1:2",
                          "http://::1/",
                          "httpx://h"})
    CHECK_MESSAGE(!parse_url(bad), bad);
  CHECK(!parse_url("http://h/" + std::string(5000, 'x')));
  CHECK(!parse_url(std::string_view("http://h\0/", 10)));
}

TEST_CASE("loopback") {
  for (const char* host : {"localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1"})
    CHECK(clasp::is_loopback_host(host));
  for (const char* host : {"", "127.evil.example", "10.0.0.1", "example.com"})
    CHECK(!clasp::is_loopback_host(host));
}
