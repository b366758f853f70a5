// A dialect: how one kind of OpenAI-compatible server differs from the others, as a row of flags
// (translation spec §0.3). Code asks a flag, never the name of a provider. Rows live in
// dialect.cc; each flag can be overridden per backend by its name (dialect_flags.cc).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace clasp::translate {

// Which of the backend's APIs a call uses (spec §0.4).
enum class Api { chat, responses };
// When a backend's Responses API is used: when the backend itself says that it must be, never,
// where model or request need it, always.
enum class ResponsesUse { if_told, never, by_need, always };

enum class CapField { max_tokens, max_completion_tokens };
// developer: for models that know the role, system for the others. user: no system role at all,
// the text goes into the first user message.
enum class SystemRole { system, developer, user };
enum class MidSystem { keep, fold };
enum class ToolChoice { all, strings, mistral };  // mistral: "any" instead of "required"
enum class ReasoningRequest {
  none,
  effort,           // reasoning_effort
  object,           // openrouter: reasoning{}
  thinking_object,  // deepseek: thinking{type} + reasoning_effort
  gemini,           // reasoning_effort or extra_body.google
  template_kwargs,  // vllm, llamacpp: chat_template_kwargs when configured
  groq,             // reasoning_effort + reasoning_format
  prompt_mode,      // mistral: prompt_mode "reasoning"
};
// items: reasoning items of the Responses API, where they stood.
enum class ReasoningReplay {
  none,
  reasoning,
  reasoning_content,
  details,
  gemini,
  thinking_part,
  items
};
enum class JsonOutput { none, json_object, json_schema };
enum class Prefill { emulate, as_last, continue_final, prefix };
// The key of chat_template_kwargs that switches reasoning; none: not configured.
enum class KwargsKey { none, enable_thinking, thinking };
// How a backend searches the web by itself: openrouter's plugin, options beside the tools (OpenAI's
// search models, perplexity), search parameters (xai), search settings (groq's compound models), or
// native: a tool among the tools (Responses).
enum class WebSearch { none, plugin, options, xai, groq, perplexity, native };
// Who counts the tokens of a prompt (spec §7.1): Responses' own endpoint, vLLM's /tokenize, what
// llama.cpp has; none: the estimate serves.
enum class CountInput { none, responses, vllm, llamacpp };
// What service_tier "standard_only" becomes; none: the field does not exist.
enum class StandardTier { none, default_tier, on_demand };

// Levels of reasoning effort. A set of them is a bit mask: 1 << level.
enum class Effort : std::uint8_t { none, minimal, low, medium, high, xhigh, max };
using Efforts = std::uint8_t;
constexpr Efforts efforts_of() {
  return 0;
}
template <class... Rest>
constexpr Efforts efforts_of(Effort first, Rest... rest) {
  return static_cast<Efforts>((1u << static_cast<unsigned>(first)) | efforts_of(rest...));
}
std::string_view render_effort(Effort effort);
bool parse_effort(std::string_view text, Effort& effort);

