#include "base/log_text.h"

#include <doctest/doctest.h>

#include "base/text.h"

using namespace clasp;

namespace {

std::string escaped(std::string_view text, std::size_t limit = 1000) {
  std::string out;
  append_escaped_text(out, text, limit);
  return out;
}

std::string quoted(std::string_view text, std::size_t limit = 1000) {
  std::string out;
  append_quoted_text(out, text, limit);
  return out;
}

}  // namespace

TEST_CASE("log text: a cut never divides a character") {
  const std::string text = "aä€😀z";  // 1, 2, 3, 4 and 1 bytes
  for (std::size_t limit = 0; limit <= text.size() + 2; ++limit) {
    CHECK(is_valid_utf8(cut_utf8(text, limit)));
    CHECK(cut_utf8(text, limit).size() <= limit);
    CHECK(is_valid_utf8(escaped(text, limit)));
  }
  CHECK(cut_utf8(text, 5) == "aä");
  CHECK(cut_utf8(text, 6) == "aä€");
  CHECK(cut_utf8("\x80\x80\x80", 2).empty());  // no UTF-8 at all
}

TEST_CASE("log text: nothing ends a line or moves a cursor") {
  CHECK(escaped("a\nb\r\nc\td") == "a\\nb\\r\\nc\\td");
  CHECK(escaped(std::string_view("\x00\x1b[2J\x7f", 6)) == "\\u0000\\u001b[2J\\u007f");
  CHECK(escaped("\xC2\x9B"
                "31m") == "\\u009b31m");  // the one-character form of ESC [
  CHECK(escaped("a\u2028b\u2029c\u202ed\u2066e\uFEFF") ==
        "a\\u2028b\\u2029c\\u202ed\\u2066e\\ufeff");
  CHECK(escaped("ä€😀\u00A0\u2030") == "ä€😀\u00A0\u2030");
  CHECK(escaped("{\"a\":\"b\\n\"}") == "{\"a\":\"b\\n\"}");
  CHECK(escaped("a\xFF"
                "b\xC3") ==
        "a\uFFFD"
        "b\uFFFD");
}

TEST_CASE("log text: quoted values stay inside their quotes") {
  CHECK(quoted("say \"hi\" \\ \n\x1b\u2028!") == "say \\\"hi\\\" \\\\    !");
  CHECK(quoted("ä€😀") == "ä€😀");
}
