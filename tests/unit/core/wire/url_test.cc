// URLs and proxy rules: what is accepted, what is refused, what NO_PROXY covers.
#include "core/wire/url.h"

#include <doctest/doctest.h>

#include "core/wire/proxy_rule.h"

namespace clasp::wire {
namespace {

Url url(std::string_view text) {
  auto parsed = parse_url(text);
  REQUIRE_MESSAGE(parsed.has_value(), text);
  return *parsed;
}

std::string proxy_of(const ProxyRules& rules, std::string_view target) {
  auto found = rules.find(url(target));
  if (!found) return "error: " + found.error().message;
  return *found ? (*found)->host_and_port() : "direct";
}

TEST_CASE("url: parts") {
  const Url a = url("https://API.Example.com/v1/chat/completions?api-version=2024#x");
  CHECK(a.scheme == "https");
  CHECK(a.host == "api.example.com");
  CHECK(a.port == 443);
  CHECK(a.target == "/v1/chat/completions?api-version=2024");
  CHECK(a.authority() == "api.example.com");
  CHECK(a.host_and_port() == "api.example.com:443");

  const Url b = url("HTTP://127.0.0.1:11434");
  CHECK(b.target == "/");
  CHECK(b.authority() == "127.0.0.1:11434");
  CHECK(url("http://h?x=/y").target == "/?x=/y");
  CHECK(url("http://h:/y").port == 80);
  CHECK(url("https://h:80/").authority() == "h:80");

  const Url c = url("http://[::1]:8080/a");
  CHECK(c.host == "::1");
  CHECK(c.authority() == "[::1]:8080");
  CHECK(url("http://[::1]/").authority() == "[::1]");

  const Url d = url("http://us%40er:p%3Aw:x@proxy:3128");
  CHECK(d.user == "us@er");
  CHECK(d.password == "p:w:x");
  CHECK(d.host == "proxy");
}

TEST_CASE("url: refused") {
  for (const char* text :
       {"", "http:", "http://", "//h/x", "ftp://h/", "http://h h/", "http://h/a b", "http://h\r\n/",
        "http://h:0/", "http://h:65536/", "http://h:x/", "http://[::1/", "http://[zz]/",
        "http://[::1]x/", "http://a%b@h/", "http://h<x>/", "http://:80/", "http://u@/",
        "http://h:80:90/"})
    CHECK_MESSAGE(!parse_url(text).has_value(), text);
  CHECK(!parse_url("http://h/" + std::string(9000, 'a')).has_value());
  CHECK(!parse_url("http://" + std::string(300, 'a')).has_value());
  CHECK(!parse_url(std::string("http://h/\0x", 11)).has_value());
  CHECK(is_ip_literal("127.0.0.1"));
  CHECK(is_ip_literal("::1"));
  CHECK(!is_ip_literal("localhost"));
  CHECK(!is_ip_literal("1.2.3"));
}

TEST_CASE("proxy rules") {
  const ProxyRules none;
  CHECK(proxy_of(none, "http://api.test/") == "direct");

  const ProxyRules rules({"proxy.test:3128", "http://u:p@secure.test:8443/",
                          "internal.test, .corp.test,*.wild.test, 10.0.0.0/8, [fe80::1]:81, "
                          "ported.test:8080,192.0.2.1, 10.128.0.0/9,fd00::/8"});
  CHECK(proxy_of(rules, "http://api.test/") == "proxy.test:3128");
  CHECK(proxy_of(rules, "https://api.test/") == "secure.test:8443");
  for (const char* direct :
       {"http://internal.test/", "https://a.internal.test/", "http://corp.test/",
        "http://x.corp.test/", "http://a.wild.test/", "http://10.1.2.3/", "http://[fe80::1]:81/",
        "http://ported.test:8080/", "http://192.0.2.1:99/", "http://localhost:11434/",
        "http://127.0.0.1/", "http://127.9.9.9/", "http://[::1]:8080/", "http://[fd12::7]/"})
    CHECK_MESSAGE(proxy_of(rules, direct) == "direct", direct);
  for (const char* proxied :
       {"http://notinternal.test/", "http://ported.test/", "http://11.1.2.3/", "http://[fe80::1]/",
        "http://192.0.2.11/", "http://wild.test.example/"})
    CHECK_MESSAGE(proxy_of(rules, proxied) == "proxy.test:3128", proxied);

  CHECK(proxy_of(ProxyRules({"p:1", "", "*"}), "http://a.test/") == "direct");
  CHECK(proxy_of(ProxyRules({"p:1", "", ""}), "https://a.test/") == "direct");
  CHECK(proxy_of(ProxyRules({"https://p:1", "", ""}), "http://a.test/").starts_with("error: "));
  CHECK(proxy_of(ProxyRules({"socks5://p:1", "", ""}), "http://a.test/").starts_with("error: "));
}

TEST_CASE("proxy authorization is standard base64 with padding") {
  CHECK(render_proxy_authorization(url("http://p:1/")) == "");
  CHECK(render_proxy_authorization(url("http://Aladdin:open%20sesame@p:1/")) ==
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  CHECK(render_proxy_authorization(url("http://u:%ff%fe@p:1/")) == "Basic dTr//g==");
}

}  // namespace
}  // namespace clasp::wire
