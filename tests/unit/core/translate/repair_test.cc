#include "core/translate/repair.h"

#include <doctest/doctest.h>

#include <string>

#include "core/translate/family.h"

using namespace clasp::translate;

namespace {

std::string openai_error(const std::string& message, const std::string& param = "",
                         const std::string& code = "") {
  std::string out = R"({"error":{"message":")" + message + R"(","type":"invalid_request_error")";
  if (!param.empty()) out += R"(,"param":")" + param + '"';
  if (!code.empty()) out += R"(,"code":")" + code + '"';
  return out + "}}";
}

// The first flag of the lesson as "key=value", "" when nothing was learned.
std::string lesson(const std::string& dialect, const std::string& body, int status = 400) {
  const auto repair = detect_repair(status, body, *find_dialect(dialect), {});
  if (!repair) return "";
  if (repair->flags.empty()) return "r" + std::to_string(repair->number);
  return repair->flags[0].first + "=" + repair->flags[0].second;
}

}  // namespace

TEST_CASE("vector 136, trap 35, repair 1: the cap field is swapped, both ways") {
  CHECK(lesson("generic", openai_error("Unsupported parameter: 'max_tokens' is not supported with "
                                       "this model. Use 'max_completion_tokens' instead.",
                                       "max_tokens", "unsupported_parameter")) ==
        "cap=max_completion_tokens");
  CHECK(lesson("openai", openai_error("Unrecognized request argument supplied: "
                                      "max_completion_tokens")) == "cap=max_tokens");
  CHECK(lesson("vllm",
               R"({"detail":[{"msg":"Extra inputs are not permitted","loc":["body",)"
               R"("max_completion_tokens"]}]})",
               422) == "cap=max_tokens");
}

TEST_CASE("vector 137, repair 2: effort levels are read from the text") {
  CHECK(lesson("openai",
               openai_error("Unsupported value: 'reasoning_effort' does not support 'xhigh' with "
                            "this model. Supported values are: 'low', 'medium', and 'high'.",
                            "reasoning_effort", "unsupported_value")) == "efforts=low,medium,high");
  CHECK(lesson("openai", openai_error("Unknown parameter: 'reasoning_effort'",
                                      "reasoning_effort")) == "reasoning=none");
}

TEST_CASE("repairs 3 to 8: parameters that are not known") {
  CHECK(lesson("openai", openai_error("Unsupported value: 'temperature' does not support 0.3",
                                      "temperature", "unsupported_value")) == "sampling=false");
  CHECK(lesson("vllm", openai_error("unknown field top_k")) == "top_k=false");
  CHECK(lesson("openai", openai_error("Unsupported parameter: 'stop' is not supported with this "
                                      "model.",
                                      "stop", "unsupported_parameter")) == "max_stop=0");
  CHECK(lesson("openai", openai_error("Function tools with reasoning_effort are not supported for "
                                      "gpt-x in /v1/chat/completions.")) == "efforts=none");
  CHECK(lesson("openai", openai_error("Unknown parameter: 'stream_options.include_obfuscation'",
                                      "stream_options.include_obfuscation")) ==
        "include_obfuscation=false");
  CHECK(lesson("generic", openai_error("Unrecognized request argument: stream_options")) ==
        "stream_options=false");
  CHECK(lesson("openai", openai_error("Unknown parameter: 'parallel_tool_calls'")) ==
        "parallel_tool_calls=false");
  CHECK(lesson("openai",
               R"({"error":"Invalid tool_choice type: 'object'. Supported string values: )"
               R"(none, auto, required"})") == "tool_choice=strings");
}

TEST_CASE("repair 9: forced tool choice with thinking") {
  const std::string body = openai_error("tool_choice 'required' is not supported in thinking mode");
  CHECK(lesson("generic", body) == "forced_without_thinking=true");
  Dialect dialect = *find_dialect("generic");
  dialect.forced_without_thinking = true;
  const auto second = detect_repair(400, body, dialect, {});
  REQUIRE(second);
  CHECK(second->adjustments.auto_tool_choice);
}

TEST_CASE("repair 10: the cap is fitted to what the text says") {
  const auto cap = [](const std::string& text) {
    const auto repair = detect_repair(400, openai_error(text), *find_dialect("vllm"), {});
    return repair ? repair->adjustments.max_output : -1;
  };
  CHECK(cap("max_tokens is too large: 32000. This model supports at most 16384 completion tokens, "
            "whereas you provided 32000.") == 16384);
  CHECK(
      cap("This model's maximum context length is 8192 tokens. However, you requested 10000 tokens "
          "(2000 in the messages, 8000 in the completion). Please reduce max_tokens.") ==
      8192 - 2000 - 16);
  // Too little would be left: that is a context overflow, not a cap.
  CHECK(
      cap("This model's maximum context length is 8192 tokens. However, you requested 16192 tokens "
          "(8100 in the messages, 8092 in the completion). max_tokens") == -1);
}

TEST_CASE("repair 10: a cap fitted to one prompt is not remembered, a model's limit is") {
  const auto fitted = detect_repair(
      400,
      openai_error("This model's maximum context length is 8192 tokens, however you requested "
                   "10000 tokens (2000 in the messages, 8000 in the completion)."),
      *find_dialect("generic"), {});
  REQUIRE(fitted);
  CHECK_FALSE(fitted->lasting);
  const auto limit = detect_repair(
      400,
      openai_error("max_tokens is too large: this model supports at most 4096 completion tokens"),
      *find_dialect("generic"), {});
  REQUIRE(limit);
  CHECK(limit->lasting);
}

