// Backend errors: the vectors of the translation spec about errors.
#include "core/translate/errors.h"

#include <doctest/doctest.h>

#include <string>

#include "base/calendar.h"
#include "base/text.h"
#include "core/translate/durations.h"
#include "core/translate/error_body.h"

using namespace clasp;
using translate::detect_output_limit;
using translate::detect_policy_refusal;
using wire::ApiError;
using wire::ErrorType;
using wire::Headers;

namespace {

ApiError translate_error(int status, const std::string& body, const Headers& headers = {}) {
  return translate::translate_backend_error(status, headers, body, 777);
}
std::string say(const std::string& message, const std::string& more = "") {
  return "{\"error\":{\"message\":\"" + message + "\"" + more + "}}";
}

}  // namespace

TEST_CASE("vector 129: the context window is exceeded") {
  const ApiError e = translate_error(
      400,
      say("This model's maximum context length is 8192 tokens. However, your messages resulted in "
          "9000 tokens. Please reduce the length of the messages.",
          ",\"type\":\"invalid_request_error\",\"code\":\"context_length_exceeded\""));
  CHECK(e.status == 400);
  CHECK(e.type == ErrorType::invalid_request);
  CHECK(e.message == "prompt is too long: 9000 tokens > 8192 maximum");
  CHECK(e.should_retry == false);
}

TEST_CASE("too long, in the words of many servers") {
  const auto message = [](const std::string& text, const std::string& more = "", int status = 400) {
    return translate_error(status, say(text, more)).message;
  };
  CHECK(
      message(
          "This model's maximum context length is 8,192 tokens, however you requested 9,000 tokens "
          "(8000 in your prompt; 1000 for the completion).") ==
      "prompt is too long: 9000 tokens > 8192 maximum");
  CHECK(message("The input token count (1200000) exceeds the maximum number of tokens allowed "
                "(1048576).") == "prompt is too long: 1200000 tokens > 1048576 maximum");
  CHECK(
      message(
          "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum "
          "context length") == "prompt is too long: 40000 tokens > 32768 maximum");
  CHECK(message("request (9000 tokens) exceeds the available context size (8192 tokens), try "
                "increasing it") == "prompt is too long: 9000 tokens > 8192 maximum");
  CHECK(
      message("the request exceeds the available context size. try increasing the context size",
              ",\"type\":\"exceed_context_size_error\",\"n_prompt_tokens\":5000,\"n_ctx\":4096") ==
      "prompt is too long: 5000 tokens > 4096 maximum");
  CHECK(
      message(
          "This model's maximum prompt length is 131072 but the request contains 140000 tokens.") ==
      "prompt is too long: 140000 tokens > 131072 maximum");
  CHECK(message("prompt is too long: 210000 tokens > 200000 maximum") ==
        "prompt is too long: 210000 tokens > 200000 maximum");
  CHECK(message(
            "The decoder prompt (length 9000) is longer than the maximum model length of 8192.") ==
        "prompt is too long: 9000 tokens > 8192 maximum");
  CHECK(message("input length exceeds maximum context length") ==
        "prompt is too long: 777 tokens > 776 maximum");
  CHECK(translate::translate_backend_error(400, {}, say("Input is too long for requested model."),
                                           777, 500)
            .message == "prompt is too long: 777 tokens > 500 maximum");
  CHECK(message("string too long",
                ",\"code\":\"string_above_max_length\",\"param\":\"messages[0].content\"") ==
        "prompt is too long: 777 tokens > 776 maximum");
}

TEST_CASE("a cap that is too large, or a long description, is not an overflow") {
  const std::string cap =
      "max_tokens is too large: 100000. This model supports at most 16384 completion "
      "tokens, whereas you provided 100000.";
  CHECK(translate_error(400, say(cap)).message == cap);
  const std::string vllm =
      "'max_tokens' or 'max_completion_tokens' is too large: 8000. This model's maximum context "
      "length is "
      "8192 tokens and your request has 1000 input tokens (8000 > 8192 - 1000).";
  CHECK(translate_error(400, say(vllm)).message == vllm);
  const std::string description = "Invalid 'tools[0].function.description': string too long.";
  CHECK(translate_error(400, say(description,
                                 ",\"code\":\"string_above_max_length\",\"param\":"
                                 "\"tools[0].function.description\""))
            .message == description);
}

