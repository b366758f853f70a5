// Properties that hold for every reply: the grammar, no dependence on how reads are cut, and one
// content for streams and plain answers. Fed with streams in the shape each server sends, and
// with made-up ones.
#include <doctest/doctest.h>

#include "../../support/reply_gen.h"
#include "../../support/reply_property.h"

using namespace clasp::test;
using clasp::translate::ReplyContext;

namespace {

std::vector<StreamFile> fixtures() {
  return stream_files("streams");
}

// Fixtures are called DIALECT or DIALECT-CASE, broken ones error_… or cut_…
ReplyContext context_of(const std::string& name) {
  std::string row = name.substr(0, name.find('-'));
  for (const std::string prefix : {"error_", "cut_"})
    if (row.starts_with(prefix)) row.erase(0, prefix.size());
  ReplyContext context = make_context(row);
  static const clasp::translate::Dialect text_tools = [] {
    clasp::translate::Dialect on = dialect("lmstudio");
    on.parse_text_tools = true;
    return on;
  }();
  if (name.ends_with("-text_tools")) context.dialect = &text_tools;
  context.web_search = name.ends_with("-citations");
  return context;
}

// A name in pieces may be begun too early on a stream, and how a signature is split may differ.
void settle(std::size_t, json_t* block) {
  if (json_object_get(block, "signature") != nullptr)
    json_object_set_new(block, "signature", json_null());
  const std::string name = json_text(json_object_get(block, "name"));
  if (name == "re" || name == "ad") json_object_set_new(block, "name", json_string("read"));
}

// Cuts at pseudo-random places.
Outcome stream_at_random(ReplyContext context, const std::string& input, std::uint64_t seed) {
  std::string sse;
  clasp::wire::SseEventWriter writer(sse);
  Outcome out = run_with(std::move(context), writer, [&](clasp::translate::Reply& reply) {
    for (std::size_t at = 0; at < input.size();) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      const std::size_t size = std::min<std::size_t>(1 + (seed >> 40) % 700, input.size() - at);
      const std::string piece = input.substr(at, size);
      reply.feed_stream(piece);
      at += size;
    }
    reply.finish_stream();
  });
  out.sse = std::move(sse);
  return out;
}

ReplyContext made_context(std::uint64_t seed) {
  constexpr const char* kNames[] = {"openai",   "openrouter", "ollama",  "vllm",
                                    "deepseek", "gemini",     "mistral", "xai"};
  return seeded(seed % 6 == 0 ? context_of("lmstudio-text_tools") : make_context(kNames[seed % 8]),
                seed);
}

}  // namespace

TEST_CASE("streams of every server: split at every byte, and cut at random") {
  const auto list = fixtures();
  REQUIRE(list.size() >= 30);
  for (const StreamFile& fixture : list) {
    CAPTURE(fixture.name);
    const ReplyContext context = context_of(fixture.name);
    const Outcome whole = split_everywhere(context, fixture.text);
    CHECK(whole.failed() == is_broken(fixture.name));
    for (std::uint64_t seed = 1; seed <= 50; ++seed)
      CHECK(stream_at_random(context, fixture.text, seed).sse == whole.sse);
  }
}

TEST_CASE("streams of every server: no cut ever looks like success") {
  for (const StreamFile& fixture : fixtures()) {
    CAPTURE(fixture.name);
    // Where the first finish_reason is complete, a normal end is allowed.
    std::size_t finish = fixture.text.size();
    for (const char* reason : {"\"stop\"", "\"tool_calls\"", "\"function_call\"", "[DONE]"})
      finish = std::min(finish, fixture.text.find(std::string("\"finish_reason\":") + reason));
    for (std::size_t at = 0; at < std::min(finish, fixture.text.find("[DONE]")); at += 7) {
      const Outcome out = stream(context_of(fixture.name), fixture.text.substr(0, at));
      if (!out.failed()) FAIL_CHECK("cut at ", at);
      CHECK(problem_of(out) == "");
    }
  }
}

TEST_CASE("vector 128: a stream and a plain answer have the same content") {
  for (const StreamFile& fixture : fixtures()) {
    CAPTURE(fixture.name);
    const ReplyContext context = context_of(fixture.name);
    const Outcome streamed = stream(context, fixture.text);
    const Outcome whole = collect(context, fixture.text);
    CHECK(streamed.state == whole.state);
    if (!streamed.done()) continue;
    Grammar grammar;
    CHECK(grammar.check_complete(streamed.sse) == "");
    const Json message = parse_json(whole.sse);
    for_each_block(const_cast<json_t*>(grammar.message()), settle);
    for_each_block(message.get(), settle);
    CHECK(essence(const_cast<json_t*>(grammar.message())) == essence(message.get()));
  }
}

TEST_CASE("streams of every server: the blocks that come of them") {
  using Blocks = std::vector<std::string>;
  const auto blocks = [](const std::string& name) {
    return blocks_of("streams", name, context_of);
  };
  CHECK(blocks("openrouter-late_details") ==
        Blocks{"thinking:Look first", "text:Reading.",
               "thinking:", "tool_use:read:{\"path\":\"/tmp\"}", "tool_use"});
  CHECK(blocks("generic-function_call") ==
        Blocks{"tool_use:get_weather:{\"city\": \"Paris\"}", "tool_use"});
  CHECK(blocks("generic-two_choices") == Blocks{"text:I will read it.", "tool_use:read:{\"a\":1}",
                                                "tool_use:write:{\"b\":2}", "tool_use"});
  CHECK(blocks("generic-citations") == Blocks{"text:Water is wet [1]. Ice too [2].",
                                              "server_tool_use", "web_search_tool_result",
                                              "end_turn"});
  CHECK(blocks("lmstudio-qwen_thinking") ==
        Blocks{"thinking:The user says hi.\n", "text:Hello \xF0\x9F\x91\x8B", "end_turn"});
  CHECK(blocks("vllm-qwen_thinking") ==
        Blocks{"thinking:Thinking.", "text:\n\nDone: yes", "tool_use:read:{\"x\": 1}", "tool_use"});
  CHECK(blocks("generic-kimi_ids") == Blocks{"thinking:Two files.", "tool_use:read:{\"p\":\"a\"}",
                                             "tool_use:read:{\"p\":\"b\"}", "tool_use"});
  CHECK(blocks("lmstudio-text_tools") == Blocks{"thinking:read it\n", "text:Reading <b> now.\n",
                                                "tool_use:read:{\"path\": \"/tmp\"}",
                                                "tool_use:write:{\"path\":\"/tmp/x\"}",
                                                "tool_use"});
  CHECK(blocks("xai-whole_calls") == Blocks{"thinking:Hm", "text:Ok.", "tool_use:read:{\"a\":1}",
                                            "tool_use:write:{\"b\":[1,2]}", "tool_use"});
}

TEST_CASE("made-up replies: grammar, splits, same content") {
  int done = 0;
  for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
    CAPTURE(seed);
    const std::string input = ReplyMaker(random_bytes(seed, 20 + seed % 60)).make() +
                              (seed % 2 ? frames({finish(seed % 4 == 1 ? "stop" : "length")}) : "");
    const ReplyContext context = made_context(seed);
    const auto cut = [&] { return stream_at_random(context, input, seed); };
    done += same_as_plain(context, input, cut, settle);
  }
  CHECK(done > 1000);
}
