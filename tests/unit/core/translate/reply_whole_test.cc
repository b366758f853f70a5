// A whole message behind its pieces (translation spec §5.3): what the pieces lacked is shown, what
// they said is not said twice.
#include <doctest/doctest.h>

#include <algorithm>

#include "../../support/reply_kit.h"

using namespace clasp::test;
using clasp::translate::ReplyContext;
using Blocks = std::vector<std::string>;

namespace {

// The stream whole and byte by byte; the blocks that the client has in the end.
Blocks shown(const Blocks& chunks, ReplyContext context = make_context()) {
  const std::string input = frames(chunks);
  const Outcome out = stream(context, input);
  CHECK(stream(context, input, 1).sse == out.sse);
  Grammar grammar;
  CHECK(grammar.check_complete(out.sse) == "");
  return grammar.blocks();
}

std::string whole(const std::string& inside, const std::string& reason = "stop") {
  return R"({"choices":[{"index":0,"message":{"role":"assistant",)" + inside +
         R"(},"finish_reason":")" + reason + "\"}]}";
}

}  // namespace

TEST_CASE("section 5.3: the whole message has more text than its pieces") {
  CHECK(shown({say("Hel"), say("lo"), whole(R"("content":"Hello world")")}) ==
        Blocks{"text:Hello world"});
  CHECK(shown({say("Hello"), whole(R"("content":"Hello")")}) == Blocks{"text:Hello"});
  CHECK(shown({whole(R"("content":"Hello")")}) == Blocks{"text:Hello"});
  // Snapshots that grow.
  CHECK(shown({whole(R"("content":"a")"), whole(R"("content":"ab")"),
               whole(R"("content":"abc")")}) == Blocks{"text:abc"});
  // One with other words adds nothing to what was seen, and neither does a shorter one.
  CHECK(shown({say("Hello"), whole(R"("content":"Good evening")")}) == Blocks{"text:Hello"});
  CHECK(shown({say("Hello"), whole(R"("content":"Hel")")}) == Blocks{"text:Hello"});
  // Parts, escapes and halves of a character.
  CHECK(shown({say("a\\n\\ud83d"), whole(R"("content":[{"type":"text","text":"a\n\ud83d\ude00"},)"
                                         R"({"type":"text","text":"z"}])")}) ==
        Blocks{"text:a\n\xF0\x9F\x98\x80z"});
}

TEST_CASE("section 5.3: piece and whole message in one chunk") {
  CHECK(shown({R"({"choices":[{"index":0,"delta":{"content":"He"},"message":{"content":"Hello"},)"
               R"("finish_reason":"stop"}]})"}) == Blocks{"text:Hello"});
}

TEST_CASE("section 5.3: the whole message has more reasoning than its pieces") {
  CHECK(shown({think("Hm"), whole(R"("reasoning_content":"Hm, so","content":"T")")}) ==
        Blocks{"thinking:Hm, so", "text:T"});
  CHECK(shown({think("Hm"), say("T"), whole(R"("reasoning":"Hm","content":"T")")}) ==
        Blocks{"thinking:Hm", "text:T"});
  const std::string parts =
      R"("content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm"}]},)"
      R"({"type":"text","text":"T"}])";
  CHECK(shown({think("Hm"), whole(parts)}) == Blocks{"thinking:Hm", "text:T"});
  // Thinking was marked in the text, and has a field of its own in the end.
  CHECK(shown({say("<think>Hm</think>T"), whole(R"("reasoning_content":"Hm","content":"T")")},
              make_context("vllm")) == Blocks{"thinking:Hm", "text:T"});
  const std::string details =
      R"("reasoning":"Hm","reasoning_details":[{"type":"reasoning.text","text":"Hm",)"
      R"("signature":"s"}],"content":"T")";
  CHECK(shown({delta(R"("reasoning":"Hm")"), say("T"), whole(details)},
              make_context("openrouter")) == Blocks{"thinking:Hm", "text:T", "thinking:"});
}

TEST_CASE("section 5.3: the whole message has more of a call than its pieces") {
  const auto message = [](const std::string& entry) {
    return whole(R"("content":null,"tool_calls":[)" + entry + "]", "tool_calls");
  };
  const std::string start = calls({call(0, "call_x1", "write", "{\\\"a\\\":1,")});
  const Blocks want{"tool_use:write:{\"a\":1,\"b\":2}"};
  const std::string arguments = "{\\\"a\\\":1,\\\"b\\\":2}";
  CHECK(shown({start, message(call(-1, "call_x1", "write", arguments))}) == want);
  CHECK(shown({start, message(call(-1, "", "write", arguments))}) == want);
  CHECK(shown({start, message(call(0, "call_other", "write", arguments))}) == want);
  // Nothing new.
  const std::string done = calls({call(0, "call_x1", "write", arguments)});
  CHECK(shown({done, message(call(-1, "call_other", "write", arguments))}) == want);
  CHECK(shown({done, message(call(-1, "call_x1", "write", "{\\\"a\\\":9}"))}) == want);
  // A call that did not come in pieces.
  CHECK(shown({done, message(call(-1, "call_x1", "write", arguments) + "," +
                             call(-1, "call_x2", "read", "{}"))}) ==
        Blocks{want[0], "tool_use:read:{}"});
}

TEST_CASE("section 5.3: refusals, images and citations of a whole message count once") {
  CHECK(shown({delta(R"("refusal":"I can")"), whole(R"("refusal":"I cannot")")}) ==
        Blocks{"text:I cannot"});
  const std::string image = R"("images":[{"type":"image_url"}])";
  CHECK(shown({delta(image), whole(image)}).size() == 1);
  ReplyContext context = make_context();
  context.web_search = true;
  const std::string cited =
      R"("annotations":[{"type":"url_citation","url":"http://a/","start_index":0,"end_index":2}])";
  const std::string input =
      frames({say("It is"), delta(cited), whole(R"("content":"It is",)" + cited)});
  const std::string sse = stream(context, input).sse;
  const std::size_t first = sse.find("citations_delta");
  REQUIRE(first != std::string::npos);
  CHECK(sse.find("citations_delta", sse.find("\n\n", first)) == std::string::npos);
}