TEST_CASE("section 6.3: context window and size alone are enough, a cap above them is not") {
  CHECK(translate_error(400, say("This prompt has 9000 tokens; the context window is 8192."))
            .message == "prompt is too long: 9000 tokens > 8192 maximum");
  CHECK(translate_error(400, say("context size 4096 reached")).message ==
        "prompt is too long: 4097 tokens > 4096 maximum");
  const std::string cap = "max_tokens (32000) is above the context window of 16384";
  CHECK(translate_error(400, say(cap)).message == cap);
}

TEST_CASE("vector 130: one request above the rate limit's size") {
  const std::string body =
      say("Request too large for model `x` on tokens per minute (TPM): Limit 30000, "
          "Requested 50000, please reduce your message size and try again.",
          ",\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"");
  for (const int status : {429, 413}) {
    const ApiError e = translate_error(status, body);
    CHECK(e.status == 400);
    CHECK(e.message == "prompt is too long: 50000 tokens > 30000 maximum");
  }
}

TEST_CASE("vector 131: quota is not a rate") {
  const ApiError e = translate_error(
      429, say("You exceeded your current quota", ",\"code\":\"insufficient_quota\""));
  CHECK(e.status == 402);
  CHECK(e.type == ErrorType::billing);
  CHECK(e.should_retry == false);
  CHECK(translate_error(429, say("x", ",\"code\":\"billing_hard_limit_reached\"")).status == 402);
  CHECK(translate_error(429, say("x", ",\"code\":\"team_spend_limit_exceeded\"")).status == 402);
  // A quota that comes back soon is a rate after all.
  CHECK(translate_error(429, say("Quota exceeded for metric. Please retry in 12s.")).status == 429);
  CHECK(translate_error(429, say("Quota exceeded for metric.")).status == 402);
}

TEST_CASE("vector 132: the wait is in the text") {
  const auto wait = [](const std::string& text, const Headers& headers = {}) {
    return translate_error(429, say(text), headers).retry_after;
  };
  CHECK(wait("Rate limit reached. Please try again in 6.5s.") == "7");
  CHECK(wait("Please try again in 6m0s.") == "360");
  CHECK(wait("Please try again in 120ms.") == "1");
  CHECK(wait("Please retry after 26 seconds.") == "26");
  CHECK(wait("Please try again in 3 hours") == "3600");
  CHECK(wait("Try again after 8 seconds") == "8");
  CHECK(wait("slow", {{"retry-after", "12"}}) == "12");
  // Section 6.6: fractions are rounded up, nonsense is left out.
  CHECK(wait("slow", {{"retry-after", "1.2"}}) == "2");
  CHECK(wait("slow", {{"retry-after", "soon"}}) == "");
  CHECK(wait("slow", {{"retry-after", "-1"}}) == "");
  CHECK(wait("slow", {{"retry-after-ms", "1500"}}) == "2");
  CHECK(wait("slow", {{"retry-after", "Wed, 21 Oct 2026 07:28:00 GMT"}}) ==
        "Wed, 21 Oct 2026 07:28:00 GMT");
  CHECK(wait("slow") == "");
  CHECK(translate_error(
            429, say("x", ",\"details\":[{\"@type\":\"RetryInfo\",\"retryDelay\":\"13.2s\"}]"))
            .retry_after == "14");
}

TEST_CASE("vector 133: the status table") {
  struct Row {
    int backend, client;
    ErrorType type;
    bool retry;
  };
  constexpr Row rows[] = {
      {400, 400, ErrorType::invalid_request, false},
      {405, 400, ErrorType::invalid_request, false},
      {422, 400, ErrorType::invalid_request, false},
      {431, 400, ErrorType::invalid_request, false},
      {401, 401, ErrorType::authentication, false},
      {402, 402, ErrorType::billing, false},
      {403, 403, ErrorType::permission, false},
      {404, 404, ErrorType::not_found, false},
      {410, 404, ErrorType::not_found, false},
      {408, 504, ErrorType::timeout, true},
      {504, 504, ErrorType::timeout, true},
      {524, 504, ErrorType::timeout, true},
      {409, 409, ErrorType::conflict, true},
      {413, 413, ErrorType::request_too_large, false},
      {424, 500, ErrorType::api, true},
      {425, 500, ErrorType::api, true},
      {449, 500, ErrorType::api, true},
      {429, 429, ErrorType::rate_limit, true},
      {498, 529, ErrorType::overloaded, true},
      {503, 529, ErrorType::overloaded, true},
      {529, 529, ErrorType::overloaded, true},
      {500, 500, ErrorType::api, true},
      {501, 500, ErrorType::api, false},
      {505, 500, ErrorType::api, false},
      {502, 502, ErrorType::api, true},
      {520, 502, ErrorType::api, true},
      {527, 502, ErrorType::api, true},
      {302, 502, ErrorType::api, false},
      {418, 400, ErrorType::invalid_request, false},
      {599, 500, ErrorType::api, true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.backend);
    const ApiError e = translate_error(row.backend, say("no"));
    CHECK(e.status == row.client);
    CHECK(e.type == row.type);
    CHECK(e.should_retry == row.retry);
  }
  const ApiError fastapi = translate_error(
      422, "{\"detail\":[{\"loc\":[\"body\",\"messages\",0],\"msg\":\"field required\"}]}");
  CHECK(fastapi.status == 400);
  CHECK(fastapi.message == "body.messages.0: field required");
  const ApiError html =
      translate_error(502,
                      "<html><head><title>t</title></head><body><h1>Bad</h1>\n<p>gateway"
                      "</p><script>x()</script></body></html>");
  CHECK(html.status == 502);
  CHECK(html.message == "Bad gateway");
  CHECK(translate_error(503, say("Loading model")).retry_after == "5");
  CHECK(translate_error(500, say("Engine overloaded")).status == 529);
  CHECK(translate_error(429, say("x", ",\"code\":\"slow_down\"")).status == 529);
  CHECK(translate_error(400, say("Failed to call a function", ",\"code\":\"tool_use_failed\""))
            .status == 500);
  CHECK(translate_error(500, "").message == "backend answered with status 500");
}

TEST_CASE("errors inside a 200 go by their code or name") {
  CHECK(translate_error(200, say("x", ",\"code\":503")).status == 529);
  CHECK(translate_error(200, say("x", ",\"code\":\"402\"")).status == 402);
  CHECK(translate_error(200, say("x", ",\"type\":\"rate_limit_error\"")).status == 429);
  CHECK(translate_error(200, say("x", ",\"status\":\"INVALID_ARGUMENT\"")).status == 400);
  CHECK(translate_error(200, say("x", ",\"type\":\"something\"")).status == 500);
  CHECK(translate_error(200, say("Provider overloaded", ",\"code\":502")).type ==
        ErrorType::overloaded);
  CHECK(translate_error(200, "{\"object\":\"error\",\"message\":\"m\",\"code\":400}").status ==
        400);
}

TEST_CASE("vector 134: a blocked prompt") {
  const std::string azure = say("The response was filtered",
                                ",\"code\":\"content_filter\",\"innererror\":"
                                "{\"code\":\"ResponsibleAIPolicyViolation\"}");
  const auto refusal = detect_policy_refusal(400, azure);
  REQUIRE(refusal.has_value());
  CHECK(refusal->stop_reason == "refusal");
  CHECK(refusal->refusal);
  CHECK(refusal->category == "");
  CHECK(refusal->explanation == "The response was filtered");
  CHECK(translate_error(400, azure).status == 400);
  CHECK(detect_policy_refusal(400, say("x", ",\"code\":\"cyber_policy_violation\""))->category ==
        "cyber");
  CHECK(detect_policy_refusal(400, say("x", ",\"code\":\"bio_policy\""))->category == "bio");
  CHECK(detect_policy_refusal(403, say("flagged",
                                       ",\"code\":403,\"metadata\":{\"reasons\":[\"violence\"],"
                                       "\"flagged_input\":\"…\"}"))
            .has_value());
  CHECK_FALSE(detect_policy_refusal(403, say("no access", ",\"code\":403")).has_value());
  CHECK_FALSE(detect_policy_refusal(400, say("bad parameter")).has_value());
  CHECK_FALSE(detect_policy_refusal(500, azure).has_value());
}

TEST_CASE("vector 7: the cap was reached before anything was said") {
  const auto end = detect_output_limit(400, say("Could not finish the message because max_tokens "
                                                "or model output limit was reached. Please try "
                                                "again with higher max_tokens."));
  REQUIRE(end.has_value());
  CHECK(end->stop_reason == "max_tokens");
  CHECK_FALSE(end->refusal);
  CHECK_FALSE(detect_output_limit(400, say("max_tokens is unsupported")).has_value());
}

TEST_CASE("vector 135: odd shapes of error bodies") {
  const ApiError gemini = translate_error(
      400,
      "[{\"error\":{\"code\":400,\"message\":\"bad schema\",\"status\":\"INVALID_ARGUMENT\"}}]");
  CHECK(gemini.status == 400);
  CHECK(gemini.message == "bad schema");
  CHECK(translate_error(400, "{\"error\":\"x\"}").message == "x");
  CHECK(translate_error(400, "{\"message\":\"m\"}").message == "m");
  CHECK(translate_error(400, "{\"detail\":\"d\"}").message == "d");
  CHECK(translate_error(400, "\"just text\"").message == "just text");
  CHECK(translate_error(400, "plain\r\ntext").message == "plain text");
  CHECK(translate_error(400, R"({"errors":[{"message":"first"},{"message":"second"}]})").message ==
        "first; second");
  const ApiError router = translate_error(
      400, say("Provider returned error",
               ",\"code\":400,\"metadata\":{\"raw\":\"{\\\"error\\\":{\\\"message\\\":"
               "\\\"maximum context length is 100 tokens, requested 200\\\"}}\"}"));
  CHECK(router.message == "prompt is too long: 200 tokens > 100 maximum");
}

TEST_CASE("vector 139: secrets and long texts") {
  const ApiError e = translate_error(
      401, say("Incorrect API key provided: sk-abcdefghijklmnop. See https://x/y?key=1"));
  CHECK(e.message.find("abcdefgh") == std::string::npos);
  CHECK(e.message.find("key=1") == std::string::npos);
  CHECK(e.message.find("sk-***") != std::string::npos);
  CHECK(e.message.find("its credential") != std::string::npos);
  std::string longer;
  for (int i = 0; i < 2000; ++i) longer += "\xC3\xA4";
  const ApiError cut = translate_error(400, say(longer));
  CHECK(cut.message.size() <= 2048);
  CHECK(is_valid_utf8(cut.message));
  CHECK(is_valid_utf8(translate_error(400, "\xFF\xFE broken").message));
}

TEST_CASE("vector 148: gemini's bad key is a 400") {
  const ApiError e =
      translate_error(400,
                      "[{\"error\":{\"code\":400,\"message\":\"API key not valid. Please pass "
                      "a valid API key.\",\"status\":\"INVALID_ARGUMENT\"}}]");
  CHECK(e.status == 401);
  CHECK(e.type == ErrorType::authentication);
}

TEST_CASE("vector 138: rate limit headers") {
  const Headers out =
      translate::translate_backend_headers({{"x-ratelimit-limit-tokens", "30000"},
                                            {"x-ratelimit-remaining-tokens", "29000"},
                                            {"x-ratelimit-reset-tokens", "6m0s"},
                                            {"x-ratelimit-limit-requests", "100"},
                                            {"x-ratelimit-reset-requests", "soon"},
                                            {"retry-after", "99999"},
                                            {"retry-after-ms", "250"},
                                            {"x-request-id", "up-1"},
                                            {"set-cookie", "a=b"},
                                            {"openai-organization", "org"},
                                            {"server", "x"}},
                                           1'790'000'000);
  CHECK(out.get("anthropic-ratelimit-tokens-limit") == "30000");
  CHECK(out.get("anthropic-ratelimit-tokens-remaining") == "29000");
  CHECK(out.get("anthropic-ratelimit-tokens-reset") == render_instant(1'790'000'360));
  CHECK(out.get("anthropic-ratelimit-requests-limit") == "100");
  CHECK_FALSE(out.find("anthropic-ratelimit-requests-reset"));
  CHECK(out.get("retry-after") == "3600");
  CHECK(out.get("retry-after-ms") == "250");
  CHECK(out.get("x-clasp-upstream-request-id") == "up-1");
  CHECK_FALSE(out.find("set-cookie"));
  CHECK_FALSE(out.find("openai-organization"));
  CHECK_FALSE(out.find("server"));
}

TEST_CASE("durations") {
  using translate::parse_duration;
  CHECK(parse_duration("6m0s") == 360);
  CHECK(parse_duration("1h2m3s") == 3723);
  CHECK(parse_duration("12ms").value() == doctest::Approx(0.012));
  CHECK(parse_duration("1.25s") == 1.25);
  for (const char* bad : {"", "soon", "5", "1s!", "-3s", "1.s", "99999999999999999999s"})
    CHECK_FALSE(parse_duration(bad).has_value());
}

TEST_CASE("header values with control characters are not passed on") {
  const Headers out = translate::translate_backend_headers(
      {{"x-request-id", std::string("a\r\nx: y")}, {"retry-after", std::string(400, '1') + "x"}},
      0);
  CHECK(out.empty());
}

TEST_CASE("spec 6.4: a blocked prompt as an error, for those who want it so") {
  const auto blocked = detect_policy_refusal(403, say("flagged", R"(,"code":"content_filter")"));
  REQUIRE(blocked);
  const ApiError error = translate::policy_error(*blocked);
  CHECK(error.status == 400);
  CHECK(error.type == ErrorType::invalid_request);
  CHECK(error.message == "flagged");
  CHECK(error.should_retry == false);
  CHECK(translate::policy_error({}).message != "");
}

TEST_CASE("spec 6.6: limits of tokens as limits of input tokens, when configured") {
  const Headers in{{"x-ratelimit-limit-tokens", "30000"},
                   {"x-ratelimit-remaining-tokens", "29000"},
                   {"x-ratelimit-limit-requests", "100"},
                   {"x-ratelimit-reset-tokens", "6m0s"}};
  const Headers out = translate::translate_backend_headers(in, 1'790'000'000, true);
  CHECK(out.get("anthropic-ratelimit-input-tokens-limit") == "30000");
  CHECK(out.get("anthropic-ratelimit-input-tokens-remaining") == "29000");
  CHECK(out.get("anthropic-ratelimit-input-tokens-reset") ==
        out.get("anthropic-ratelimit-tokens-reset"));
  CHECK(out.get("anthropic-ratelimit-tokens-limit") == "30000");
  CHECK_FALSE(translate::translate_backend_headers(in, 1'790'000'000)
                  .find("anthropic-ratelimit-input-tokens-limit"));
}

TEST_CASE("seen 4: no endpoint with tools on openrouter is told as it is, not retried") {
  const ApiError e =
      translate_error(404, say("No endpoints found that support tool use.", ",\"code\":404"));
  CHECK(e.status == 404);
  CHECK(e.type == ErrorType::not_found);
  CHECK(e.message.find("support tool use") != std::string::npos);
  CHECK(e.should_retry == false);
}
