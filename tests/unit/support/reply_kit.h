// Feeds replies to the translation and shows what comes out, for tests and fuzzers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/random.h"
#include "core/translate/reply.h"
#include "core/translate/responses_reply.h"
#include "grammar.h"

namespace clasp::test {

// The same numbers in every run.
class FixedRandom final : public Random {
 public:
  std::uint64_t next() override {
    return state_ = state_ * 6364136223846793005u + 1442695040888963407u;
  }

 private:
  std::uint64_t state_ = 42;
};

inline const translate::Dialect& dialect(std::string_view name) {
  const translate::Dialect* row = translate::find_dialect(name);
  return row != nullptr ? *row : *translate::find_dialect("openai");
}

inline translate::ReplyContext make_context(std::string_view dialect_name = "openai") {
  translate::ReplyContext context;
  context.dialect = &dialect(dialect_name);
  context.message_id = "msg_0123456789abcdefghijklmn";
  context.request_id = "req_0123456789abcdefghijklmn";
  context.requested_model = "claude-test";
  context.backend_model = "model-x";
  context.backend_hash = "0badcafe";
  context.max_tokens = 1000;
  context.input_estimate = 77;
  for (const char* name : {"read", "write", "get_weather"}) context.tools[name] = {name, ""};
  return context;
}

struct Outcome {
  translate::Reply::State state = translate::Reply::State::running;
  std::string sse;  // everything written
  wire::ApiError error;
  std::string stop_reason;
  translate::Usage usage;
  bool opened = false;
  bool cancel = false;
  std::vector<std::string> notes;
  translate::Reply::CallStates call_states;
  bool failed() const { return state == translate::Reply::State::failed; }
  bool done() const { return state == translate::Reply::State::done; }
};

inline Outcome outcome_of(const translate::Converter& reply) {
  Outcome out;
  out.state = reply.state();
  if (out.failed()) out.error = reply.error();
  out.stop_reason = reply.stop_reason();
  out.usage = reply.usage();
  out.opened = reply.opened();
  out.cancel = reply.wants_cancel();
  out.notes = reply.notes();
  out.call_states = reply.call_states();
  return out;
}

// The API is the context's; a `feed` that takes a Reply feeds Chat replies only.
template <class Sink, class F>
Outcome run_with(translate::ReplyContext context, Sink& sink, F feed) {
  static translate::ReplyParser parser;
  FixedRandom random;
  if constexpr (std::is_invocable_v<F, translate::ResponsesReply&>) {
    if (context.api == translate::Api::responses) {
      translate::ResponsesReply reply(std::move(context), parser, sink, random);
      feed(reply);
      return outcome_of(reply);
    }
  }
  translate::Reply reply(std::move(context), parser, sink, random);
  feed(reply);
  return outcome_of(reply);
}

// A stream in pieces of `step` bytes, 0: in one.
inline Outcome stream(translate::ReplyContext context, std::string_view input,
                      std::size_t step = 0) {
  std::string sse;
  wire::SseEventWriter writer(sse);
  Outcome out = run_with(std::move(context), writer, [&](translate::Converter& reply) {
    const std::size_t size = step == 0 ? input.size() : step;
    for (std::size_t at = 0; at < input.size(); at += size) {
      // A copy of its own, so that reading beyond the piece is seen by the sanitizer.
      const std::string piece(input.substr(at, size));
      reply.feed_stream(piece);
    }
    reply.finish_stream();
  });
  out.sse = std::move(sse);
  return out;
}

// A whole body on a plain call; `sse` is then the Message.
inline Outcome plain(translate::ReplyContext context, std::string body) {
  wire::MessageCollector collector;
  context.plain = true;
  Outcome out = run_with(std::move(context), collector,
                         [&](translate::Converter& reply) { reply.feed_document(body); });
  out.sse = collector.body();
  return out;
}

// A stream whose client wants one Message.
inline Outcome collect(translate::ReplyContext context, std::string_view input) {
  wire::MessageCollector collector;
  context.plain = true;
  Outcome out = run_with(std::move(context), collector, [&](translate::Converter& reply) {
    reply.feed_stream(input);
    reply.finish_stream();
  });
  out.sse = collector.body();
  return out;
}

// A JSON body on a stream call.
inline Outcome document(translate::ReplyContext context, std::string body) {
  std::string sse;
  wire::SseEventWriter writer(sse);
  Outcome out = run_with(std::move(context), writer,
                         [&](translate::Converter& reply) { reply.feed_document(body); });
  out.sse = std::move(sse);
  return out;
}

// SSE text of chunks: `data: …` frames and [DONE].
inline std::string frames(const std::vector<std::string>& chunks, bool done = true) {
  std::string out;
  for (const std::string& chunk : chunks) out.append("data: ").append(chunk).append("\n\n");
  if (done) out.append("data: [DONE]\n\n");
  return out;
}
inline std::string delta(const std::string& inside, const std::string& finish = "") {
  return "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,"
         "\"delta\":{" +
         inside +
         "},\"finish_reason\":" + (finish.empty() ? std::string("null") : "\"" + finish + "\"") +
         "}]}";
}
inline std::string say(const std::string& text) {
  return delta("\"content\":\"" + text + "\"");
}
inline std::string think(const std::string& text) {
  return delta("\"reasoning_content\":\"" + text + "\"");
}
inline std::string finish(const std::string& reason) {
  return delta("", reason);
}
// One entry of tool_calls; empty parts are left out, `arguments` is the raw inside of the string.
inline std::string call(int index, const std::string& id, const std::string& name,
                        const std::string& arguments) {
  std::string out = "{";
  const auto member = [&out](const std::string& text) {
    if (out.size() > 1) out.push_back(',');
    out.append(text);
  };
  if (index >= 0) member("\"index\":" + std::to_string(index));
  if (!id.empty()) member("\"id\":\"" + id + "\",\"type\":\"function\"");
  std::string function;
  if (!name.empty()) function = "\"name\":\"" + name + "\"";
  if (!arguments.empty())
    function += std::string(function.empty() ? "" : ",") + "\"arguments\":\"" + arguments + "\"";
  member("\"function\":{" + function + "}");
  return out + "}";
}
inline std::string calls(const std::vector<std::string>& entries) {
  std::string list;
  for (const std::string& entry : entries) list.append(list.empty() ? "" : ",").append(entry);
  return delta("\"tool_calls\":[" + list + "]");
}
inline std::string usage_chunk(int prompt = 10, int completion = 5) {
  return "{\"id\":\"chatcmpl-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":" +
         std::to_string(prompt) + ",\"completion_tokens\":" + std::to_string(completion) +
         ",\"total_tokens\":" + std::to_string(prompt + completion) + "}}";
}

}  // namespace clasp::test
