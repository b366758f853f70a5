// The flat index over events and documents of the Responses API.
#include <doctest/doctest.h>

#include <string>

#include "core/wire/openai_responses.h"

using namespace clasp::wire;
using Type = ResponsesEventType;
using Item = ResponsesItemType;

namespace {

// `json` is copied in with nothing behind it, so that reading too far is seen by the sanitizer.
bool parse(ResponsesParser& parser, const std::string& json, std::string_view name = "") {
  return parser.parse_event(json, 0, name);
}

}  // namespace

TEST_CASE("an event's type comes from its data, else from its name") {
  ResponsesParser parser;
  REQUIRE(parse(parser, R"({"type":"response.output_text.delta","delta":"a\"b"})", "error"));
  CHECK(parser.event().type == Type::text_delta);
  CHECK(parser.event().delta.raw == R"(a\"b)");
  REQUIRE(parse(parser, R"({"delta":"x"})", "response.refusal.delta"));
  CHECK(parser.event().type == Type::refusal_delta);
  CHECK(parser.event().output_index == -1);
  REQUIRE(parse(parser, R"({"type":"response.new"})"));
  CHECK(parser.event().type == Type::other);
}

TEST_CASE("members are found in any order, the kind of an item behind its content too") {
  ResponsesParser parser;
  const std::string json =
      R"({"item":{"content":[{"annotations":[{"url":"u","end_index":2,"start_index":0,)"
      R"("title":"t","type":"url_citation"},{"type":"file_path"}],"text":"Hi","type":"output_text"},)"
      R"({"refusal":"No","type":"refusal"}],"phase":"commentary","id":"m","type":"message"},)"
      R"("sequence_number":7,"output_index":3,"type":"response.output_item.done"})";
  REQUIRE(parse(parser, json));
  const ResponsesEvent& event = parser.event();
  CHECK(event.type == Type::item_done);
  CHECK(event.sequence == 7);
  CHECK(event.output_index == 3);
  REQUIRE(event.has_item);
  CHECK(event.item.type == Item::message);
  CHECK(event.item.phase.raw == "commentary");
  REQUIRE(event.item.content.end - event.item.content.first == 2);
  const ResponsesPart& text = event.parts[event.item.content.first];
  CHECK(text.text.raw == "Hi");
  CHECK(text.annotations.end - text.annotations.first == 1);
  CHECK(event.annotations[text.annotations.first].end == 2);
  CHECK(event.parts[event.item.content.first + 1].refusal);
}

TEST_CASE("a Response: what it repeats of the request is passed over") {
  ResponsesParser parser;
  const std::string json =
      R"({"id":"resp_1","object":"response","status":"incomplete","error":null,)"
      R"("incomplete_details":{"reason":"max_output_tokens"},"instructions":"status",)"
      R"("tools":[{"type":"function","name":"n","parameters":{"output":[1]}}],"output":[)"
      R"({"type":"reasoning","id":"rs","summary":[{"type":"summary_text","text":"S"}],)"
      R"("encrypted_content":"E"},{"type":"function_call","call_id":"c","name":"n",)"
      R"("arguments":{"a":1}},{"type":"web_search_call","action":{"type":"search",)"
      R"("queries":["q"],"sources":[{"type":"url","url":"u"},{"type":"api"}]}},)"
      R"({"type":"shell_call"},{"type":"new"},5],"tool_usage":{"web_search":{"num_requests":2}},)"
      R"("usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4},"output_tokens":3}})";
  REQUIRE(parser.parse_response(json, 0));
  const ResponsesEvent& found = parser.event();
  CHECK(found.status.raw == "incomplete");
  CHECK(found.incomplete_reason.raw == "max_output_tokens");
  CHECK(found.error_json.empty());
  CHECK(found.usage.prompt == 9);
  CHECK(found.usage.cached == 4);
  CHECK(found.usage.web_searches == 2);
  REQUIRE(found.output.size() == 5);
  CHECK(found.output[0].encrypted_content.raw == "E");
  CHECK(found.parts[found.output[0].summary.first].text.raw == "S");
  CHECK(found.output[1].arguments_json == R"({"a":1})");
  CHECK(found.output[2].query.raw == "q");
  CHECK(found.output[2].sources.end - found.output[2].sources.first == 1);
  CHECK(found.output[3].type == Item::unasked);
  CHECK(found.output[4].type == Item::unknown);
  // Nothing of it is left for the next one.
  REQUIRE(parser.parse_response("{}", 0));
  CHECK(parser.event().output.empty());
  CHECK(!parser.event().has_output);
}

TEST_CASE("what is no event") {
  ResponsesParser parser;
  for (const char* json : {"", "[]", "1", "{", R"({"type":"error")", R"({"a":1} x)", "nonsense"})
    CHECK(!parse(parser, json));
  for (const char* json : {R"({"type":5,"item":7,"part":[],"response":"x","delta":null})",
                           R"({"item":{"content":{"a":1},"summary":"x","action":[]}})", "{}"})
    CHECK(parse(parser, json));
  // A character that was cut in two is replaced.
  REQUIRE(parse(parser, "{\"type\":\"response.output_text.delta\",\"delta\":\"a\xC3\"}"));
  CHECK(parser.event().delta.raw == "a\xEF\xBF\xBD");
}
