// Calls that models write into their text (flag parse_text_tools, translation spec §4.3.5).
#include "core/translate/text_tools.h"

#include <doctest/doctest.h>

#include "../../support/reply_kit.h"

using namespace clasp::test;
using clasp::translate::Dialect;
using clasp::translate::ReplyContext;
using clasp::translate::TextTools;
using Shown = std::vector<std::string>;

namespace {

ReplyContext with_tools() {
  ReplyContext context = make_context("lmstudio");
  context.tools["write"].schema =
      R"({"type":"object","properties":{"path":{"type":"string"},"lines":{"type":"integer"},)"
      R"("body":{"type":"string"}}})";
  return context;
}

// "text" and "name(arguments)", in order; the same for every way to cut the text.
Shown read(const std::string& text) {
  const ReplyContext context = with_tools();
  const auto run = [&](std::size_t step) {
    TextTools reader(context);
    std::vector<TextTools::Item> items;
    for (std::size_t at = 0; at < text.size(); at += step)
      reader.feed(std::string_view(text).substr(at, step), items);
    reader.finish(items);
    Shown shown;
    for (const TextTools::Item& item : items) {
      if (item.is_call())
        shown.push_back(item.name + "(" + item.text + ")");
      else if (!shown.empty() && shown.back().ends_with('|'))
        shown.back().insert(shown.back().size() - 1, item.text);
      else
        shown.push_back(item.text + "|");
    }
    return shown;
  };
  const Shown whole = run(text.size() + 1);
  for (std::size_t step = 1; step < text.size(); ++step) CHECK(run(step) == whole);
  return whole;
}

}  // namespace

TEST_CASE("section 4.3, parse_text_tools: the form of Hermes and Qwen") {
  CHECK(read("So:\n<tool_call>\n{\"name\": \"read\", \"arguments\": {\"a\": 1}}\n</tool_call>\n") ==
        Shown{"So:\n|", "read({\"a\": 1})", "\n|"});
  CHECK(read("<tool_call>{\"name\":\"read\",\"arguments\":\"{\\\"a\\\":2}\"}</tool_call>"
             "<tool_call>{\"name\":\"write\"}</tool_call>") ==
        Shown{"read({\"a\":2})", "write({})"});
  // The model stopped in front of the closing tag.
  CHECK(read("<tool_call>{\"name\":\"read\",\"arguments\":{}}") == Shown{"read({})"});
}

TEST_CASE("section 4.3, parse_text_tools: the form of Qwen's coders, typed by the schema") {
  CHECK(read("<tool_call>\n<function=write>\n<parameter=path>\n/a b\n</parameter>\n"
             "<parameter=lines>\n3\n</parameter>\n<parameter=body>\n{\"x\":1}\nend\n</parameter>\n"
             "</function>\n</tool_call>") ==
        Shown{"write({\"path\":\"/a b\",\"lines\":3,\"body\":\"{\\\"x\\\":1}\\nend\"})"});
  // Some leave the outer opening tag away but write its end.
  CHECK(read("<function=write><parameter=body>{\"x\":1}</parameter></function></tool_call>") ==
        Shown{"write({\"body\":\"{\\\"x\\\":1}\"})"});
}

TEST_CASE("section 4.3, parse_text_tools: Grok's form") {
  CHECK(read("<xai:function_call name=\"write\"><parameter name=\"lines\">3</parameter>"
             "</xai:function_call>ok") == Shown{"write({\"lines\":3})", "ok|"});
  CHECK(read("<xai:function_call name=\"read\">{\"a\":1}</xai:function_call>") ==
        Shown{"read({\"a\":1})"});
}

TEST_CASE("section 4.3, parse_text_tools: what is no call of a declared tool stays text") {
  for (const char* text :
       {"<tool_call>{\"name\":\"unknown\",\"arguments\":{}}</tool_call>", "a < b <tool",
        "<tool_call>", "<tool_call>{\"name\":\"read\",\"arguments\":{\"a\":</tool_call> tail",
        "</tool_call>", "<tool_call>not json</tool_call>",
        "<function=nope><parameter=a>1</parameter></function>",
        "<xai:function_call>{}</xai:function_call>", "<function=read>text</function>"}) {
    CAPTURE(text);
    CHECK(read(text) == Shown{std::string(text) + "|"});
  }
}

TEST_CASE("section 4.3, parse_text_tools: a block without end is given up, in linear time") {
  std::string text;
  for (int i = 0; i < 300'000; ++i) text += "<tool_call>";
  const ReplyContext context = with_tools();
  TextTools reader(context);
  std::vector<TextTools::Item> items;
  reader.feed(text, items);
  REQUIRE(items.size() == 1);
  CHECK(items[0].text == text);
  std::string blocks;
  for (int i = 0; i < 100'000; ++i) blocks += "<function=x></function>";
  TextTools other(context);
  items.clear();
  other.feed(blocks, items);
  CHECK(items.at(0).text == blocks);
}

TEST_CASE("section 4.3, parse_text_tools: tool_use blocks when on, never when off") {
  const std::string text =
      "<tool_call>{\\\"name\\\":\\\"read\\\",\\\"arguments\\\":{}}</tool_call>";
  const std::string input = frames(
      {think("T"), say("Now "), say(text.substr(0, 9)), say(text.substr(9)), finish("stop")});
  ReplyContext context = with_tools();
  const Outcome off = stream(context, input);
  CHECK(off.stop_reason == "end_turn");
  Dialect on = *context.dialect;
  on.parse_text_tools = true;
  context.dialect = &on;
  const Outcome whole = stream(context, input);
  Grammar grammar;
  CHECK(grammar.check_complete(whole.sse) == "");
  CHECK(whole.stop_reason == "tool_use");
  CHECK(whole.notes == Shown{"tool call written as text"});
  CHECK(grammar.blocks() == Shown{"thinking:T", "text:Now ", "tool_use:read:{}"});
  for (std::size_t step = 1; step < 40; ++step)
    CHECK(stream(context, input, step).sse == whole.sse);
  context.single_tool_call = true;
  CHECK(collect(context, input).stop_reason == "tool_use");
}
