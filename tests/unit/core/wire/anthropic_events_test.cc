// The two receivers of a message's events: SSE frames and the plain Message.
#include "core/wire/anthropic_events.h"

#include <doctest/doctest.h>

#include "../../support/grammar.h"
#include "core/wire/api_error.h"

using namespace clasp;
using clasp::test::dump_json;
using clasp::test::Grammar;
using clasp::test::parse_json;

namespace {

void play(wire::EventSink& sink, bool beta = false) {
  wire::MessageStart start;
  start.id = "msg_1";
  start.model = "m";
  start.beta = beta;
  start.usage.input_tokens = 5;
  sink.message_start(start);
  sink.thinking_start(0);
  sink.thinking_delta(0, "r\\n");
  sink.signature_delta(0, "sig");
  sink.block_stop(0);
  sink.text_start(1);
  sink.text_delta(1, "a\\\"b");
  sink.text_delta(1, "\xC3\xA9");
  sink.citation_delta(1, "{\"url\":\"u\"}");
  sink.citation_delta(1, "{\"url\":\"v\"}");
  sink.block_stop(1);
  sink.tool_start(2, "toolu_1", "left_click", "computer");
  sink.input_delta(2, "{\"x\":\"");
  sink.input_delta(2, "\\n\"}");
  sink.block_stop(2);
  sink.tool_start(3, "toolu_2", "read", "");
  sink.block_stop(3);
  wire::MessageEnd end;
  end.stop_reason = "stop_sequence";
  end.stop_sequence = "\"";
  end.has_stop_sequence = true;
  end.beta = beta;
  end.usage.input_tokens = 7;
  end.usage.output_tokens = 8;
  end.usage.thinking_tokens = 3;
  end.usage.web_search_requests = 2;
  sink.message_end(end);
}

}  // namespace

TEST_CASE("events: the stream and the Message are the same message") {
  for (const bool beta : {false, true}) {
    std::string sse;
    wire::SseEventWriter writer(sse);
    play(writer, beta);
    Grammar grammar;
    CHECK(grammar.check_complete(sse) == "");
    wire::MessageCollector collector;
    play(collector, beta);
    const auto message = parse_json(collector.body());
    REQUIRE(message);
    CHECK(dump_json(json_object_get(message.get(), "content")) ==
          dump_json(json_object_get(grammar.message(), "content")));
    CHECK(dump_json(json_object_get(message.get(), "stop_sequence")) == "\"\\\"\"");
    CHECK((json_object_get(message.get(), "context_management") != nullptr) == beta);
    CHECK((sse.find("\"context_management\":null}\n\n") != std::string::npos) == beta);
    CHECK((sse.find("\"estimated_tokens\":null") != std::string::npos) == beta);
    const json_t* usage = json_object_get(message.get(), "usage");
    CHECK(dump_json(json_object_get(usage, "server_tool_use")) ==
          "{\"web_fetch_requests\":0,\"web_search_requests\":2}");
    CHECK(dump_json(json_object_get(usage, "output_tokens_details")) == "{\"thinking_tokens\":3}");
    CHECK(dump_json(json_object_get(usage, "inference_geo")) == "null");
  }
}

TEST_CASE("events: block starts carry every member clients read") {
  std::string sse;
  wire::SseEventWriter writer(sse);
  play(writer);
  for (const char* part :
       {"{\"type\":\"text\",\"text\":\"\",\"citations\":null}",
        "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}",
        "{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"left_click\",\"input\":{},\"caller\":"
        "{\"type\":\"direct\"},\"toolset_name\":\"computer\"}",
        "{\"type\":\"tool_use\",\"id\":\"toolu_2\",\"name\":\"read\",\"input\":{},\"caller\":{"
        "\"type\":"
        "\"direct\"}}"})
    CHECK(sse.find(part) != std::string::npos);
}

TEST_CASE("errors: body and event") {
  wire::ApiError error = wire::make_error(wire::ErrorType::overloaded, "busy \"now\"\n\xFF");
  CHECK(error.status == 529);
  CHECK(wire::render_error_body(error, "req_1") ==
        "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy "
        "\\\"now\\\"\\n\xEF\xBF\xBD\"},\"request_id\":\"req_1\"}");
  error.details_code = "thread_not_found";
  CHECK(wire::render_error_body(error, "r")
            .find("\"details\":{\"error_code\":\"thread_not_found\"}") != std::string::npos);
  std::string sse;
  wire::append_error_event(sse, error, "req_1");
  Grammar grammar;
  CHECK(grammar.check(sse) == "");
  CHECK(grammar.failed());
}

TEST_CASE("errors: every type has its name and status") {
  using wire::ErrorType;
  CHECK(wire::render_error_type(ErrorType::invalid_request) == "invalid_request_error");
  CHECK(wire::render_error_type(ErrorType::request_too_large) == "request_too_large");
  CHECK(wire::render_error_type(ErrorType::api) == "api_error");
  CHECK(wire::status_of(ErrorType::billing) == 402);
  CHECK(wire::status_of(ErrorType::timeout) == 504);
  CHECK(wire::status_of(ErrorType::rate_limit) == 429);
}
