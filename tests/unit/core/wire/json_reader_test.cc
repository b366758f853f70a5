#include "core/wire/json_reader.h"

#include <doctest/doctest.h>

using namespace clasp::wire;

TEST_CASE("json reader accepts the grammar") {
  for (const char* good : {"null",
                           " true ",
                           "false",
                           "0",
                           "-0",
                           "-12.5e+3",
                           "1E5",
                           "123456789012345678901234567890",
                           "1e400",
                           "\"\"",
                           "\"a\\\"b\\\\\\u00e9\\ud800 \"",
                           "[]",
                           "[ ]",
                           "{}",
                           "{ }",
                           "[[],{}]",
                           "{\"a\":[1,{\"b\":null}],\"a\":2}",
                           "[1 , 2]",
                           "\"ä 漢\"",
                           "[\"\\u0000\"]"}) {
    CAPTURE(good);
    CHECK(is_valid_json(good));
  }
}

TEST_CASE("json reader refuses everything else") {
  for (const char* bad : {"",
                          " ",
                          "nul",
                          "nulll",
                          "tru",
                          "01",
                          "-",
                          "1.",
                          ".5",
                          "1e",
                          "+1",
                          "NaN",
                          "\"",
                          "\"\\x\"",
                          "\"\\u12g4\"",
                          "\"\t\"",
                          "\"a\nb\"",
                          "[",
                          "]",
                          "[1",
                          "[1,",
                          "[1,]",
                          "[,1]",
                          "[1 2]",
                          "{",
                          "{]",
                          "{\"a\"}",
                          "{\"a\":}",
                          "{\"a\":1,}",
                          "{a:1}",
                          "{,}",
                          "[}",
                          "[1]]",
                          "{\"a\":1}}",
                          "1 2",
                          "[\"a\":1]",
                          "{\"a\",1}",
                          "'a'",
                          "\xef\xbb\xbf{}",
                          "\"\xff\"",
                          "\"\xc0\x80\"",
                          "[1}",
                          "{\"a\":[}]",
                          "{\"a\" 1}",
                          "[1,,2]",
                          "// c\n1"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_valid_json(bad));
  }
}

TEST_CASE("json reader limits depth") {
  const std::string deep(kMaxJsonDepth, '[');
  CHECK(is_valid_json(deep + std::string(kMaxJsonDepth, ']')));
  CHECK_FALSE(is_valid_json("[" + deep + std::string(kMaxJsonDepth + 1, ']')));
  CHECK_FALSE(is_valid_json(std::string(2'000'000, '[')));
}

TEST_CASE("members and items give slices and prove the rest") {
  JsonReader reader(R"( {"a" : 1 , "b\u0063":"x\n", "d":[ 1,{"e":[ ]} ] } )");
  JsonReader::Members members(reader);
  std::string_view key, value;
  REQUIRE(members.next(key));
  CHECK(key == "a");
  REQUIRE(reader.skip(value));
  CHECK(value == "1");
  REQUIRE(members.next(key));
  CHECK(raw_equals(key, "bc"));
  REQUIRE(reader.string(value));
  CHECK(value == "x\\n");
  REQUIRE(members.next(key));
  REQUIRE(reader.skip(value));
  CHECK(value == R"([ 1,{"e":[ ]} ])");
  CHECK_FALSE(members.next(key));
  CHECK(reader.at_end());
}

TEST_CASE("helpers over slices") {
  CHECK(json_member(R"({"a":1,"a":2})", "a") == "2");
  CHECK_FALSE(json_member("[1]", "a"));
  CHECK(json_string_member(R"({"a":"b"})", "a") == "b");
  CHECK(json_string_member(R"({"a":5})", "a") == "");
  std::string out;
  append_compact_json(out, "{ \"a b\" : [ 1 , \"x \\\" y\" ] }\n");
  CHECK(out == R"({"a b":[1,"x \" y"]})");
  out.clear();
  append_compact_json_escaped(out, R"({ "a": "\n" })");
  CHECK(out == R"({\"a\":\"\\n\"})");
  CHECK(raw_starts_with("x-anthropic", "x-"));
  CHECK(raw_starts_with("\\u0078-anthropic", "x-"));
  CHECK_FALSE(raw_starts_with("x", "x-"));
}

TEST_CASE("members but for some; no object gives nothing") {
  const std::string names[] = {"a", "c"};
  CHECK(json_members_without(R"({ "a":1, "b" : [ 2 ],"c":{},"\u0061":3 })", names) ==
        R"("b":[ 2 ],"\u0061":3)");
  CHECK(json_members_without(R"({"a":1})", names) == "");
  CHECK(json_members_without("{}", names) == "");
  for (const char* other : {"", "[]", "1", R"({"b":)", R"({"b":1,})"})
    CHECK_FALSE(json_members_without(other, names));
}

TEST_CASE("the reader notices escapes that nobody needs, also in what it skips") {
  const auto noticed = [](std::string_view json) {
    JsonReader reader(json);
    REQUIRE(reader.skip());
    return reader.spelling().needless_escapes;
  };
  for (const char* odd : {R"("\/")", R"({"a":["b\u0041"]})", R"({"\u0074ype":1})", R"("\n\u007e")"})
    CHECK(noticed(odd));
  for (const char* plain : {R"("\"\\\b\f\n\r\t")", R"("\\/ \\u0041")",
                            R"("\u00e9\u001f\u4100\ud83d\ude00")", R"({"/":[1,true,null]})"})
    CHECK_FALSE(noticed(plain));
}
