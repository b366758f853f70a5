// The index over a chunk: what it finds, what it refuses, and that it never reads what it may not.
#include "core/wire/openai_chat.h"

#include <doctest/doctest.h>

#include <memory>

using clasp::wire::ChatChunk;
using clasp::wire::ChatParser;

namespace {

// Parses from a buffer without room behind it, so that a sanitizer sees every read too far.
bool parse(ChatParser& parser, const std::string& text, std::unique_ptr<char[]>& exact) {
  exact = std::make_unique<char[]>(text.size());
  std::copy(text.begin(), text.end(), exact.get());
  return parser.parse({exact.get(), text.size()}, 0);
}

}  // namespace

TEST_CASE("chunk: the members are found in any order") {
  ChatParser parser;
  std::unique_ptr<char[]> buffer;
  REQUIRE(parse(
      parser,
      " {\"usage\" : null, \"choices\" : [ { \"finish_reason\" : \"stop\" , \"delta\" : { "
      "\"tool_calls\" : [ { \"function\" : { \"arguments\" : \"{\\\"a\\\"\" , \"name\" : \"f\" } , "
      "\"id\" : \"i\" , \"index\" : 3 } ] , \"content\" : \"c\\n\" } , \"index\" : 1 } ] , \"id\" "
      ": \"x\" } ",
      buffer));
  const ChatChunk& chunk = parser.chunk();
  CHECK(chunk.id.raw == "x");
  CHECK_FALSE(chunk.usage.present);
  REQUIRE(chunk.choices.size() == 1);
  CHECK(chunk.choices[0].index == 1);
  CHECK(chunk.choices[0].finish.raw == "stop");
  CHECK(chunk.choices[0].content.raw == "c\\n");
  REQUIRE(chunk.tools.size() == 1);
  CHECK(chunk.tools[0].index == 3);
  CHECK(chunk.tools[0].id.raw == "i");
  CHECK(chunk.tools[0].name.raw == "f");
  CHECK(chunk.tools[0].arguments.raw == "{\\\"a\\\"");
}

TEST_CASE("chunk: counts of tokens that nobody believes are bounded") {
  ChatParser parser;
  std::unique_ptr<char[]> buffer;
  REQUIRE(parse(parser,
                R"({"usage":{"prompt_tokens":9223372036854775807,"completion_tokens":)"
                R"(9000000000000000000,"total_tokens":99999999999999999999}})",
                buffer));
  const clasp::wire::ChatUsage& usage = parser.chunk().usage;
  CHECK(usage.prompt == clasp::wire::kMostTokens);
  CHECK(usage.completion == clasp::wire::kMostTokens);
  CHECK(usage.total == -1);
}

TEST_CASE("chunk: wrong types count as absent") {
  ChatParser parser;
  std::unique_ptr<char[]> buffer;
  REQUIRE(parse(
      parser,
      "{\"id\":7,\"choices\":[{\"index\":\"0\",\"delta\":{\"content\":{\"a\":[1,{\"b\":2}]},\"tool_"
      "calls\":"
      "{\"x\":1},\"reasoning\":false}},null,3,{\"delta\":null,\"finish_reason\":5}],\"usage\":[1]}",
      buffer));
  const ChatChunk& chunk = parser.chunk();
  CHECK_FALSE(chunk.id.present);
  CHECK(chunk.choices.size() == 4);
  CHECK(chunk.tools.empty());
  for (const auto& choice : chunk.choices) {
    CHECK_FALSE(choice.content.present);
    CHECK_FALSE(choice.finish.present);
    CHECK_FALSE(choice.reasoning.present);
  }
}

TEST_CASE("chunk: what is not one JSON object is refused") {
  ChatParser parser;
  std::unique_ptr<char[]> buffer;
  for (const char* bad :
       {"", " ", "null", "[]", "\"x\"", "7", "{", "{\"a\":1", "{\"a\":1}}", "{}{}", "{} x",
        "{\"choices\":[{\"delta\":{\"content\":\"x", "{\"id\":\"a\nb\"}", "{a:1}", "nonsense"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse(parser, bad, buffer));
  }
  CHECK(parse(parser, "{}", buffer));
}

TEST_CASE("chunk: broken UTF-8 is replaced") {
  ChatParser parser;
  std::unique_ptr<char[]> buffer;
  REQUIRE(parse(parser, "{\"choices\":[{\"delta\":{\"content\":\"a\xF0\x9F\"}}]}", buffer));
  CHECK(parser.chunk().choices[0].content.raw == "a\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST_CASE("chunk: a large one does not leave its memory behind, a small one follows") {
  ChatParser parser;
  std::unique_ptr<char[]> buffer;
  const std::string big(3u << 20, 'x');
  REQUIRE(parse(parser, "{\"choices\":[{\"delta\":{\"content\":\"" + big + "\"}}]}", buffer));
  CHECK(parser.chunk().choices[0].content.raw.size() == big.size());
  REQUIRE(parse(parser, "{\"choices\":[{\"delta\":{\"content\":\"y\"}}]}", buffer));
  CHECK(parser.chunk().choices[0].content.raw == "y");
}

TEST_CASE("chunk: a piece and the whole message side by side") {
  ChatParser parser;
  std::unique_ptr<char[]> buffer;
  REQUIRE(parse(parser,
                "{\"choices\":[{\"delta\":{\"content\":\"a\"},\"message\":{\"content\":\"b\"},"
                "\"finish_reason\":\"stop\"}]}",
                buffer));
  REQUIRE(parser.chunk().choices.size() == 2);
  CHECK(parser.chunk().choices[0].content.raw == "a");
  CHECK_FALSE(parser.chunk().choices[0].whole);
  CHECK(parser.chunk().choices[1].content.raw == "b");
  CHECK(parser.chunk().choices[1].whole);
}
