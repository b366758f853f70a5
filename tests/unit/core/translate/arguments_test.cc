// The argument scanner: what it lets through is always the start of one valid object.
#include "core/translate/arguments.h"

#include <doctest/doctest.h>

#include <string>

#include "../../support/grammar.h"
#include "core/translate/argument_repair.h"

using clasp::test::dump_json;
using clasp::test::parse_json;
using clasp::translate::ArgumentScanner;

namespace {

struct Scan {
  std::string sent;   // before the end
  std::string whole;  // after it
  bool ok = false;
};

Scan scan(const std::string& text, std::size_t step = 0) {
  ArgumentScanner scanner;
  Scan result;
  for (std::size_t at = 0; at < text.size(); at += step == 0 ? text.size() : step)
    scanner.feed(text.substr(at, step == 0 ? text.size() : step), result.sent);
  result.whole = result.sent;
  result.ok = scanner.finish(result.whole);
  return result;
}

// The outcome must not depend on how the text was cut, and must be valid JSON that begins with
// what was let through.
std::string whole(const std::string& text) {
  const Scan once = scan(text);
  for (std::size_t step = 1; step < text.size(); ++step) {
    CAPTURE(step);
    CHECK(scan(text, step).whole == once.whole);
    CHECK(scan(text, step).ok == once.ok);
  }
  if (!once.ok) return "(broken)";
  CHECK(once.whole.substr(0, once.sent.size()) == once.sent);
  const auto json = parse_json(once.whole);
  CAPTURE(once.whole);
  REQUIRE(json);
  CHECK(json_is_object(json.get()));
  return once.whole;
}

}  // namespace

TEST_CASE("arguments: valid JSON passes as it is") {
  for (const char* text :
       {"{}", "{ }", "{\"a\":1}", "{ \"a\" : [ 1 , -2.5e+3, true,false ,null ] }",
        "{\"a\":{\"b\":[{},[],\"\\u00e9\\n\\\"\\\\\\/\"]},\"\":\"\"}",
        "{\"\xF0\x9F\x98\x80\":\"\xC3\xA9\"}", "{\"a\":\"\\ud83d\\ude00\"}", "{\n  \"a\": 0\n}"})
    CHECK(whole(text) == text);
}

TEST_CASE("arguments: space around the object and repetitions behind it are ignored") {
  CHECK(whole(" \n{\"a\":1}\n ") == "{\"a\":1}");
  CHECK(whole("{\"a\":1}{\"a\":1}") == "{\"a\":1}");
  CHECK(whole("{\"a\":1} and so on") == "{\"a\":1}");
  CHECK(whole("") == "{}");
  CHECK(whole("  ") == "{}");
}

TEST_CASE("arguments: slips that are mended on the way") {
  CHECK(whole("{\"a\":\"x\ny\tz\x01\"}") == "{\"a\":\"x\\ny\\tz\\u0001\"}");
  CHECK(whole("{\"re\":\"\\d+\\w\"}") == "{\"re\":\"\\\\d+\\\\w\"}");
  CHECK(whole("{\"u\":\"\\u12\"}") == "{\"u\":\"\\\\u12\"}");
  CHECK(whole("{\"u\":\"\\ud83d!\"}") == "{\"u\":\"\\ufffd!\"}");
  CHECK(whole("{\"u\":\"\\ude00\"}") == "{\"u\":\"\\ufffd\"}");
  CHECK(whole("{\"u\":\"\\ud83d\\n\"}") == "{\"u\":\"\\ufffd\\n\"}");
}

TEST_CASE("vector 116: the shortest ending") {
  CHECK(whole("{") == "{}");
  CHECK(whole("{\"a") == "{}");
  CHECK(whole("{\"a\"") == "{}");
  CHECK(whole("{\"a\":") == "{}");
  CHECK(whole("{\"a\":1") == "{\"a\":1}");
  CHECK(whole("{\"a\":1.") == "{}");
  CHECK(whole("{\"a\":1,") == "{\"a\":1}");
  CHECK(whole("{\"a\":tr") == "{}");
  CHECK(whole("{\"a\":\"te") == "{\"a\":\"te\"}");
  CHECK(whole("{\"a\":\"te\\") == "{\"a\":\"te\"}");
  CHECK(whole("{\"a\":\"te\\u00") == "{\"a\":\"te\"}");
  CHECK(whole("{\"a\":\"te\\ud83d") == "{\"a\":\"te\\ufffd\"}");
  CHECK(whole("{\"a\":[{\"b\":[1,") == "{\"a\":[{\"b\":[1]}]}");
}

TEST_CASE("arguments: errors inside the object are repaired at the end") {
  CHECK(whole("{'a': 1}") == "{\"a\":1}");
  CHECK(whole("{\"a\": 1,}") == "{\"a\": 1}");
  CHECK(whole("{\"a\":[1,2,]}") == "{\"a\":[1,2]}");
  CHECK(whole("{\"a\": True, \"b\": None}") == "{\"a\":true,\"b\":null}");
  CHECK(whole("{a: 'it\\'s \"x\"'}") == "{\"a\":\"it's \\\"x\\\"\"}");
  CHECK(whole("{\"a\":1 \"b\":2}") == "{\"a\":1,\"b\":2}");
  CHECK(whole("{\"a\":1,,\"b\":NaN") == "{\"a\":1,\"b\":null}");
  CHECK(whole("{\"a\":{\"b\":undefined}}") == "{\"a\":{\"b\":null}}");
  CHECK(whole("{\"a\": oops}") == "(broken)");
  CHECK(whole("{\"a\":1]") == "(broken)");
  CHECK(whole("{\"a\":01}") == "(broken)");
}

TEST_CASE("arguments: what is not an object is held back whole") {
  const Scan held = scan("\"{\\\"a\\\":1}\"");
  CHECK(held.sent == "");
  CHECK(held.whole == "{\"a\":1}");
  CHECK(whole("null") == "{}");
  CHECK(whole("\"\"") == "{}");
  CHECK(whole("\"\\\"{}\\\"\"") == "{}");
  CHECK(whole("```json\n{\"a\":1}\n```") == "{\"a\":1}");
  for (const char* text : {"abc", "[1]", "12", "\"abc\"", "\"a\" \"b\"", "true"})
    CHECK(whole(text) == "(broken)");
}

TEST_CASE("arguments: limits") {
  std::string deep = "{\"a\":";
  for (int i = 0; i < 5000; ++i) deep += "[";
  CHECK_FALSE(scan(deep).ok);
  CHECK_FALSE(scan("{\"a\":" + std::string(5000, '1') + "x}").ok);
  std::string key = "{\"" + std::string(2u << 20, 'k') + "\":1}";
  CHECK(scan(key).sent.size() <= key.size());
}

TEST_CASE("arguments: cutting off keeps what is complete") {
  ArgumentScanner scanner;
  std::string out;
  scanner.feed("{\"a\":[1,2],\"b\":\"tex", out);
  CHECK(out == "{\"a\":[1,2],\"b\":\"tex");
  out.resize(out.size() - scanner.unfinished());
  scanner.close_all(out);
  CHECK(out == "{\"a\":[1,2]}");
}

TEST_CASE("numbers") {
  using clasp::translate::json_number_length;
  CHECK(json_number_length("-0.5e-7x") == 7);
  CHECK(json_number_length("12.") == 2);
  CHECK(json_number_length("1e") == 1);
  CHECK(json_number_length("01") == 1);
  CHECK(json_number_length("-") == 0);
  CHECK(json_number_length("+1") == 0);
}
