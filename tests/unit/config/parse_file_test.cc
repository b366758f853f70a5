// The file's syntax: what is an entry, which line it stood on, what is refused, garbage.
#include "config/parse_file.h"

#include <doctest/doctest.h>

#include <random>

#include "support.h"

using namespace clasp::config;
using namespace clasp::config::test;

namespace {

std::string flat(const std::string& text) {
  const FileText parsed = parse_file(text);
  std::string out;
  for (const FileEntry& e : parsed.entries)
    out += std::to_string(e.line) + "[" + e.section + "]" +
           (e.key.empty() ? "" : e.key + "=" + e.value) + " ";
  for (const FileProblem& p : parsed.problems)
    out += std::to_string(p.line) + "!" + p.message + " ";
  return out;
}

}  // namespace

TEST_CASE("entries and their lines") {
  CHECK(flat("") == "");
  CHECK(flat("\xef\xbb\xbf[a]\r\n# c\n; c\n\n k = v w \n\tx=1 ; c\ny = a;b#c\n") ==
        "1[a] 5[a]k=v w 6[a]x=1 7[a]y=a;b#c ");
  CHECK(flat("[a]\n[b c]\nk = v") == "1[a] 2[b c] 3[b c]k=v ");
  CHECK(flat("k = v\n") == "1[]k=v ");
  CHECK(flat("[a] ; comment\nk =\n") == "1[a] 2[a]k= ");
}

TEST_CASE("an indented line is a line of its own, not a continuation") {
  CHECK(flat("[a]\n  k = v\n  l = w\n") == "1[a] 2[a]k=v 3[a]l=w ");
}

TEST_CASE("only the equals sign separates") {
  CHECK(flat("[a]\nclaude:beta = x:y\n") == "1[a] 2[a]claude:beta=x:y ");
  CHECK(flat("[a]\nk = http://h:1/?a=b\n") == "1[a] 2[a]k=http://h:1/?a=b ");
  CHECK(flat("[a]\na:b:c=d=e\n") == "1[a] 2[a]a:b:c=d=e ");
  CHECK(has(flat("[a]\nk: v\n"), "2!expected `key = value`"));
}

TEST_CASE("long values survive") {
  for (std::size_t length :
       {100u, 190u, 191u, 192u, 195u, 196u, 197u, 198u, 199u, 200u, 201u, 400u, 1000u, 15000u}) {
    std::string value;
    for (std::size_t i = 0; value.size() < length; ++i)
      value += std::to_string(i) + (i % 3 == 0 ? ";" : ",");
    const FileText parsed = parse_file("[a]\nk = " + value + "\nl = w\n");
    REQUIRE(parsed.problems.empty());
    REQUIRE(parsed.entries.size() == 3);
    CHECK(parsed.entries[1].value == value);
    CHECK(parsed.entries[2].value == "w");
    CHECK(parsed.entries[2].line == 3);
  }
  const std::string words(300, 'a');
  CHECK(parse_file("[a]\nk = " + words + " " + words + "\n").entries[1].value ==
        words + " " + words);
  CHECK(parse_file("[a]\nk = " + words + " ; " + words + "\n").entries[1].value == words);
}

TEST_CASE("what is refused") {
  CHECK(has(flat("[a\n"), "1!the section has no closing ]"));
  CHECK(has(flat("[a] x\n"), "1!nothing may follow"));
  CHECK(has(flat("[]\n"), "1!the section's name is empty"));
  CHECK(has(flat("[" + std::string(60, 'x') + "]\n"), "1!the section's name is longer"));
  CHECK(has(flat("[a]\nword\n"), "2!expected `key = value` or `[section]`"));
  CHECK(has(flat("[a]\n= v\n"), "2!there is no key"));
  CHECK(has(flat("[a]\n" + std::string(200, 'k') + " = v\n"), "2!the key is longer"));
  CHECK(has(flat("[a]\nk = " + std::string(20000, 'v')), "2!the line is longer"));
  CHECK(has(flat(std::string("[a]\nk = a\0b\n", 12)), "2!the line holds a control character"));
  CHECK(has(flat("[a]\nk = \xff\n"), "2!the line is not valid UTF-8"));
  CHECK(has(flat(std::string(2 << 20, '\n')), "1!the file is larger than 1 MB"));
  CHECK(has(flat("[a]\nk = " + std::string(150, 'v') + std::string(400, ' ') + "v\n"),
            "2!the value is too long to have"));
  std::string many = "[a]\n";
  for (int i = 0; i < 6000; ++i) many += "k" + std::to_string(i) + " = v\n";
  CHECK(has(flat(many), "the file has too many lines"));
  std::string wrong;
  for (int i = 0; i < 1000; ++i) wrong += "word\n";
  CHECK(parse_file(wrong).problems.size() == 20);
}

TEST_CASE("garbage neither crashes nor hangs, and never yields control characters") {
  std::mt19937 random(7);
  constexpr char kLetters[] = "[]=:;# \t\n\r\"\\${}abkv1\0\xc3\xa4\xff";
  const std::string alphabet(kLetters, sizeof kLetters - 1);
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    const std::size_t length = random() % 400;
    for (std::size_t i = 0; i < length; ++i) text += alphabet[random() % alphabet.size()];
    if (round % 2 == 0) text = "[backend]\nmodel = " + text;
    const FileText parsed = parse_file(text);
    for (const FileEntry& entry : parsed.entries) {
      CHECK(entry.line > 0);
      for (char c : entry.key + entry.value)
        CHECK((static_cast<unsigned char>(c) >= 0x20 || c == '\t'));
    }
    load_text(text);
  }
}
