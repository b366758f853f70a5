#include "core/exchange/record.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <map>

#include "core/exchange/record_fields.h"

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

TEST_CASE("record: whose tokens count as used") {
  exchange::Record record;
  CHECK(exchange::used_tokens(record));
  record.cache = exchange::CacheUse::coalesced;
  CHECK_FALSE(exchange::used_tokens(record));
  record.cache = exchange::CacheUse::miss;
  for (const auto outcome : {exchange::Outcome::failed, exchange::Outcome::client_left}) {
    exchange::Record broken;
    broken.outcome = outcome;
    CHECK_FALSE(exchange::used_tokens(broken));
    broken.input_tokens = 7;
    CHECK(exchange::used_tokens(broken));
    broken.tokens_estimated = true;
    CHECK_FALSE(exchange::used_tokens(broken));
    broken.first_content_us = 0;
    CHECK(exchange::used_tokens(broken));
  }
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

TEST_CASE(
    "record: who it was, what it cost, the cache and the trace, when there is something to say") {
  exchange::Record record;
  record.request_id = "req_5";
  record.client_name = "alice";
  record.cost = 14'200'000;
  record.cache = exchange::CacheUse::coalesced;
  record.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  const std::string line = exchange::render_record(record);
  CHECK(line.starts_with("req_5 key=alice status=-"));
  CHECK(line.find(" cost=0.0142 ") != std::string::npos);
  CHECK(line.find(" cache=coalesced ") != std::string::npos);
  CHECK(line.ends_with(" trace=4bf92f3577b34da6a3ce929d0e0e4736"));
  for (const char* field : {"key=", "cost=", "cache=", "trace="})
    CHECK(exchange::render_record({}).find(field) == std::string::npos);
}

TEST_CASE("record: names of any length and any characters stay a field of one line") {
  exchange::Record record;
  record.model_asked = std::string(100'000, 'm');
  record.model_used = "a\x1b[2J\u2028b\xFF";
  const std::string line = exchange::render_record(record);
  CHECK(line.size() < 1500);
  CHECK(line.find(std::string(1024, 'm') + "...\" used=\"a [2J b\uFFFD\"") != std::string::npos);
}

TEST_CASE("record fields: everything that is known, as text") {
  exchange::Record record;
  record.request_id = "req_6";
  record.model_asked = std::string(10'000, 'm');
  record.error = "bad\xFF";
  record.cost = 5'000'000;
  const exchange::RecordFields fields(record);
  std::map<std::string_view, std::string_view> got;
  for (const auto& [name, value] : fields.views()) got[name] = value;
  CHECK(got["CLASP_REQUEST_ID"] == "req_6");
  CHECK(got["CLASP_MODEL"].size() == 4096);
  CHECK(got["CLASP_ERROR"] == "bad\uFFFD");
  CHECK(got["CLASP_COST_USD"] == "0.005");
  CHECK(got["CLASP_CACHE"] == "off");
  CHECK(got["CLASP_STATUS"] == "0");
  CHECK(got["CLASP_STREAM"] == "no");
  CHECK(got.count("CLASP_TRACE_ID") == 0);
  CHECK(got.count("CLASP_FIRST_USEC") == 0);
}

TEST_CASE("refusals: one line too") {
  const exchange::Refusal refusal{"req_7", "1.2.3.4:5", "bob", "GET", "/a b\n", 401, "no \"key\""};
  CHECK(exchange::render_refusal(refusal) ==
        "req_7 client=1.2.3.4:5 key=bob method=GET path=\"/a b \" status=401 outcome=refused "
        "error=\"no \\\"key\\\"\"");
}