TEST_CASE("repairs 2 and 5: a flag that was learned wins over the model's family") {
  Dialect dialect = *find_dialect("openai");
  REQUIRE(set_dialect_flag(dialect, "efforts", "none"));
  CHECK(clamp_effort(Effort::high, make_profile(dialect, "gpt-5.2").efforts) == Effort::none);
  REQUIRE(set_dialect_flag(dialect, "reasoning", "none"));
  CHECK(make_profile(dialect, "gpt-5.2").reasoning == ReasoningRequest::none);
  CHECK(make_profile(dialect, "gpt-5.2").no_reasoning);
}

TEST_CASE("repair: lessons of one row are told apart") {
  Repair a, b;
  a.number = b.number = 16;
  a.adjustments.drop_fields = {"safety_identifier"};
  b.adjustments.drop_fields = {"prompt_cache_key"};
  CHECK(repair_key(a) != repair_key(b));
}

TEST_CASE("vector 84, repair 11: descriptions are cut to the stated length") {
  CHECK(lesson("azure", openai_error("Invalid 'tools[0].function.description': string too long. "
                                     "Expected a string with maximum length 1024, but got a string "
                                     "with length 4000 instead.",
                                     "tools[0].function.description", "string_above_max_length")) ==
        "max_description=1024");
}

TEST_CASE("repairs 12 to 21") {
  CHECK(lesson("openai", openai_error("'developer' is not one of ['system', 'assistant', 'user'] - "
                                      "'messages.[0].role'",
                                      "messages.[0].role")) == "system_role=system");
  CHECK(lesson("generic", openai_error("System role not supported")) == "system_role=user");
  CHECK(lesson("generic", openai_error("image input is not supported by this model")) ==
        "images=false");
  CHECK(
      lesson("openai", openai_error("Invalid parameter: 'response_format' of type 'json_schema' is "
                                    "not supported with this model.",
                                    "response_format")) == "json_output=json_object");
  CHECK(lesson("openai", openai_error("Unknown parameter: 'safety_identifier'.",
                                      "safety_identifier")) == "r16");
  CHECK(lesson("generic", openai_error("The reasoning_content in the thinking mode must be passed "
                                       "back to the API.")) == "replay=reasoning_content");
  CHECK(lesson("openai", openai_error("Your organization must be verified to stream this model.",
                                      "stream")) == "r18");
  CHECK(lesson("generic", openai_error("Function call is missing a thought_signature")) ==
        "replay=gemini");
  const auto schema = detect_repair(
      400, openai_error("Invalid schema for function 'Read': In context=(), schema must ..."),
      *find_dialect("openai"), {});
  REQUIRE(schema);
  CHECK(schema->number == 20);
  CHECK(schema->adjustments.reduced_tools == std::vector<std::string>{"read"});
  CHECK(lesson("generic", openai_error("Conversation roles must alternate user/assistant/...")) ==
        "strict_alternation=true");
}

TEST_CASE("repair: what is not understood is left to the client") {
  CHECK(lesson("openai", openai_error("The model `x` does not exist", "", "model_not_found"),
               404) == "");
  CHECK(lesson("openai", openai_error("Invalid 'messages': user is a strange word here")) == "");
  CHECK(lesson("openai", openai_error("Unsupported parameter: 'max_tokens'", "max_tokens"), 500) ==
        "");
  CHECK(lesson("openai", "") == "");
  CHECK(lesson("openai", "<html>") == "");
  CHECK(lesson("openai", "[]") == "");
}

TEST_CASE("repair: every lesson can be applied") {
  for (const char* name : {"openai", "generic", "deepseek", "vllm"}) {
    Dialect dialect = *find_dialect(name);
    Adjustments adjustments;
    Repair repair;
    repair.flags = {{"cap", "max_tokens"},
                    {"efforts", "low,high"},
                    {"reasoning", "none"},
                    {"sampling", "false"},
                    {"top_k", "false"},
                    {"max_stop", "0"},
                    {"include_obfuscation", "false"},
                    {"stream_options", "false"},
                    {"parallel_tool_calls", "false"},
                    {"tool_choice", "strings"},
                    {"forced_without_thinking", "true"},
                    {"max_description", "1024"},
                    {"system_role", "user"},
                    {"images", "false"},
                    {"pdf_files", "false"},
                    {"json_output", "none"},
                    {"replay", "reasoning_content"},
                    {"replay_on_calls", "true"},
                    {"strict_alternation", "true"},
                    {"mid_system", "fold"}};
    for (const auto& [key, value] : repair.flags) {
      Dialect copy = dialect;
      CHECK_MESSAGE(set_dialect_flag(copy, key, value).has_value(), key);
    }
    repair.adjustments.max_output = 100;
    repair.adjustments.drop_fields = {"store"};
    apply_repair(repair, dialect, adjustments);
    CHECK(dialect.cap == CapField::max_tokens);
    CHECK(dialect.max_stop == 0);
    CHECK(adjustments.max_output == 100);
    CHECK(adjustments.drop_fields.size() == 1);
  }
}
