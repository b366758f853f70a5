#include "core/translate/repair.h"

#include <doctest/doctest.h>

#include <string>

#include "core/translate/api_choice.h"
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
                                      "gpt-x in /v1/chat/completions.")) == "r5");
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

TEST_CASE("repair 2: levels in the words of several validators, and in a router's raw text") {
  CHECK(lesson("generic",
               R"({"detail":[{"loc":["body","reasoning_effort"],"msg":"Input should be )"
               R"('low', 'medium' or 'high'"}]})",
               422) == "efforts=low,medium,high");
  CHECK(lesson("groq", openai_error("`reasoning_effort` must be one of `none` or `default`")) ==
        "efforts=none");
  CHECK(lesson("openrouter",
               R"({"error":{"message":"Provider returned error","code":400,"metadata":{"raw":)"
               R"("{\"error\":{\"message\":\"Unsupported value: 'high'. Supported values are: )"
               R"('low'.\",\"param\":\"reasoning_effort\"}}"}}})") == "efforts=low");
  // The names of reasoning in messages are another row's.
  CHECK(
      lesson("groq", openai_error("'messages.3' : property 'reasoning_content' is unsupported")) ==
      "replay=none");
}

TEST_CASE("repair 3: a fixed temperature") {
  CHECK(lesson("generic", openai_error("invalid temperature: only 1 is allowed for this model")) ==
        "sampling=false");
}

TEST_CASE(
    "repair 9: deepseek's and anthropic's words; vLLM without a parser is no matter of choice") {
  CHECK(lesson("generic", openai_error("deepseek-reasoner does not support this tool_choice")) ==
        "forced_without_thinking=true");
  CHECK(lesson("openrouter",
               openai_error("Thinking may not be enabled when tool_choice forces tool use.")) ==
        "forced_without_thinking=true");
  CHECK(
      lesson("vllm", openai_error("\\\"auto\\\" tool choice requires --enable-auto-tool-choice and "
                                  "--tool-call-parser to be set")) == "");
}

TEST_CASE("repair 10: caps in the words of several servers") {
  const auto cap = [](const std::string& text) {
    const auto repair = detect_repair(400, openai_error(text), *find_dialect("generic"), {});
    return repair ? repair->adjustments.max_output : -1;
  };
  CHECK(cap("'max_tokens' or 'max_completion_tokens' is too large: 32000. This model's maximum "
            "context length is 16384 tokens and your request has 9000 input tokens.") ==
        16384 - 9000 - 16);
  CHECK(cap("This endpoint's maximum context length is 131072 tokens. However, you requested about "
            "150000 tokens (20000 of text input, 2000 of tool input, 128000 in the output).") ==
        131072 - 22000 - 16);
  CHECK(cap("`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 3000 `inputs` tokens and "
            "2000 `max_new_tokens`") == 4096 - 3000 - 16);
  CHECK(cap("max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens") ==
        64000);
  CHECK(cap("it has a maxOutputTokens value of 100000 but the supported range is from 1 "
            "(inclusive) to 65537 (exclusive)") == 65536);
  CHECK(cap("`max_tokens` must be less than or equal to `8192`, the maximum value for this model "
            "is less than its `context_window`") == 8192);
  CHECK(cap("Range of max_tokens should be [1, 8192]") == 8192);
}

TEST_CASE("repairs 2, 10, 16: in the words of OpenAI's and xAI's Responses API") {
  const auto learn = [](const char* dialect, const std::string& body) {
    const Dialect row = responses_dialect(*find_dialect(dialect));
    const auto repair = detect_repair(400, body, row, {}, Api::responses);
    return repair ? repair_key(*repair) : "";
  };
  const auto xai = [&](const std::string& text) {
    return learn("xai", R"({"code":"400","error":")" + text + "\"}");
  };
  CHECK(xai("Argument not supported: include") == "16 include");
  CHECK(xai("Argument not supported: truncation") == "16 truncation");
  CHECK(xai("Model grok-4 does not support parameter reasoningEffort.") == "2 reasoning=none");
  CHECK(learn("openai", openai_error("Unknown parameter: 'input[2].phase'.", "input[2].phase",
                                     "unknown_parameter")) == "16 phase=false");
  const auto cap = detect_repair(
      400,
      openai_error("Invalid 'max_output_tokens': integer above maximum value. Expected a value <= "
                   "32768, but got 64000 instead.",
                   "max_output_tokens", "integer_above_max_value"),
      responses_dialect(*find_dialect("openai")), {}, Api::responses);
  REQUIRE(cap);
  CHECK(cap->adjustments.max_output == 32768);
}

