#include "core/wire/plain_spelling.h"

#include <doctest/doctest.h>

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
