// A dialect: how one kind of OpenAI-compatible server differs from the others, as a row of flags
// (translation spec §0.3). Code asks a flag, never the name of a provider. Rows live in
// dialect.cc; each flag can be overridden per backend.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace clasp::translate {

enum class CapField { max_tokens, max_completion_tokens };
enum class SystemRole { system, developer };
enum class MidSystem { keep, fold };
enum class ToolChoice { all, strings, mistral };  // mistral: "any" instead of "required"
enum class ReasoningRequest {
  none,
  effort,            // reasoning_effort
  object,            // openrouter: reasoning{}
  thinking_object,   // deepseek: thinking{type} + reasoning_effort
  gemini,            // reasoning_effort or extra_body.google
  template_kwargs,   // vllm, llamacpp: chat_template_kwargs when configured
  groq,              // reasoning_effort + reasoning_format
};
enum class ReasoningReplay { none, reasoning, reasoning_content, details, gemini, thinking_part };
enum class JsonOutput { none, json_object, json_schema };
enum class Prefill { emulate, as_last, continue_final, prefix };

struct Dialect {
  std::string_view name;
  CapField cap = CapField::max_tokens;
  SystemRole system_role = SystemRole::system;
  MidSystem mid_system = MidSystem::fold;
  ToolChoice tool_choice = ToolChoice::strings;
  bool parallel_tool_calls = false;  // the request field is understood
  ReasoningRequest reasoning = ReasoningRequest::none;
  ReasoningReplay replay = ReasoningReplay::none;
  JsonOutput json_output = JsonOutput::none;
  bool stream_options = true;   // stream_options.include_usage is sent
  bool include_obfuscation = false;  // send include_obfuscation:false with it
  int max_stop = 4;             // stop strings the server takes; -1: any number
  bool top_k = false;
  int max_tool_id = 40;         // 0: any length
  bool mistral_ids = false;     // exactly nine alphanumerics
  bool null_content = false;    // assistant with calls only: content null, else ""
  bool images = true;           // data URLs
  bool image_urls = true;       // remote URLs
  bool pdf_files = false;       // `file` parts
  bool cache_control = false;   // keeps Anthropic's cache_control on parts
  bool cache_key = false;       // prompt_cache_key (openai, azure)
  bool session_id = false;      // session_id (openrouter)
  bool safety_identifier = false;
  bool user_hash = false;       // `user` = hash (openrouter)
  bool service_tier = false;
  bool keep_refs = true;        // local $ref in schemas; else inlined
  int max_tools = 0;            // 0: no limit
  bool nonempty_tool = false;   // a tool message must have text
  bool think_tags = false;      // a leading <think>…</think> in the text is reasoning
  bool lax_finish = false;      // [DONE] without finish_reason is a normal end
  bool output_from_total = false;  // completion_tokens may lack reasoning: total − prompt counts
  bool strict_alternation = false;
  Prefill prefill = Prefill::emulate;
  bool openai_families = false;  // models follow OpenAI's family rules whatever their name
};

// The row of that name (openai, azure, openrouter, ollama, …), nullptr when unknown.
const Dialect* find_dialect(std::string_view name);

}  // namespace clasp::translate
