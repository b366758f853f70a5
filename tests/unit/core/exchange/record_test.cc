#include "core/exchange/record.h"

#include <doctest/doctest.h>

#include <cstdio>

using namespace clasp;

TEST_CASE("record: one line, quoted where needed") {
  exchange::Record record;
  record.request_id = "req_1";
  record.client = "127.0.0.1:5";
  record.model_asked = "claude x";
  record.model_used = "gpt-4o";
  record.backend = "openai";
  record.status = 200;
  record.stream = true;
  record.stop_reason = "end_turn";
  record.input_tokens = 12;
  record.output_tokens = 3;
  record.first_byte_us = 1500;
  record.total_us = 20250;
  CHECK(exchange::render_record(record) ==
        "req_1 client=127.0.0.1:5 model=\"claude x\" used=gpt-4o backend=openai status=200 "
        "outcome=completed stream=yes stop=end_turn in=12 out=3 first=1.5ms total=20.2ms");
  CHECK(exchange::record_level(record) == LogLevel::info);
}

TEST_CASE("sections 4.3 and 4.4: what was tolerated stands in the line") {
  exchange::Record record;
  record.request_id = "req_4";
  record.tolerated = "unknown finish_reason, tool_calls without a call";
  CHECK(exchange::render_record(record).find(
            " tolerated=\"unknown finish_reason, tool_calls without a call\"") !=
        std::string::npos);
}

TEST_CASE("record: times have one decimal, rounded") {
  exchange::Record record;
  for (const std::int64_t us : {0, 49, 51, 99, 149, 250, 750, 999, 999'951, 1'234'567'890}) {
    record.total_us = us;
    char wanted[40];
    std::snprintf(wanted, sizeof wanted, " total=%.1fms", static_cast<double>(us) / 1000);
    const std::string line = exchange::render_record(record);
    CHECK(line.substr(line.find(" total=")) == wanted);
  }
}

TEST_CASE("record: text from outside cannot forge a line") {
  exchange::Record record;
  record.request_id = "req_2";
  record.outcome = exchange::Outcome::failed;
  record.error = "bad\nreq_3 status=200 \"x\"";
  const std::string line = exchange::render_record(record);
  CHECK(line.find('\n') == std::string::npos);
  CHECK(line.find("error=\"bad req_3 status=200 \\\"x\\\"\"") != std::string::npos);
  CHECK(exchange::record_level(record) == LogLevel::warn);
}
