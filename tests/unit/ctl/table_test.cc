// Tables, and how wide text is.
#include "ctl/table.h"

#include <doctest/doctest.h>

#include "base/text.h"
#include "ctl/ctl.h"
#include "ctl/render.h"
#include "ctl/width.h"

using namespace clasp;
using namespace clasp::ctl;

TEST_CASE("characters take one column, those of East Asia two, marks none") {
  CHECK(width_of("abc") == 3);
  CHECK(width_of("J\u00f6rg") == 4);
  CHECK(width_of("深層") == 4);
  CHECK(width_of("ｗ한글") == 6);
  CHECK(width_of("e\u0301") == 1);
  CHECK(width_of("🤖") == 2);
  CHECK(width_of("\xff\xe4\xbd") == 3);
  CHECK(width_of("") == 0);
}

TEST_CASE("a text that is too wide is cut between characters") {
  CHECK(fit("abcdef", 6) == "abcdef");
  CHECK(fit("abcdef", 5) == "abcd…");
  CHECK(fit("深層模型", 8) == "深層模型");
  CHECK(fit("深層模型", 7) == "深層模…");
  CHECK(fit("深層模型", 6) == "深層…");
  CHECK(fit("深", 1) == "…");
  CHECK(fit("abc", 0).empty());
  for (std::size_t columns = 1; columns < 12; ++columns)
    CHECK(width_of(pad("a深層e\u0301模型", columns)) == columns);
  CHECK(pad("ab", 4, true) == "  ab");
}

TEST_CASE("a text in lines, between words") {
  CHECK(wrap("   -> one two three", 0, 6) == "   -> one two three");
  CHECK(wrap("   -> one two three", 13, 6) == "   -> one two\n      three");
  CHECK(wrap("   -> one two three", 3, 2) == "   ->\n  one\n  two\n  three");
  CHECK(wrap("", 3, 2).empty());
  CHECK(wrap("a   ", 3, 2) == "a   ");
}

TEST_CASE("a table gets narrow: cells are cut first, then columns go, the least important first") {
  Table table({"ID", {"MODEL", {.drop = 1, .shrink = 6}}, {"SENT", {.drop = 2}}});
  table.add({"req_1", "a-long-name", "1.5 KB"});
  CHECK(table.render(0) == "ID     MODEL        SENT\nreq_1  a-long-name  1.5 KB\n");
  CHECK(table.render(24) == "ID     MODEL      SENT\nreq_1  a-long-n…  1.5 KB\n");
  CHECK(table.render(21) == "ID     MODEL   SENT\nreq_1  a-lon…  1.5 KB\n");
  CHECK(table.render(20) == "ID     MODEL\nreq_1  a-long-name\n");
  CHECK(table.render(9) == "ID\nreq_1\n");
  CHECK(table.render(4) == "ID\nreq…\n");
}

TEST_CASE("every table of claspctl fits 80 columns of a terminal, and is whole in a pipe") {
  const std::string model = "anthropic/claude-sonnet-4-5-20250929-thinking-深層模型";
  const std::string long_name = "a-backend-with-a-really-long-name-of-its-own";
  const std::string one =
      R"({"id":"req_01AbCdEfGhIjKlMnOpQrStUv","client":"[2001:db8:85a3::8a2e:370:7334]:50412","model":")" +
      model + R"(","model_used":"x","backend":")" + long_name +
      R"(","phase":"answering","stream":true,"age_ms":61000,"bytes_out":204800})";
  const std::string backend =
      R"({"name":")" + long_name +
      R"(","provider":"openrouter","admin":"enabled","state":"degraded","circuit_breaker":{"state":"half_open"},"in_flight":100,"max_concurrency":1000,"attempts":123456,"failures":{"connect":12345},"latency_ms":12345,"first_content_ms":1234})";
  struct Case {
    const char* words;
    std::string body, whole;
  };
  const Case cases[] = {
      {"exchanges", R"({"exchanges":[)" + one + "]}", model},
      {"backends", R"({"backends":[)" + backend + "]}", "openrouter"},
      {"status", R"({"version":"1","state":"degraded","backends":[)" + backend + "]}",
       "openrouter"},
      {"breakers",
       R"({"enabled":true,"breakers":[{"backend":")" + long_name +
           R"(","state":"half_open","times_opened":1234567,"failures":1234567,"failures_in_row":1234,"last_cause":"a cause with many words in it","retry_after_ms":29000}]})",
       "many words in it"},
      {"queue",
       R"({"enabled":true,"tickets":[{"id":"12345678","client":"2001:db8:85a3::8a2e:370:7334","backends":[")" +
           long_name + "\",\"" + long_name +
           R"("],"waited_ms":12345,"left_ms":12345,"returns":3}]})",
       long_name + ", " + long_name},
      {"config show",
       R"({"settings":[{"name":"[backend )" + long_name +
           R"(] base_url","value":"https://a-host-with-a-long-name.example.com/v1","place":"/etc/clasp/conf.d/a-file-with-a-name.conf:123"}]})",
       "a-file-with-a-name.conf:123"},
      {"costs",
       R"({"total_cost_usd":1,"by_model":{")" + model +
           R"(":{"cost_usd":12345.6789,"requests":1234567,"input_tokens":1234567890,"output_tokens":1234567890,"cached_tokens":1234567890,"unpriced_requests":12345}},"budgets":{"a-client-with-a-really-long-name":{"monthly":{"budget_usd":12345.5,"spent_usd":12345.5,"left_usd":12345.5,"renewed_at":"2026-12-01T00:00:00Z"}}}})",
       model},
      {"keys",
       R"({"required":true,"clients":[{"name":"a-client-with-a-really-long-name","keys":2,"certificate":"CN=somebody with a long name","expires":"2027-06-30T00:00:00Z","models":["claude-haiku-*","claude-sonnet-*","gpt-*"]}]})",
       "claude-haiku-*, claude-sonnet-*, gpt-*"},
      {"limits",
       R"({"limits":[{"kind":"address","name":"2001:0db8:85a3:0000:0000:8a2e:0370:7334/64","requests_limit":1000000,"requests_left":1000000,"tokens_per_minute":100000000,"tokens_left":100000000,"running":100,"max_concurrency":1000}]})",
       "0370:7334/64"},
  };
  for (const Case& one_case : cases) {
    std::size_t used = 0;
    const auto parts = split(one_case.words, ' ');
    const control::Command* command =
        control::find_command(std::vector<std::string>(parts.begin(), parts.end()), used);
    REQUIRE(command != nullptr);
    const std::string whole = render(*command, one_case.body, {});
    CHECK_MESSAGE(whole.find(one_case.whole) != std::string::npos, whole);
    for (const std::size_t width : {80u, 60u, 200u}) {
      const std::string text = render(*command, one_case.body, {false, width});
      if (width == 60 && !text.starts_with("ID")) continue;
      for (const std::string_view line : split(text, '\n'))
        CHECK_MESSAGE(width_of(line) <= width, text);
    }
  }
}
