// The answer of a backend that speaks the Messages API itself.
#include "core/translate/relay.h"

#include <doctest/doctest.h>

#include "core/wire/openai_chat.h"

using namespace clasp;
using translate::Relay;
using translate::RelayContext;
using State = translate::Converter::State;

namespace {

std::string event(std::string_view name, std::string_view more = "") {
  return "event: " + std::string(name) + "\ndata: {\"type\":\"" + std::string(name) + "\"" +
         std::string(more) + "}\n\n";
}

const std::string kStart = event(
    "message_start",
    R"(,"message":{"id":"msg_1","usage":{"input_tokens":9,"cache_read_input_tokens":5,"cache_creation_input_tokens":2,"output_tokens":1}})");
const std::string kBlock =
    event("content_block_start", R"(,"index":0,"content_block":{"type":"text","text":""})");
const std::string kText =
    event("content_block_delta",
          R"(,"index":0,"delta":{"type":"text_delta","text":"h\u00e9 \ud83d\ude00"})");
const std::string kDelta =
    event("message_delta",
          R"(,"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7,"input_tokens":null})");
const std::string kStop = event("message_stop");
const std::string kPing = event("ping");
const std::string kAll =
    kStart + kPing + kBlock + kText + event("content_block_stop", ",\"index\":0") + kDelta + kStop;
const std::string kOverloaded =
    "event: error\ndata: "
    "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"},"
    "\"request_id\":\"req_up\"}\n\n";

}  // namespace

TEST_CASE("a stream comes out as it went in, however it is split") {
  for (std::string stream : {kAll, std::string("\xEF\xBB\xBF: hello\r\n\r\n") + kAll}) {
    for (const char* end : {"\n", "\r\n", "\r"}) {
      std::string bytes;
      for (const char c : stream)
        if (c == '\n')
          bytes.append(end);
        else if (c != '\r')
          bytes.push_back(c);
      for (std::size_t step = 1; step < bytes.size(); step += step < 9 ? 1 : 37) {
        std::string out;
        Relay relay({}, out);
        for (std::size_t at = 0; at < bytes.size() && relay.state() == State::running; at += step)
          relay.feed_stream(std::string_view(bytes).substr(at, step));
        CAPTURE(step);
        CHECK(relay.state() == State::done);
        CHECK(out == bytes.substr(0, out.size()));
        // A line end of CR and LF may be cut between the two at the very end.
        CHECK(out.size() + 1 >= bytes.size());
      }
    }
  }
}

TEST_CASE("only whole events come out, all of one read together") {
  std::string out;
  Relay relay({}, out);
  relay.feed_stream(kStart + kBlock + kText + "event: content_block_delta\ndata: {\"ty");
  CHECK(out == kStart + kBlock + kText);
  relay.feed_stream("pe\":1}\n");
  CHECK(out == kStart + kBlock + kText);
  relay.feed_stream("\n" + kDelta);
  CHECK(out ==
        kStart + kBlock + kText + "event: content_block_delta\ndata: {\"type\":1}\n\n" + kDelta);
}

TEST_CASE("counts that nobody believes are bounded") {
  std::string out;
  Relay relay({}, out);
  relay.feed_stream(
      "event: message_start\ndata: "
      "{\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"usage\":{"
      "\"input_tokens\":9223372036854775807,\"cache_read_input_tokens\":9223372036854775807,"
      "\"output_tokens\":9223372036854775807}}}\n\n");
  CHECK(relay.usage().input_tokens == wire::kMostTokens);
  CHECK(relay.usage().cache_read == wire::kMostTokens);
  CHECK(relay.usage().output_tokens == wire::kMostTokens);
}

TEST_CASE("what was counted and why it stopped") {
  std::string out;
  Relay relay({}, out);
  relay.feed_stream(kAll);
  CHECK(relay.usage().input_tokens == 9);
  CHECK(relay.usage().cache_read == 5);
  CHECK(relay.usage().cache_write == 2);
  CHECK(relay.usage().output_tokens == 7);
  CHECK_FALSE(relay.usage().estimated);
  CHECK(relay.stop_reason() == "end_turn");
  RelayContext context;
  context.input_estimate = 33;
  Relay silent(context, out);
  CHECK(silent.usage().input_tokens == 33);
  CHECK(silent.usage().estimated);
  // Nobody counts what the backend has told.
  int counted = 0;
  context.input_estimate = clasp::translate::InputEstimate([&counted] { return ++counted; });
  Relay told(context, out);
  told.feed_stream(kAll);
  CHECK(told.usage().input_tokens == 9);
  CHECK(counted == 0);
}

