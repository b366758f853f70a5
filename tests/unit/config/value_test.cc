// Single values: units, ranges, choices, hints; and listen addresses.
#include "config/value.h"

#include <doctest/doctest.h>

#include "config/listen.h"
#include "support.h"

using namespace clasp::config;
using namespace clasp::config::test;

namespace {

std::string number_of(Domain domain, std::string_view text) {
  const auto value = parse_value(domain, text);
  return value ? std::to_string(value->number) : value.error().message;
}

std::string listener_of(std::string_view text) {
  const auto listener = parse_listener(text, 8080);
  return listener ? render_listener(*listener) : listener.error().message;
}

}  // namespace

TEST_CASE("amounts of money are exact, and shown as they are written") {
  constexpr Domain domain{Kind::money, 0, 1'000'000'000};
  struct Row {
    std::string_view text;
    std::int64_t micros;
    std::string_view shown;
  };
  for (const Row& row : {Row{"2.5", 2'500'000, "2.50"},
                         {"$0.075", 75'000, "0.075"},
                         {".1", 100'000, "0.10"},
                         {"0", 0, "0.00"},
                         {"12", 12'000'000, "12.00"},
                         {"0.000001", 1, "0.000001"}}) {
    const auto value = parse_value(domain, row.text);
    REQUIRE_MESSAGE(value, row.text);
    CHECK(value->number == row.micros);
    CHECK(render_money(value->number) == row.shown);
  }
  for (std::string_view bad :
       {"1.", ".", "$", "1.0000001", "-1", "1e3", "1,5", "1001", "99999999999999999999"})
    CHECK_MESSAGE(!parse_value(domain, bad), bad);
}

TEST_CASE("durations") {
  const Domain seconds{Kind::seconds, 0, 86'400'000}, millis{Kind::millis, 0, 3'600'000};
  CHECK(number_of(seconds, "30") == "30000");
  CHECK(number_of(seconds, "30s") == "30000");
  CHECK(number_of(seconds, " 5 m ") == "300000");
  CHECK(number_of(seconds, "250ms") == "250");
  CHECK(number_of(seconds, "1H") == "3600000");
  CHECK(number_of(seconds, "1d") == "86400000");
  CHECK(number_of(millis, "30") == "30");
  CHECK(number_of(millis, "2s") == "2000");
  CHECK(has(number_of(seconds, "25h"), "out of range, allowed is 0 to 1d"));
  for (const char* bad :
       {"", "s", "ms", "-1", "1.5s", "1 2", "1ss", "0x10", "99999999999999999999", "1e3"})
    CHECK_MESSAGE(!parse_value(seconds, bad), bad);
  CHECK(has(number_of(seconds, "18446744073709551615"), "out of range"));
  CHECK(has(number_of(seconds, "9223372036854775807h"), "out of range"));
}

TEST_CASE("sizes and numbers") {
  const Domain size{Kind::bytes, 1024, 1 << 30};
  CHECK(number_of(size, "1024") == "1024");
  CHECK(number_of(size, "32M") == "33554432");
  CHECK(number_of(size, "1k") == "1024");
  CHECK(number_of(size, "1G") == "1073741824");
  CHECK(has(number_of(size, "2G"), "allowed is 1K to 1G"));
  CHECK(has(number_of(size, "1023"), "out of range"));
  const Domain port{Kind::integer, 0, 65535};
  CHECK(number_of(port, "0") == "0");
  CHECK(number_of(port, "65535") == "65535");
  CHECK(has(number_of(port, "65536"), "out of range"));
  CHECK(has(number_of(port, "1k"), "is not a whole number"));
}

TEST_CASE("rendering") {
  CHECK(render_duration(0) == "0");
  CHECK(render_duration(1500) == "1500ms");
  CHECK(render_duration(90'000) == "90s");
  CHECK(render_duration(300'000) == "5m");
  CHECK(render_bytes(32 << 20) == "32M");
  CHECK(render_bytes(1000) == "1000");
}

TEST_CASE("texts, lists, choices") {
  CHECK(parse_value({Kind::text}, " a b ")->text == "a b");
  CHECK(!parse_value({Kind::text}, "a\nb"));
  CHECK(!parse_value({Kind::text}, "\xff"));
  CHECK(parse_value({Kind::list}, "a, b ,,c")->list == std::vector<std::string>{"a", "b", "c"});
  CHECK(!parse_value({Kind::list}, ","));
  CHECK(parse_value({Kind::choice, 0, 0, "x|yes"}, "YES")->text == "yes");
  CHECK(!parse_value({Kind::secret}, "k\xc3\xa4"));
}

TEST_CASE("hints") {
  CHECK(nearest("prot", {"port", "provider"}) == "port");
  CHECK(nearest("something", {"port", "provider"}) == "");
  CHECK(nearest("", {"port"}) == "");
  CHECK(nearest(std::string(100'000, 'a'), {"port"}) == "");
  CHECK(quoted("a\nb") == "\"a?b\"");
  CHECK(quoted(std::string(100, 'x')).size() < 70);
  CHECK(quoted("sk-proj-abcdefghijkl0123") == "\"sk-***\"");
}

TEST_CASE("listen addresses") {
  CHECK(listener_of("127.0.0.1") == "127.0.0.1:8080");
  CHECK(listener_of("127.0.0.1:9") == "127.0.0.1:9");
  CHECK(listener_of("localhost:9") == "127.0.0.1:9");
  CHECK(listener_of("*") == "0.0.0.0:8080");
  CHECK(listener_of(":9") == "0.0.0.0:9");
  CHECK(listener_of("[::]:9") == "[::]:9");
  CHECK(listener_of("[::1]") == "[::1]:8080");
  CHECK(listener_of("::1") == "[::1]:8080");
  CHECK(listener_of("unix:/run/x.sock") == "unix:/run/x.sock");
  for (const char* bad : {"", "host", "1.2.3", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:65536", "[::1",
                          "[::1]9", "[1.2.3.4]", "unix:", "unix:x", "8080", "::1:x"})
    CHECK_MESSAGE(!parse_listener(bad, 8080), bad);
  CHECK(!parse_listener("unix:/" + std::string(200, 'x'), 0));
}
