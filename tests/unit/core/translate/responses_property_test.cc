// Properties that hold for every reply of the Responses API: the grammar, no dependence on how
// reads are cut, one content for streams and plain answers. Fed with streams of the documented
// shape and of servers that deviate from it, and with made-up ones.
#include <doctest/doctest.h>

#include <algorithm>

#include "../../support/reply_property.h"
#include "../../support/responses_kit.h"

using namespace clasp::test;
using clasp::translate::ReplyContext;
using Blocks = std::vector<std::string>;

namespace {

ReplyContext context_of(const std::string& name) {
  ReplyContext context = responses_context(name.find("vllm") == 0 ? "vllm" : "openai");
  context.web_search = name.ends_with("-search");
  context.mcp = name.ends_with("-mcp");
  return context;
}

// The Response that the last event carries.
std::string final_response(const std::string& stream) {
  for (const char* name :
       {"event: response.completed\ndata: ", "event: response.incomplete\ndata: "}) {
    const std::size_t at = stream.rfind(name);
    if (at == std::string::npos) continue;
    const std::size_t from = at + std::string(name).size();
    const Json event = parse_json(stream.substr(from, stream.find('\n', from) - from));
    return dump_json(json_object_get(event.get(), "response"), 0);
  }
  return {};
}

ReplyContext made_context(std::uint64_t seed) {
  constexpr const char* kNames[] = {"openai", "azure", "vllm", "ollama"};
  ReplyContext context = seeded(responses_context(kNames[seed % 4]), seed);
  context.mcp = seed % 2 == 0;
  context.keep_states = seed % 4 == 0;
  return context;
}

std::vector<StreamFile> responses_files() {
  return stream_files("responses");
}

}  // namespace

TEST_CASE("Responses streams: split at every byte") {
  const auto list = responses_files();
  REQUIRE(list.size() >= 20);
  for (const StreamFile& file : list) {
    CAPTURE(file.name);
    const ReplyContext context = context_of(file.name);
    const Outcome whole = split_everywhere(context, file.text);
    CHECK(whole.failed() == is_broken(file.name));
    for (std::size_t step : {2, 3, 7, 31, 100, 997})
      CHECK(stream(context, file.text, step).sse == whole.sse);
  }
}

TEST_CASE("Responses streams: no cut ever looks like success") {
  for (const StreamFile& file : responses_files()) {
    CAPTURE(file.name);
    const std::size_t end = std::min({file.text.find("\"response.completed\""),
                                      file.text.find("\"response.incomplete\""), file.text.size()});
    for (std::size_t at = 0; at < end; at += 7) {
      const Outcome out = stream(context_of(file.name), file.text.substr(0, at));
      if (!out.failed()) FAIL_CHECK("cut at ", at);
      CHECK(problem_of(out) == "");
    }
  }
}

TEST_CASE("vector 128 for Responses: a stream and a plain answer have the same content") {
  for (const StreamFile& file : responses_files()) {
    CAPTURE(file.name);
    const ReplyContext context = context_of(file.name);
    const Outcome streamed = stream(context, file.text);
    const Outcome collected = collect(context, file.text);
    CHECK(streamed.state == collected.state);
    if (!streamed.done()) continue;
    Grammar grammar;
    CHECK(grammar.check_complete(streamed.sse) == "");
    const std::string wanted = essence(const_cast<json_t*>(grammar.message()));
    // Input that the cap cut stays cut on a stream only; citations cut the text of whole answers.
    if (file.name == "openai-length" || file.name == "openai-search") continue;
    CHECK(wanted == essence(parse_json(collected.sse).get()));
    const std::string document = final_response(file.text);
    if (document.empty()) continue;  // a stream without event lines
    const Outcome whole = plain(context, document);
    REQUIRE(whole.done());
    CHECK(wanted == essence(parse_json(whole.sse).get()));
  }
}

TEST_CASE("Responses streams: the blocks that come of them") {
  const auto blocks = [](const std::string& name) {
    return blocks_of("responses", name, context_of);
  };
  const Blocks four = {"thinking:Hm", "text:Answer.", "tool_use:read:{\"a\":1}",
                       "tool_use:write:{\"b\":1}", "tool_use"};
  CHECK(blocks("openai-index_0") == four);
  CHECK(blocks("openai-no_done") == four);
  CHECK(blocks("openai-no_added") == four);
  CHECK(blocks("openai-twice") == four);
  CHECK(blocks("openai-changing_ids") ==
        Blocks{"thinking:Hm", "text:Answer.", "tool_use:read:{}", "tool_use"});
  CHECK(blocks("openai-text") == Blocks{"text:Hello, w\xC3\xB6rld \xF0\x9F\x91\x8B!", "end_turn"});
  CHECK(blocks("openai-interleaved") == Blocks{"thinking:Think",
                                               "tool_use:read:{\"a\":{\"b\":[1,2]}}",
                                               "tool_use:write:{\"b\":\"xyz\"}", "tool_use"});
  CHECK(blocks("openai-only_completed") ==
        Blocks{"thinking:A\n\nB", "text:Text \xC3\xA9.", "tool_use:read:{\"p\":1}", "tool_use"});
  CHECK(blocks("openai-search") == Blocks{"thinking:", "server_tool_use", "web_search_tool_result",
                                          "text:It rains [1]. Bring a coat.", "end_turn"});
  CHECK(blocks("openai-two_parts") == Blocks{"text:Two parts: one.", "text:And two.", "end_turn"});
  CHECK(blocks("openai-length") ==
        Blocks{"thinking:Long", "tool_use:write:{\"text\":\"half a sen", "max_tokens"});
  CHECK(blocks("openai-filter") == Blocks{"text:Some text", "refusal"});
  CHECK(blocks("openai-refusal") == Blocks{"text:I cannot help with that.", "refusal"});
  CHECK(blocks("openai-mcp") == Blocks{"mcp_tool_use", "mcp_tool_result", "mcp_tool_use",
                                       "mcp_tool_result", "text:Found.", "end_turn"});
  CHECK(blocks("openai-items") ==
        Blocks{"tool_use:write:{\"input\":\"*** Begin\\nline \\\"two\\\"\\n\\ttab \\\\ \xC3\xA9\"}",
               "text:[image generated by the model, not transferable]", "thinking:", "tool_use"});
  CHECK(blocks("vllm-raw") == Blocks{"thinking:We need to call.",
                                     "tool_use:get_weather:{\"city\":\"Oslo\"}", "tool_use"});
}

TEST_CASE("made-up Responses replies: grammar, splits, same content") {
  int done = 0;
  for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
    CAPTURE(seed);
    const std::string input =
        ResponsesMaker(random_bytes(seed, 20 + seed % 120)).make() +
        (seed % 2 ? terminal(seed % 4 == 1 ? "completed" : "incomplete") : "");
    const ReplyContext context = made_context(seed);
    const auto cut = [&] { return stream(context, input, 1 + seed % 50); };
    done += same_as_plain(context, input, cut, [](std::size_t, json_t*) {});
  }
  CHECK(done > 400);
}
