// Properties that hold for every reply: the grammar, no dependence on how reads are cut, and one
// content for streams and plain answers. Fed with streams in the shape each server sends, and
// with made-up ones.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "../../support/reply_gen.h"

using namespace clasp::test;
using clasp::translate::ReplyContext;

namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

struct Fixture {
  std::string name, text;
};
// tests/fixtures lies above the folder the tests are started from, or in it.
std::vector<Fixture> fixtures() {
  std::vector<Fixture> list;
  std::filesystem::path folder = "tests/fixtures/streams";
  for (int up = 0; up < 4 && !std::filesystem::exists(folder); ++up) folder = ".." / folder;
  if (!std::filesystem::exists(folder)) return list;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".sse")
      list.push_back({entry.path().stem(), read_file(entry.path())});
  return list;
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

// What a stream and a plain answer must agree in. Generated ids depend on when a block is begun,
// and a name in pieces may be begun too early on a stream.
std::string essence(json_t* message) {
  std::size_t i = 0;
  json_t* block = nullptr;
  json_array_foreach(json_object_get(message, "content"), i, block) {
    if (json_object_get(block, "id") != nullptr)
      json_object_set_new(block, "id", json_string("id"));
    if (json_object_get(block, "tool_use_id") != nullptr)
      json_object_set_new(block, "tool_use_id", json_string("id"));
    if (json_object_get(block, "signature") != nullptr)
      json_object_set_new(block, "signature", json_null());
    const std::string name = json_text(json_object_get(block, "name"));
    if (name == "re" || name == "ad") json_object_set_new(block, "name", json_string("read"));
  }
  std::string out;
  for (const char* key : {"content", "stop_reason", "stop_sequence", "stop_details"})
    out += dump_json(json_object_get(message, key)) + "\n";
  for (const char* key : {"input_tokens", "output_tokens", "cache_read_input_tokens"})
    out += dump_json(json_object_get(json_object_get(message, "usage"), key)) + " ";
  return out;
}

std::string problem_of(const Outcome& out) {
  Grammar grammar;
  return out.done() ? grammar.check_complete(out.sse) : grammar.check(out.sse);
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

std::string random_bytes(std::uint64_t seed, std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < size; ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    out.push_back(static_cast<char>(seed >> 56));
  }
  return out;
}

ReplyContext made_context(std::uint64_t seed) {
  constexpr const char* kNames[] = {"openai",   "openrouter", "ollama",  "vllm",
                                    "deepseek", "gemini",     "mistral", "xai"};
  ReplyContext context =
      seed % 6 == 0 ? context_of("lmstudio-text_tools") : make_context(kNames[seed % 8]);
  context.single_tool_call = seed % 11 == 0;
  context.web_search = seed % 7 == 0;
  context.thinking_omitted = seed % 5 == 0;
  context.thinking_disabled = seed % 13 == 0;
  if (seed % 3 == 0) context.stop_sequences = context.local_stops = {"STOP"};
  return context;
}

}  // namespace

TEST_CASE("streams of every server: split at every byte, and cut at random") {
  const auto list = fixtures();
  REQUIRE(list.size() >= 30);
  for (const Fixture& fixture : list) {
    CAPTURE(fixture.name);
    const ReplyContext context = context_of(fixture.name);
    const Outcome whole = stream(context, fixture.text);
    CHECK(problem_of(whole) == "");
    const bool broken = fixture.name.rfind("error_", 0) == 0 || fixture.name.rfind("cut_", 0) == 0;
    CHECK(whole.failed() == broken);
    CHECK(stream(context, fixture.text, 1).sse == whole.sse);
    for (std::size_t at = 1; at < fixture.text.size(); ++at) {
      const std::string first = fixture.text.substr(0, at), second = fixture.text.substr(at);
      std::string sse;
      clasp::wire::SseEventWriter writer(sse);
      run_with(context, writer, [&](clasp::translate::Reply& reply) {
        reply.feed_stream(first);
        reply.feed_stream(second);
        reply.finish_stream();
      });
      if (sse != whole.sse) FAIL_CHECK("split at ", at);
    }
    for (std::uint64_t seed = 1; seed <= 50; ++seed)
      CHECK(stream_at_random(context, fixture.text, seed).sse == whole.sse);
  }
}

TEST_CASE("streams of every server: no cut ever looks like success") {
  for (const Fixture& fixture : fixtures()) {
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
  for (const Fixture& fixture : fixtures()) {
    CAPTURE(fixture.name);
    const ReplyContext context = context_of(fixture.name);
    const Outcome streamed = stream(context, fixture.text);
    const Outcome whole = collect(context, fixture.text);
    CHECK(streamed.state == whole.state);
    if (!streamed.done()) continue;
    Grammar grammar;
    CHECK(grammar.check_complete(streamed.sse) == "");
    CHECK(essence(const_cast<json_t*>(grammar.message())) == essence(parse_json(whole.sse).get()));
  }
}

TEST_CASE("streams of every server: the blocks that come of them") {
  using Blocks = std::vector<std::string>;
  const auto blocks = [](const std::string& name) {
    for (const Fixture& fixture : fixtures()) {
      if (fixture.name != name) continue;
      Grammar grammar;
      const Outcome out = stream(context_of(name), fixture.text);
      CHECK(problem_of(out) == "");
      grammar.check(out.sse);
      Blocks list = grammar.blocks();
      list.push_back(out.stop_reason);
      return list;
    }
    return Blocks{"missing"};
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
    const Outcome streamed = stream(context, input);
    CAPTURE(input);
    CAPTURE(streamed.sse);
    CHECK(problem_of(streamed) == "");
    CHECK(stream_at_random(context, input, seed).sse == streamed.sse);
    const Outcome whole = collect(context, input);
    if (!streamed.done()) continue;
    ++done;
    CAPTURE(whole.error.message);
    REQUIRE(whole.done());
    Grammar grammar;
    grammar.check_complete(streamed.sse);
    const Json message = parse_json(whole.sse);
    REQUIRE(message);
    const json_t* content = json_object_get(grammar.message(), "content");
    std::size_t i = 0;
    json_t* block = nullptr;
    json_array_foreach(content, i, block)
        // Input that the cap cut off: the plain answer has the part that is whole.
        if (json_is_null(json_object_get(block, "input"))) {
      const json_t* other = json_array_get(json_object_get(message.get(), "content"), i);
      json_object_set(block, "input", json_object_get(other, "input"));
    }
    // What a filter hid in the plain answer may have been on the wire already.
    if (streamed.stop_reason != "refusal")
      CHECK(essence(const_cast<json_t*>(grammar.message())) == essence(message.get()));
  }
  CHECK(done > 1000);
}
