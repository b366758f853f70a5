// What tests of properties do with replies of either API: recorded and made-up streams, and the
// comparison of a stream with a plain answer.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "reply_kit.h"

namespace clasp::test {

struct StreamFile {
  std::string name, text;
};
// tests/fixtures lies above the folder the tests are started from, or in it.
inline std::vector<StreamFile> stream_files(const char* kind) {
  std::vector<StreamFile> list;
  std::filesystem::path folder = std::filesystem::path("tests/fixtures") / kind;
  for (int up = 0; up < 4 && !std::filesystem::exists(folder); ++up) folder = ".." / folder;
  if (!std::filesystem::exists(folder)) return list;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".sse") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    list.push_back({entry.path().stem(), out.str()});
  }
  return list;
}

inline bool is_broken(const std::string& name) {
  return name.starts_with("error_") || name.starts_with("cut_");
}

inline std::string problem_of(const Outcome& out) {
  Grammar grammar;
  return out.done() ? grammar.check_complete(out.sse) : grammar.check(out.sse);
}

// The blocks that come of the stream of that name, and the stop reason.
template <class ContextOf>
std::vector<std::string> blocks_of(const char* kind, const std::string& name,
                                   ContextOf context_of) {
  for (const StreamFile& file : stream_files(kind)) {
    if (file.name != name) continue;
    Grammar grammar;
    const Outcome out = stream(context_of(name), file.text);
    CHECK(grammar.check_complete(out.sse) == "");
    std::vector<std::string> list = grammar.blocks();
    list.push_back(out.stop_reason);
    return list;
  }
  return {"missing"};
}

inline std::string random_bytes(std::uint64_t seed, std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < size; ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    out.push_back(static_cast<char>(seed >> 56));
  }
  return out;
}

// A little of everything that changes how a reply is shown.
inline translate::ReplyContext seeded(translate::ReplyContext context, std::uint64_t seed) {
  context.single_tool_call = seed % 11 == 0;
  context.web_search = seed % 7 == 0;
  context.thinking_omitted = seed % 5 == 0;
  context.thinking_disabled = seed % 13 == 0;
  if (seed % 3 == 0) context.stop_sequences = context.local_stops = {"STOP"};
  return context;
}

// What a stream and a plain answer must agree in. Generated ids depend on when a block is begun.
inline std::string essence(json_t* message) {
  std::size_t i = 0;
  json_t* block = nullptr;
  json_array_foreach(json_object_get(message, "content"), i, block) {
    for (const char* key : {"id", "tool_use_id"})
      if (json_object_get(block, key) != nullptr)
        json_object_set_new(block, key, json_string("id"));
  }
  std::string out;
  for (const char* key : {"content", "stop_reason", "stop_sequence", "stop_details"})
    out += dump_json(json_object_get(message, key)) + "\n";
  for (const char* key : {"input_tokens", "output_tokens", "cache_read_input_tokens"})
    out += dump_json(json_object_get(json_object_get(message, "usage"), key)) + " ";
  return out;
}

template <class F>
void for_each_block(json_t* message, F f) {
  std::size_t i = 0;
  json_t* block = nullptr;
  json_array_foreach(json_object_get(message, "content"), i, block) f(i, block);
}

// Whole and in two pieces, cut at every byte: the client must see the same.
inline Outcome split_everywhere(const translate::ReplyContext& context, const std::string& text) {
  const Outcome whole = stream(context, text);
  CHECK(problem_of(whole) == "");
  CHECK(stream(context, text, 1).sse == whole.sse);
  for (std::size_t at = 1; at < text.size(); ++at) {
    const std::string first = text.substr(0, at), second = text.substr(at);
    std::string sse;
    wire::SseEventWriter writer(sse);
    run_with(context, writer, [&](translate::Converter& reply) {
      reply.feed_stream(first);
      reply.feed_stream(second);
      reply.finish_stream();
    });
    if (sse != whole.sse) FAIL_CHECK("split at ", at);
  }
  return whole;
}

// A made-up stream: `cut` cuts it in its own way; `settle` makes blocks comparable. True when the
// reply came to its end.
template <class Cut, class Settle>
bool same_as_plain(const translate::ReplyContext& context, const std::string& input, Cut cut,
                   Settle settle) {
  const Outcome streamed = stream(context, input);
  CAPTURE(input);
  CAPTURE(streamed.sse);
  CHECK(problem_of(streamed) == "");
  CHECK(cut().sse == streamed.sse);
  const Outcome whole = collect(context, input);
  if (!streamed.done()) return false;
  CAPTURE(whole.error.message);
  REQUIRE(whole.done());
  Grammar grammar;
  grammar.check_complete(streamed.sse);
  const Json message = parse_json(whole.sse);
  REQUIRE(message);
  auto* shown = const_cast<json_t*>(grammar.message());
  // Input that the cap cut off: the plain answer has the part that is whole.
  for_each_block(shown, [&](std::size_t i, json_t* block) {
    if (!json_is_null(json_object_get(block, "input"))) return;
    const json_t* other = json_array_get(json_object_get(message.get(), "content"), i);
    json_object_set(block, "input", json_object_get(other, "input"));
  });
  for_each_block(shown, settle);
  for_each_block(message.get(), settle);
  // What a filter hid in the plain answer may have been on the wire already.
  if (streamed.stop_reason != "refusal") CHECK(essence(shown) == essence(message.get()));
  return true;
}

}  // namespace clasp::test
