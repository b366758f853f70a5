// How a test of backends looks on a terminal.
#include "ctl/render_test.h"

#include <doctest/doctest.h>

#include "base/text.h"

using namespace clasp;

namespace {

std::string show(std::string_view json, bool colour = false) {
  const auto root = ctl::parse_json(json);
  REQUIRE(root);
  ctl::Look look;
  look.colour = colour;
  return ctl::render_test(root.get(), look);
}

constexpr const char* kGood =
    R"({"passed":true,"backends":[{"backend":"one","base_url":"https://a.example/v1","dialect":"openai",
    "flags":{"top_k":"yes"},"model":"gpt","admin":"disabled","breaker":"open","passed":true,"tests":[
    {"mode":"stream","passed":true,"total_ms":12400,"first_content_ms":88.4,"calls":2,"steps":[
    {"name":"resolve","ok":true,"time_ms":0.4,"host":"a.example","addresses":["192.0.2.1","192.0.2.2"]},
    {"name":"connect","ok":true,"time_ms":12,"address":"192.0.2.1:443"},
    {"name":"tls","ok":true,"time_ms":31.2,"version":"TLSv1.3","cipher":"TLS_AES_128_GCM_SHA256",
     "certificate":"a.example","issuer":"CA","expires":"2027-01-01","expires_days":33},
    {"name":"http","ok":true,"time_ms":1100,"status":200,"path":"/v1/x"},{"name":"answer","ok":true,"time_ms":11250}],
    "stop_reason":"end_turn","input_tokens":12,"output_tokens":3,"text":"ready\u001b[31m","text_bytes":9,
    "cost_usd":"0.00001","repairs":"max_completion_tokens"}]}]})";

}  // namespace

TEST_CASE("a test that passed") {
  CHECK(show(kGood) ==
        "one: gpt at https://a.example/v1, dialect openai, top_k=yes\n"
        " is disabled: requests do not go there; claspctl backends enable one\n"
        " its breaker is open: requests do not go there; claspctl breakers reset one\n"
        " as a stream, 12.4s, first words after 88ms, 2 calls (the last one is shown)\n"
        "  ok    resolve  0.4ms a.example: 192.0.2.1, 192.0.2.2\n"
        "  ok    connect   12ms 192.0.2.1:443\n"
        "  ok    tls       31ms TLSv1.3, TLS_AES_128_GCM_SHA256; certificate of a.example\n"
        "                       by CA, until 2027-01-01 (33 days)\n"
        "  ok    http    1100ms status 200 of /v1/x\n"
        "  ok    answer   11.2s end_turn, 12 tokens in, 3 out, $0.00001: ready?[31m\n"
        "  repairs: max_completion_tokens\n"
        "\n"
        "it works\n");
  CHECK(show(kGood, true).find("\x1b[32mok  \x1b[0m") != std::string::npos);
}

TEST_CASE("one that failed shows cause and remedy, within the width of a terminal") {
  const std::string out = show(
      R"({"passed":false,"backends":[{"backend":"one","dialect":"generic","model":"m","passed":false,
      "tests":[{"mode":"plain","passed":false,"total_ms":3,"steps":[{"name":"http","ok":false,
      "time_ms":3,"status":401,
      "cause":"Incorrect API key provided, which is a rather long sentence about it",
      "remedy":"the backend does not take this key; it comes from clasp.conf:4"}]}]},
      {"backend":"two","dialect":"generic","model":"m","passed":false,"problem":"unknown flag",
      "tests":[]}]})");
  CHECK(out.find("  FAIL  http     3.0ms status 401: Incorrect API key") != std::string::npos);
  CHECK(out.find("\n                       > the backend does not take") != std::string::npos);
  CHECK(out.find("  FAIL  unknown flag\n") != std::string::npos);
  CHECK(out.ends_with("\n2 of 2 failed\n"));
  for (const std::string_view line : split(out, '\n')) CHECK(line.size() <= 80);
}

TEST_CASE("an answer that lacks everything is shown all the same") {
  CHECK(show("{}") == "all 0 backends work\n");
  CHECK(show(R"({"backends":[{},{"tests":[{},{"steps":[{},7]}]}]})").ends_with("2 of 2 failed\n"));
}