TEST_CASE("tool calls of the client's are counted, in streams and documents") {
  const auto block = [](std::string_view type) {
    return event("content_block_start",
                 R"(,"index":0,"content_block":{"type":")" + std::string(type) + R"("})");
  };
  std::string out;
  Relay stream({}, out);
  stream.feed_stream(kStart + block("tool_use") + block("server_tool_use") + block("text") +
                     block("tool_use") + kDelta + kStop);
  CHECK(stream.state() == State::done);
  CHECK(stream.tool_calls() == 2);
  Relay document({.plain = true}, out);
  std::string body =
      R"({"type":"message","content":[{"type":"text","text":"tool_use"},{"type":"tool_use"}]})";
  document.feed_document(body);
  CHECK(document.tool_calls() == 1);
  for (const char* odd : {R"({"type":"message","content":"tool_use"})",
                          R"({"type":"message","content":[1,null,[{"type":"tool_use"}]]})"}) {
    Relay none({.plain = true}, out);
    body = odd;
    none.feed_document(body);
    CHECK(none.tool_calls() == 0);
  }
}

TEST_CASE("§5.2: nothing is shown before content, unless the stream is opened") {
  std::string out;
  Relay relay({}, out);
  relay.feed_stream(kStart + kPing);
  CHECK(out.empty());
  CHECK_FALSE(relay.opened());
  SUBCASE("content") {
    relay.feed_stream(kBlock);
    CHECK(out == kStart + kPing + kBlock);
    CHECK(relay.block_opened());
  }
  SUBCASE("grace") {
    relay.open();
    CHECK(out == kStart + kPing);
    CHECK_FALSE(relay.block_opened());
  }
  SUBCASE("error") {
    CHECK(relay.feed_stream(kOverloaded) == State::failed);
    CHECK(out.empty());
    CHECK(relay.error().status == 529);
  }
  CHECK(relay.opened() == !out.empty());
}

TEST_CASE("an open stream holds nothing back") {
  RelayContext context;
  context.committed = true;
  std::string out;
  Relay relay(context, out);
  CHECK_FALSE(relay.opened());
  relay.feed_stream(kPing + kStart);
  CHECK(out == kPing + kStart);
  CHECK(relay.opened());
}

TEST_CASE("§5.1: there is one message_start, whoever sent it") {
  RelayContext context;
  context.committed = context.already_open = true;
  std::string out;
  Relay later(context, out);
  CHECK(later.opened());
  later.feed_stream(kStart + kBlock);
  CHECK(out == kBlock);
  CHECK(later.usage().input_tokens == 9);
  out.clear();
  Relay twice({}, out);
  twice.feed_stream(kStart + kStart + kBlock + kStart);
  CHECK(out == kStart + kBlock);
}

TEST_CASE("§5.6: a stream that breaks off is never an end") {
  const std::string whole = kStart + kBlock + kText + kDelta;
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    std::string out;
    Relay relay({}, out);
    relay.feed_stream(whole.substr(0, size));
    CHECK(relay.finish_stream() == State::failed);
    CHECK(relay.error().type == wire::ErrorType::api);
    CHECK(relay.error().message == "stream ended prematurely");
    CHECK(out.find("message_stop") == std::string::npos);
    CHECK((out.empty() || out.ends_with("\n\n")));
  }
  std::string out;
  Relay unclosed({}, out);
  unclosed.feed_stream(kStart + kBlock + kDelta +
                       "event: message_stop\ndata: {\"type\":\"message_stop\"}");
  CHECK(unclosed.finish_stream() == State::done);
  CHECK(out.ends_with("data: {\"type\":\"message_stop\"}\n\n"));
  Relay cut({}, out);
  cut.feed_stream(kStart + kBlock + kDelta + "event: message_stop\ndata: {\"type\":\"mess");
  CHECK(cut.finish_stream() == State::failed);
}

TEST_CASE("nothing follows the end, and servers that name no events are understood") {
  std::string out;
  Relay relay({}, out);
  std::string nameless;
  for (const std::string& one : {kStart, kBlock, kDelta, kStop})
    nameless += one.substr(one.find("data:"));
  CHECK(relay.feed_stream(nameless + "data: [DONE]\n\n" + kText) == State::done);
  CHECK(out == nameless);
  CHECK(relay.usage().output_tokens == 7);
}

TEST_CASE("errors in a stream keep the backend's words, under our id") {
  std::string out;
  Relay late({}, out);
  late.feed_stream(kStart + kBlock + kOverloaded);
  CHECK(out == kStart + kBlock);
  CHECK(late.state() == State::failed);
  CHECK(late.error().type == wire::ErrorType::overloaded);
  std::string frame;
  wire::append_error_event(frame, late.error(), "req_ours");
  std::string expected = kOverloaded;
  expected.replace(expected.find("req_up"), 6, "req_ours");
  CHECK(frame == expected);
  Relay odd({}, out);
  odd.feed_stream("event: error\ndata: {\"error\":\"out of memory\"}\n\n");
  CHECK(odd.error().verbatim.empty());
  CHECK(odd.error().message.find("out of memory") != std::string::npos);
}

TEST_CASE("an event without end is not collected for ever") {
  std::string out;
  Relay relay({}, out);
  const std::string piece(1u << 20, 'x');
  relay.feed_stream("data: ");
  for (int i = 0; i < 40 && relay.state() == State::running; ++i) relay.feed_stream(piece);
  CHECK(relay.state() == State::failed);
}

