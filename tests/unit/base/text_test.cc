#include "base/text.h"

#include <doctest/doctest.h>

#include <cstdint>

using namespace clasp;

TEST_CASE("text: matching") {
  CHECK(iequals("Content-Type", "content-type"));
  CHECK_FALSE(iequals("a", "ab"));
  CHECK(icontains("Maximum Context Length", "context length"));
  CHECK_FALSE(icontains("abc", "abcd"));
  CHECK(trim(" \t a b \r\n") == "a b");
  CHECK(trim("   ") == "");
  CHECK(glob_match("*mistral*", "open-mistral-7b"));
  CHECK(glob_match("a?c*", "abcdef"));
  CHECK_FALSE(glob_match("a?c", "abcd"));
  CHECK(glob_match("*", ""));
  CHECK(glob_match("a*b*c", "aXXbYYc"));
  CHECK_FALSE(glob_match("a*b*c", "aXXcYYb"));
  CHECK(split("a,b,,c", ',').size() == 4);
}

TEST_CASE("text: numbers") {
  CHECK(parse_unsigned("0") == 0);
  CHECK(parse_unsigned("18446744073709551615") == UINT64_MAX);
  CHECK_FALSE(parse_unsigned("18446744073709551616"));
  CHECK_FALSE(parse_unsigned(""));
  CHECK_FALSE(parse_unsigned("-1"));
  CHECK_FALSE(parse_unsigned("1 "));
  CHECK(edit_distance("cache-size", "cach-sise") == 2);
  CHECK(edit_distance("", "abc") == 3);
}

TEST_CASE("text: encodings round trip") {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  for (std::size_t n : {0u, 1u, 2u, 3u, 255u, 256u}) {
    const std::string part = bytes.substr(0, n);
    const auto back = base64url_decode(base64url_encode(part));
    REQUIRE(back);
    CHECK(*back == part);
  }
  CHECK_FALSE(base64url_decode("a"));
  CHECK_FALSE(base64url_decode("ab=="));
  CHECK(to_hex("\x01\xff") == "01ff");
  CHECK(base62(0, 61, 2) == "z0");
  CHECK(base62(1, 2, 24).size() == 24);
  // 2^64 + 2 in base 62, the last digit first, beyond the eight that are worked out at once.
  CHECK(base62(1, 2, 12) == "IYHA61aHgyL0");
}

TEST_CASE("text: utf-8") {
  CHECK(is_valid_utf8("h\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"));
  CHECK_FALSE(is_valid_utf8("\xC0\x80"));          // overlong
  CHECK_FALSE(is_valid_utf8("\xED\xA0\x80"));      // surrogate
  CHECK_FALSE(is_valid_utf8("\xF4\x90\x80\x80"));  // beyond U+10FFFF
  CHECK_FALSE(is_valid_utf8("\xE2\x82"));          // cut
  CHECK(scrub_utf8("a\xFF"
                   "b") ==
        "a\xEF\xBF\xBD"
        "b");
  CHECK(scrub_utf8("h\xC3\xA4") == "h\xC3\xA4");
}

TEST_CASE("text: json strings") {
  std::string out;
  append_json_string(out,
                     "a\"b\\c\nd\x01"
                     "e\xC3\xA4");
  CHECK(out == "\"a\\\"b\\\\c\\nd\\u0001e\xC3\xA4\"");
  CHECK(decode_json_string("a\\\"b\\\\c\\nd\\u0001e") ==
        "a\"b\\c\nd\x01"
        "e");
  CHECK(decode_json_string("\\ud83d\\ude00") == "\xF0\x9F\x98\x80");
  CHECK(decode_json_string("\\ud83d") == "\xEF\xBF\xBD");
  CHECK(decode_json_string("\\ude00x") == "\xEF\xBF\xBDx");
  CHECK(decode_json_string("\\u20ac") == "\xE2\x82\xAC");
}

TEST_CASE("text: every byte is escaped as JSON wants it, wherever it stands") {
  const auto naive = [](std::string_view text) {
    std::string out;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        out.append("\\").push_back(c);
      } else if (c == '\n' || c == '\r' || c == '\t') {
        out.append(c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
      } else if (byte < 0x20) {
        const char digits[] = "0123456789abcdef";
        out.append("\\u00").append({digits[byte >> 4], digits[byte & 15]});
      } else {
        out.push_back(c);
      }
    }
    return out;
  };
  for (int byte = 0; byte < 256; ++byte)
    for (const std::size_t at : {0u, 1u, 15u, 16u, 17u, 31u, 32u, 500u, 700u}) {
      std::string text(at + 3, 'x');
      text[at] = static_cast<char>(byte);
      std::string out = "before";
      append_json_escaped(out, text);
      CHECK(out == "before" + naive(text));
    }
  // Denser and denser, longer and longer.
  std::uint32_t state = 1;
  const auto next = [&state] { return state = state * 1664525 + 1013904223; };
  for (std::uint32_t round = 0; round < 300; ++round) {
    std::string text;
    while (text.size() < round * 7) {
      const std::uint32_t word = next() >> 8;
      text.push_back(word % (round + 2) < 8 ? static_cast<char>(word % 0x30) : 'a');
    }
    std::string out;
    append_json_escaped(out, text);
    CHECK(out == naive(text));
  }
}

TEST_CASE("text: stars before and behind what has to match") {
  CHECK(glob_match("*b*", "aaab"));
  CHECK(glob_match("*ab", "aaab"));
  CHECK(glob_match("*a?b*", "xaybz"));
  CHECK(glob_match("**b", "ab"));
  CHECK(glob_match("*?", "a"));
  CHECK(glob_match("*abab", "ababab"));
  CHECK(glob_match("*b**", "aab"));
  CHECK_FALSE(glob_match("*b*", "aaaa"));
  CHECK_FALSE(glob_match("*b", "aaabc"));
  CHECK_FALSE(glob_match("*?", ""));
  CHECK_FALSE(glob_match("a*b?", "aab"));
}
