// Pieces, merges and the vocabulary of the local count (section 7.1).
#include "core/translate/bpe.h"

#include <vector>

#include "tiny_vocabulary.h"

namespace clasp::translate {

namespace {

using Pieces = std::vector<std::string>;

Pieces pieces(std::string_view text) {
  Pieces out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = piece_end(text, at);
    REQUIRE(end > at);
    REQUIRE(end <= text.size());
    out.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

constexpr std::uint64_t kMuch = 1u << 30;

std::size_t count(const Vocabulary& vocabulary, std::string_view text) {
  CountBudget budget{kMuch};
  const auto tokens = count_tokens_of(vocabulary, text, budget);
  REQUIRE(tokens);
  return *tokens;
}

std::uint64_t cost(const Vocabulary& vocabulary, std::string_view text) {
  CountBudget budget{kMuch};
  CHECK(count_tokens_of(vocabulary, text, budget));
  return kMuch - budget.left;
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out.append(text);
  return out;
}

}  // namespace

TEST_CASE("section 7.1: words keep one character in front, and a change of case parts them") {
  CHECK(pieces("Hello, world") == Pieces{"Hello", ",", " world"});
  CHECK(pieces("getHTTPResponse") == Pieces{"get", "HTTPResponse"});
  CHECK(pieces("ABCd EF") == Pieces{"ABCd", " EF"});
  CHECK(pieces("_name(x)") == Pieces{"_name", "(x", ")"});
  CHECK(pieces("\tif\n\tgo") == Pieces{"\tif", "\n", "\tgo"});
  CHECK(pieces("\u00dcber \u043f\u0440\u0438\u0432\u0435\u0442") ==
        Pieces{"\u00dcber", " \u043f\u0440\u0438\u0432\u0435\u0442"});
  // Letters without case and marks are upper and lower at once.
  CHECK(pieces("\u65e5\u672c\u8a9e\u3001\u672c") == Pieces{"\u65e5\u672c\u8a9e", "\u3001\u672c"});
  CHECK(pieces("A\u0301bC") == Pieces{"A\u0301b", "C"});
  CHECK(pieces("AB\u02b0C") == Pieces{"AB\u02b0", "C"});
}

TEST_CASE("section 7.1: contractions belong to their word") {
  CHECK(pieces("don't WE'LL I'm") == Pieces{"don't", " WE'LL", " I'm"});
  CHECK(pieces("it's'x they'Re've") == Pieces{"it's", "'x", " they'Re", "'ve"});
  CHECK(pieces("o'clock") == Pieces{"o", "'clock"});
  // The long s is an s whose case does not count.
  CHECK(pieces("it'\u017f") == Pieces{"it'\u017f"});
}

TEST_CASE("section 7.1: digits stand in groups of three") {
  CHECK(pieces("1234567") == Pieces{"123", "456", "7"});
  CHECK(pieces("x1 22") == Pieces{"x", "1", " ", "22"});
  CHECK(pieces("\u0663\u0664\u2167\u00bd") == Pieces{"\u0663\u0664\u2167", "\u00bd"});
}

TEST_CASE("section 7.1: symbols take line ends with them, spaces leave the last one") {
  CHECK(pieces("a {\n\n}//\n/b") == Pieces{"a", " {\n\n", "}//\n/", "b"});
  CHECK(pieces("\U0001F600\U0001F468\u200D\U0001F469 x") ==
        Pieces{"\U0001F600\U0001F468\u200D\U0001F469", " x"});
  CHECK(pieces("a   b") == Pieces{"a", "  ", " b"});
  CHECK(pieces("a   ") == Pieces{"a", "   "});
  CHECK(pieces("a  \n \r\n  b") == Pieces{"a", "  \n \r\n", " ", " b"});
  CHECK(pieces("a\u00a0\u3000 .") == Pieces{"a", "\u00a0\u3000", " ."});
  CHECK(pieces(" ") == Pieces{" "});
}

TEST_CASE("section 7.1: what is no UTF-8 is cut somewhere, to its end") {
  for (const std::string_view bad : {"\x80", "\xff\xfe", "a\xc3", "\xe2\x82", "\xf0\x9f\x98",
                                     "\xc0\x80 \xed\xa0\x80", " \xf8"}) {
    std::string joined;
    for (const std::string& piece : pieces(bad)) joined += piece;
    CHECK(joined == bad);
  }
}

TEST_CASE("section 7.1: neighbours are merged in the order of ranks, never across pieces") {
  const Vocabulary ranks = tiny_vocabulary({"bc", "ab", "abc", " a"});
  CHECK(count(ranks, "") == 0);
  CHECK(count(ranks, "abc") == 1);
  // "bc" comes before "ab": a|bc, not ab|c.
  CHECK(count(ranks, "abcd") == 2);
  CHECK(count(ranks, "ab a") == 2);
  CHECK(count(ranks, "ab\nab") == 3);
  CHECK(count(ranks, "xyz") == 3);
  const Vocabulary without = tiny_vocabulary({"bc", "ab"});
  CHECK(count(without, "abc") == 2);
  CHECK(count(without, "ababab") == 3);
}

TEST_CASE("section 7.1: long pieces are merged as short ones are") {
  const Vocabulary ranks = tiny_vocabulary({"aa", "ab", "aaaa", "aaab", "ba"});
  // The first from the left of equal ranks.
  CHECK(count(ranks, std::string(63, 'a')) == 15 + 2);
  CHECK(count(ranks, std::string(67, 'a')) == 16 + 2);
  for (const std::size_t size : {60u, 64u, 65u, 200u, 5000u}) {
    CAPTURE(size);
    CHECK(count(ranks, std::string(size, 'a')) == (size + 3) / 4);
    CHECK(count(ranks, repeated("ab", size)) == size);
  }
}

TEST_CASE("section 7.1: counting costs a little for each byte, whatever the text") {
  const Vocabulary ranks = tiny_vocabulary({"aa", "aaaa", "aaaaaaaa", "ab", "abab", "  ", "!!"});
  for (const std::string_view unit :
       {"a", "ab", "A", "\u65e5", " ", "\n", "!", "1", "e\u0301", "\u0301 ", "'s", "aB", "\u02b0A"})
    for (const std::size_t size : {1000u, 100'000u}) {
      CAPTURE(unit);
      const std::string text = repeated(unit, size);
      CHECK(cost(ranks, text) <= 20 * text.size());
    }
}

TEST_CASE("section 7.1: a text that the budget does not suffice for has no count") {
  const Vocabulary ranks = tiny_vocabulary({"aa"});
  CountBudget budget{3};
  CHECK(count_tokens_of(ranks, "a b", budget));
  CHECK_FALSE(count_tokens_of(ranks, "a b c", budget));
  // A piece is never begun that is longer than what is left.
  budget.left = 1'000'000;
  CHECK_FALSE(count_tokens_of(ranks, std::string(2'000'000, 'a'), budget));
  CHECK(budget.left < 32 * 1024);
}

TEST_CASE("section 7.1: a vocabulary is taken whole and in order, or not at all") {
  const std::string good = vocabulary_text({"ab"});
  const auto made = Vocabulary::parse(good);
  REQUIRE(made);
  CHECK(made->size() == 257);
  CHECK(made->longest() == 2);
  CHECK(made->rank("ab") == 256);
  CHECK(made->rank("a") == 'a');
  CHECK(made->rank("ba") == Vocabulary::kNone);
  CHECK(made->rank("") == Vocabulary::kNone);
  CHECK(Vocabulary::parse(good.substr(0, good.size() - 1)));
  for (const std::string& bad :
       {std::string(), std::string("\n"), good + "\n", good + "YWI=", good + "YWI= 256\n",
        good + "YWI= 258\n", good + "YWI= x\n", good + " 257\n", good + "!!! 257\n",
        good + wire::base64_encode(std::string(1025, 'x')) + " 257\n", std::string(17u << 20, 'a')})
    CHECK_FALSE(Vocabulary::parse(bad));
}

}  // namespace clasp::translate