TEST_CASE("documents") {
  RelayContext context;
  context.plain = true;
  std::string out;
  const std::string message =
      " {\"type\":\"message\",\"new\":1.50,\"content\":[],\"stop_reason\":\"tool_use\",\"usage\":{"
      "\"input_tokens\":3,\"output_tokens\":4}}\n";
  const auto feed = [&](RelayContext how, std::string body) {
    out.clear();
    Relay relay(how, out);
    relay.feed_document(body);
    if (relay.state() == State::done) {
      CHECK(relay.usage().output_tokens == 4);
      CHECK(relay.stop_reason() == "tool_use");
      return 200;
    }
    return relay.error().status;
  };
  CHECK(feed(context, message) == 200);
  CHECK(out == message);
  CHECK(feed(context, R"({"type":"error","error":{"type":"rate_limit_error","message":"slow"}})") ==
        429);
  for (const char* body :
       {"", "null", "[]", "{\"type\":\"message\"", "{\"choices\":[]}", "<html>", "event: ping\n\n"})
    CHECK(feed(context, body) == 502);
  CHECK(feed({}, message) == 502);
  Relay streamed(context, out);
  CHECK(streamed.feed_stream(kAll) == State::failed);
}

TEST_CASE("statuses and bodies of refusals are the backend's, under our id") {
  const char* body =
      "{\n \"type\": \"error\",\n \"error\": {\"type\": \"new_error\", \"message\": \"no\"}\n}";
  for (const int status : {400, 401, 403, 404, 413, 429, 500, 503, 529}) {
    const auto error = translate::relay_backend_error(status, {}, body);
    CHECK(error.status == status);
    CHECK(
        wire::render_error_body(error, "req_ours") ==
        R"({"type":"error","error":{"type": "new_error", "message": "no"},"request_id":"req_ours"})");
  }
  std::string frame;
  wire::append_error_event(frame, translate::relay_backend_error(500, {}, body), "req_ours");
  CHECK(frame ==
        "event: error\ndata: "
        "{\"type\":\"error\",\"error\":{\"type\":\"new_error\",\"message\":\"no\"},"
        "\"request_id\":\"req_ours\"}\n\n");
  // What clients cannot read, and what they must not follow, is told in our words.
  for (const char* other :
       {"<html>Bad gateway</html>", "", R"({"detail":"no"})", R"({"error":{"message":"no"}})"}) {
    CHECK(translate::relay_backend_error(502, {}, other).verbatim.empty());
    CHECK(translate::relay_backend_error(502, {}, other).status == 502);
  }
  CHECK(translate::relay_backend_error(307, {}, body).verbatim.empty());
  CHECK(translate::relay_backend_error(307, {}, body).status == 502);
  const auto leaky = translate::relay_backend_error(
      401, {},
      R"({"type":"error","error":{"type":"authentication_error","message":"bad key sk-ant-api03-abcdefghijkl"}})");
  CHECK(leaky.verbatim.find("abcdefgh") == std::string::npos);
}

TEST_CASE("§6.3: other servers' words for a full context become those that clients know") {
  const auto error = [](const char* message) {
    return translate::relay_backend_error(
        400, {},
        std::string(R"({"type":"error","error":{"type":"BadRequestError","message":")") + message +
            "\"}}");
  };
  const auto vllm = error(
      "This model's maximum context length is 8192 tokens. However, your request has 9000 input "
      "tokens.");
  CHECK(vllm.verbatim.empty());
  CHECK(vllm.message.starts_with("prompt is too long: 9000 tokens"));
  for (const char* own :
       {"prompt is too long: 213410 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000"})
    CHECK(error(own).verbatim.find(own) != std::string::npos);
}

TEST_CASE("§6.6: the backend's headers that the client gets") {
  const wire::Headers from{{"Retry-After", "7200"},
                           {"retry-after-ms", "1500"},
                           {"x-should-retry", "true"},
                           {"anthropic-ratelimit-unified-5h-status", "allowed"},
                           {"Anthropic-RateLimit-Requests-Remaining", "3"},
                           {"request-id", "req_up"},
                           {"set-cookie", "a=b"},
                           {"cf-ray", "1"},
                           {"anthropic-organization-id", "o"},
                           {"content-encoding", "gzip"}};
  const wire::Headers to = translate::relay_backend_headers(from);
  CHECK(std::distance(to.begin(), to.end()) == 6);
  CHECK(to.get("retry-after") == "7200");
  CHECK(to.get("retry-after-ms") == "1500");
  CHECK(to.get("x-should-retry") == "true");
  CHECK(to.get("anthropic-ratelimit-unified-5h-status") == "allowed");
  CHECK(to.get("anthropic-ratelimit-requests-remaining") == "3");
  CHECK(to.get("x-clasp-upstream-request-id") == "req_up");
}