TEST_CASE("repair 13: images in more words") {
  CHECK(lesson("generic", openai_error("image_url is only supported by certain models")) ==
        "images=false");
  CHECK(lesson("vllm", openai_error("At most 0 image(s) may be provided in one request.")) ==
        "images=false");
  CHECK(lesson("openrouter", openai_error("No endpoints found that support image input"), 404) ==
        "images=false");
}

TEST_CASE("repair 16: a hint that stands in parts is taken out by its flag") {
  CHECK(lesson("openai", openai_error("Unknown parameter: 'messages[0].content[0]."
                                      "prompt_cache_breakpoint'.",
                                      "messages[0].content[0].prompt_cache_breakpoint",
                                      "unknown_parameter")) == "cache_breakpoints=false");
  CHECK(lesson("openrouter", openai_error("Unrecognized key: 'cache_control'")) ==
        "cache_control=false");
}

TEST_CASE("repair 17: what the newer reasoners insist on the older ones refuse") {
  CHECK(lesson("generic", openai_error("thinking is enabled but reasoning_content is missing in "
                                       "assistant tool call message at index 2")) ==
        "replay=reasoning_content");
  CHECK(lesson("deepseek", openai_error("Please remove the reasoning_content from the messages")) ==
        "replay=none");
}

TEST_CASE("repair 18: streams for some, plain answers for others") {
  const auto only = detect_repair(
      400, openai_error("This model only support stream mode, please enable the stream parameter"),
      *find_dialect("generic"), {});
  REQUIRE(only);
  CHECK(only->adjustments.stream_only);
  CHECK(lesson("openai", openai_error("Your organization must be verified to generate reasoning "
                                      "summaries.")) == "");
}

TEST_CASE("repair 20: the function in the words of several servers") {
  const auto tool = [](const std::string& text) {
    const auto repair = detect_repair(400, openai_error(text), *find_dialect("generic"), {});
    return repair && !repair->adjustments.reduced_tools.empty()
               ? repair->adjustments.reduced_tools[0]
               : std::string();
  };
  CHECK(tool("invalid JSON schema for tool Read, tools[24].function.parameters: 'required' present "
             "but 'properties' is missing") == "read");
  CHECK(tool("Invalid function parameters schema for 'Read': bad") == "read");
}

TEST_CASE("repair 21: the order of roles in the words of servers and templates") {
  const auto row = [](const std::string& text, int status = 400) {
    return lesson("generic", openai_error(text), status);
  };
  const std::string found = "strict_alternation=true";
  CHECK(row("Unexpected role 'system' after role 'assistant'") == found);
  CHECK(row("Expected last role User or Tool (or Assistant with prefix True) for serving but got "
            "assistant") == found);
  CHECK(row("messages with role 'tool' must be a response to a preceeding message with "
            "'tool_calls'.") == found);
  CHECK(row("An assistant message with 'tool_calls' must be followed by tool messages responding "
            "to each 'tool_call_id'.") == found);
  CHECK(row("Not the same number of function calls and responses") == found);
  CHECK(lesson("generic", R"({"object":"error","message":"Unexpected role RoleEnum.tool","type":)"
                          R"("invalid_request_message_order","code":"3230"})") == found);
  // llama.cpp calls what a template refuses an error of its own.
  CHECK(row("Error: Jinja Exception: After the optional system message, conversation roles must "
            "alternate user and assistant roles except for tool calls and results.",
            500) == found);
  CHECK(row("Internal error", 500) == "");
  const auto after_tool = detect_repair(
      400, openai_error("Unexpected role 'user' after role 'tool'"), *find_dialect("generic"), {});
  REQUIRE(after_tool);
  Dialect dialect = *find_dialect("generic");
  Adjustments adjustments;
  apply_repair(*after_tool, dialect, adjustments);
  CHECK(dialect.no_user_after_tool);
  CHECK(dialect.strict_alternation);
}

TEST_CASE("section 8: a call that groq could not read is asked for once more") {
  const auto again = detect_repair(
      400, R"({"error":{"message":"Failed to call a function","code":"tool_use_failed"}})",
      *find_dialect("groq"), {});
  REQUIRE(again);
  CHECK(again->number == 0);
  CHECK_FALSE(again->lasting);
  CHECK(repair_key(*again) == "again");
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
