#include "core/wire/plain_spelling.h"

#include <doctest/doctest.h>

using clasp::wire::parse_plain_request;
using clasp::wire::plain_spelling;

TEST_CASE("plain spelling: what needs no change gives nothing") {
  for (const char* same :
       {R"({"a":"b"})", R"("\n\"\\\t")", R"("\u00e9\u0000\u001f\u007f")", R"("\ud83d\ude00")",
        R"("\\/ \\u0041 \\ud800")", R"("\u0022\u005c")", "", R"({"n":\u0031})", R"("\ud800)"})
    CHECK_FALSE(plain_spelling(same).has_value());
}

TEST_CASE("plain spelling: slashes and letters lose their escapes, in names too") {
  CHECK(plain_spelling(R"({"\u0074ype":"image\/png"})") == R"({"type":"image/png"})");
  CHECK(plain_spelling(R"("\\\/\u0041\\u0041\/\u0022")") == R"("\\/A\\u0041/\u0022")");
}

TEST_CASE("plain spelling: halves of surrogate pairs survive as they are, and so do pairs") {
  CHECK_FALSE(plain_spelling(R"("\ud83d\ude00\ud83d")").has_value());
  CHECK_FALSE(plain_spelling(R"("\udE00\ud83d\ud83d\ude00x")").has_value());
  CHECK(plain_spelling(R"("\uD800\u0041\/\uDC00")") == R"("\uD800A/\uDC00")");
}

TEST_CASE("plain spelling: what ends in the middle of an escape") {
  for (const char* cut : {R"("\)", R"("\u)", R"("\u00)", R"("\u004)", R"("a\/b\u)"})
    CHECK_FALSE(plain_spelling(cut).has_value());
}

TEST_CASE("plain spelling: a request is read again only where it is spelled oddly") {
  const std::string_view rest =
      R"(,"max_tokens":1,"messages":[{"role":"user","content":"a"}],"metadata":{"user_id":")";
  std::string plain;
  const std::string usual = R"({"model":"a/b")" + std::string(rest) + R"(\n\u00e9"}})";
  const auto same = parse_plain_request(usual, false, plain);
  REQUIRE(same);
  CHECK(plain.empty());
  CHECK(same->user_id_raw.data() > usual.data());
  CHECK(same->user_id_raw.data() < usual.data() + usual.size());

  const std::string odd = R"({"model":"a/b")" + std::string(rest) + R"(x\/\u0079"}})";
  const auto again = parse_plain_request(odd, false, plain);
  REQUIRE(again);
  CHECK(plain == R"({"model":"a/b")" + std::string(rest) + R"(x/y"}})");
  CHECK(again->user_id_raw == "x/y");
  CHECK(again->user_id_raw.data() > plain.data());
  CHECK(again->user_id_raw.data() < plain.data() + plain.size());
}

TEST_CASE("plain spelling: an escape that is needed costs a second look and changes nothing") {
  std::string plain;
  CHECK(parse_plain_request(
      R"({"model":"m","max_tokens":1,"messages":[{"role":"user","content":"\u0022"}]})", false,
      plain));
  CHECK(plain.empty());
}

TEST_CASE("plain spelling: what is refused is refused in the plain spelling too") {
  std::string plain;
  const auto kind = parse_plain_request(
      R"({"model":"m","max_tokens":1,"messages":[{"role":"\u0078\/y","content":"a"}]})", false,
      plain);
  REQUIRE_FALSE(kind);
  CHECK(kind.error().message ==
        clasp::wire::parse_messages_request(
            R"({"model":"m","max_tokens":1,"messages":[{"role":"x/y","content":"a"}]})", false)
            .error()
            .message);
  plain.clear();
  const auto cut = parse_plain_request(R"({"model":"\/","max_)", false, plain);
  REQUIRE_FALSE(cut);
  CHECK(plain.empty());
}