struct Dialect {
  std::string_view name;
  // Speaks the Messages API itself: requests and answers are handed on (relay.h), and no other
  // flag matters.
  bool relay = false;
  ResponsesUse responses = ResponsesUse::if_told;
  CapField cap = CapField::max_tokens;
  SystemRole system_role = SystemRole::system;
  MidSystem mid_system = MidSystem::fold;
  ToolChoice tool_choice = ToolChoice::strings;
  bool parallel_tool_calls = false;  // the request field is understood
  ReasoningRequest reasoning = ReasoningRequest::none;
  Efforts efforts = 0;          // levels it takes where the model's family does not say; 0: unknown
  bool any_effort = false;      // an unknown model is sent whatever is wanted
  bool default_effort = false;  // adaptive thinking without effort asks for medium
  KwargsKey kwargs_key = KwargsKey::none;
  bool thinking_budget = false;  // thinking_budget_tokens (llamacpp)
  ReasoningReplay replay = ReasoningReplay::none;
  bool replay_on_calls = false;  // only turns with tool calls, and these always (deepseek)
  JsonOutput json_output = JsonOutput::none;
  bool plain_schema_output = false;  // no json_schema beside tools or streaming (groq)
  bool stream_options = true;        // stream_options.include_usage is sent
  bool include_obfuscation = false;  // send include_obfuscation:false with it
  int max_stop = 4;                  // stop strings the server takes; -1: any number
  bool hide_stop = false;            // include_stop_str_in_output:false goes with stop
  bool sampling = true;              // temperature and top_p are understood
  bool top_k = false;
  bool mistral_sampling = false;     // temperature 0 excludes top_p
  int max_tool_id = 40;              // 0: any length
  bool mistral_ids = false;          // exactly nine alphanumerics
  bool restore_ids = false;          // the backend wants its own tool ids back
  bool null_content = false;         // assistant with calls only: content null, else ""
  bool omit_content = false;         // … or no content member at all
  bool string_content = false;       // user messages of text only are one string
  bool tool_parts = false;           // tool messages take image parts
  bool tool_parts_by_model = false;  // … of Claude and Gemini models (openrouter)
  bool tool_files = false;           // tool results take PDFs (Responses)
  bool tool_message_name = false;    // tool messages carry the function's name
  bool images = true;                // data URLs
  bool image_urls = true;            // remote URLs
  bool pdf_files = false;            // `file` parts with data URLs
  bool pdf_urls = false;             // `file` parts with remote URLs
  bool cache_control = false;        // keeps Anthropic's cache_control on parts
  bool cache_breakpoints = false;    // prompt_cache_breakpoint where the model's family has it
  bool cache_key = false;            // prompt_cache_key (openai, azure)
  bool session_id = false;           // session_id (openrouter)
  bool safety_identifier = false;
  bool user_hash = false;  // `user` = hash (openrouter)
  StandardTier standard_tier = StandardTier::none;
  bool priority_tier = false;       // service_tier "priority" exists
  bool keep_refs = true;            // local $ref in schemas; else inlined
  bool type_lists = true;           // "type" in schemas may be a list (old ollama: no)
  bool schema_subset = false;       // gemini's reduced JSON Schema
  bool grammar_limits = false;      // llamacpp: pattern and huge bounds break the grammar compiler
  int max_tools = 0;                // 0: no limit
  int max_calls = 0;                // tool calls in one assistant message; 0: no limit
  int max_description = 0;          // characters of a tool description; 0: no limit
  bool drop_tools_on_none = false;  // tool_choice none is ignored: send no tools instead
  bool forced_without_thinking = false;    // forced tool_choice needs reasoning off (deepseek)
  bool letter_names = false;               // function names start with a letter or underscore
  WebSearch web_search = WebSearch::none;  // the backend's own search, if it may be used
  bool mcp = false;                        // calls remote MCP servers by itself (Responses)
  bool tool_search = false;                // searches deferred tools by itself (Responses)
  bool additional_tools = false;  // takes tools in the middle of a conversation (Responses)
  bool compaction = false;        // shortens long conversations by itself (Responses)
  bool phase = false;             // messages of the assistant carry a phase (Responses)
  CountInput count_input = CountInput::none;
  bool nonempty_tool = false;       // a tool message must have text
  bool no_user_after_tool = false;  // mistral: user text goes into the last tool message
  bool think_tags = false;          // a leading <think>…</think> in the text is reasoning
  bool parse_text_tools = false;    // tool calls may be written into the text
  bool lax_finish = false;          // [DONE] without finish_reason is a normal end
  bool output_from_total = false;   // completion_tokens may lack reasoning: total - prompt counts
  bool strict_alternation = false;
  Prefill prefill = Prefill::emulate;
  bool beta_prefix = false;               // an address that ends in /beta takes `prefix` (deepseek)
  bool prefill_without_thinking = false;  // with reasoning on, prefill is emulated (llamacpp)
  bool openai_families = false;           // models follow OpenAI's family rules whatever their name
  bool no_transforms = false;             // openrouter: transforms:[] keeps it from cutting prompts
  bool guard_context = false;    // too long a prompt is cut in silence: refuse it before (ollama)
  bool hidden_allowance = true;  // room for reasoning that cannot be switched off (spec §1.2.4)
  bool fast_tier = false;        // speed "fast" becomes service_tier "priority" where that exists
  bool long_cache = false;       // hints of an hour ask for twelve (spec §1.8)
  bool policy_as_error = false;  // a blocked prompt is an error, not a refusal (spec §6.4)
  // Flags that were overridden: these win over the rules of the model's family.
  enum Pin : std::uint16_t {
    kPinCap = 1,
    kPinRole = 2,
    kPinEfforts = 4,
    kPinStop = 8,
    kPinSampling = 16,
    kPinParallel = 32,
    kPinIds = 64,
    kPinReasoning = 128,
    kPinReplay = 256,
    kPinRestore = 512
  };
  std::uint16_t pinned = 0;
};

// The row of that name (openai, azure, openrouter, ollama, …), nullptr when unknown.
const Dialect* find_dialect(std::string_view name);
std::vector<std::string_view> dialect_names();

// Sets one flag of a row by name, e.g. ("stream_options", "false"). The error names what would be
// right. Overridden flags win over what the model's name suggests.
Result<void> set_dialect_flag(Dialect& dialect, std::string_view key, std::string_view value);
// The names that set_dialect_flag() knows, in order.
std::vector<std::string_view> dialect_flag_names();

}  // namespace clasp::translate
