// The dialect rows of translation spec §0.3, for Chat Completions. Each row starts from the least
// that any server understands and says what it adds.
#include "core/translate/dialect.h"

#include <array>

namespace clasp::translate {

namespace {

constexpr Dialect openai_row(std::string_view name) {
  Dialect d;
  d.name = name;
  d.responses = ResponsesUse::by_need;
  d.cap = CapField::max_completion_tokens;
  d.system_role = SystemRole::developer;
  d.mid_system = MidSystem::keep;
  d.tool_choice = ToolChoice::all;
  d.parallel_tool_calls = true;
  d.reasoning = ReasoningRequest::effort;
  d.any_effort = true;
  d.default_effort = true;
  d.json_output = JsonOutput::json_schema;
  d.include_obfuscation = true;
  d.null_content = true;
  d.pdf_files = true;
  d.cache_breakpoints = true;
  d.cache_key = true;
  d.safety_identifier = true;
  d.standard_tier = StandardTier::default_tier;
  d.priority_tier = true;
  d.max_tools = 128;
  d.max_calls = 128;
  d.openai_families = true;
  return d;
}

constexpr Dialect openrouter_row() {
  Dialect d;
  d.name = "openrouter";
  d.mid_system = MidSystem::keep;
  d.tool_choice = ToolChoice::all;
  d.parallel_tool_calls = true;
  d.reasoning = ReasoningRequest::object;
  d.efforts = efforts_of(Effort::none, Effort::minimal, Effort::low, Effort::medium, Effort::high,
                         Effort::xhigh);
  d.default_effort = true;
  d.replay = ReasoningReplay::details;
  d.json_output = JsonOutput::json_schema;
  d.stream_options = false;  // usage always comes
  d.top_k = true;
  d.max_tool_id = 0;
  d.null_content = true;
  d.pdf_files = true;
  d.pdf_urls = true;
  d.cache_control = true;
  d.session_id = true;
  d.user_hash = true;
  d.tool_parts_by_model = true;
  d.prefill = Prefill::as_last;
  d.no_transforms = true;
  return d;
}

// What the servers on one's own machine have in common.
constexpr Dialect local_row(std::string_view name) {
  Dialect d;
  d.name = name;
  d.json_output = JsonOutput::json_schema;
  d.max_stop = -1;
  d.max_tool_id = 0;
  d.think_tags = true;
  d.lax_finish = true;
  return d;
}

constexpr Dialect ollama_row() {
  Dialect d = local_row("ollama");
  d.reasoning = ReasoningRequest::effort;
  d.efforts = efforts_of(Effort::none, Effort::low, Effort::medium, Effort::high);
  d.replay = ReasoningReplay::reasoning;
  d.image_urls = false;
  d.keep_refs = false;
  d.drop_tools_on_none = true;
  d.guard_context = true;
  d.prefill = Prefill::as_last;
  return d;
}

constexpr Dialect vllm_row() {
  Dialect d = local_row("vllm");
  d.lax_finish = false;  // it always says why it ended
  d.tool_choice = ToolChoice::all;
  d.parallel_tool_calls = true;
  d.reasoning = ReasoningRequest::template_kwargs;
  d.replay = ReasoningReplay::reasoning;
  d.hide_stop = true;
  d.top_k = true;
  d.prefill = Prefill::continue_final;
  d.count_input = CountInput::vllm;
  return d;
}

constexpr Dialect llamacpp_row() {
  Dialect d = local_row("llamacpp");
  d.parallel_tool_calls = true;
  d.reasoning = ReasoningRequest::template_kwargs;
  d.thinking_budget = true;
  d.replay = ReasoningReplay::reasoning_content;
  d.top_k = true;
  d.tool_parts = true;
  d.image_urls = false;
  d.grammar_limits = true;
  d.count_input = CountInput::llamacpp;
  d.prefill = Prefill::as_last;
  d.prefill_without_thinking = true;
  return d;
}

constexpr Dialect lmstudio_row() {
  Dialect d = local_row("lmstudio");
  d.reasoning = ReasoningRequest::effort;
  d.top_k = true;
  d.image_urls = false;
  d.keep_refs = false;
  d.prefill = Prefill::as_last;
  return d;
}

constexpr Dialect deepseek_row() {
  Dialect d;
  d.name = "deepseek";
  d.tool_choice = ToolChoice::all;
  d.reasoning = ReasoningRequest::thinking_object;
  d.efforts = efforts_of(Effort::low, Effort::high, Effort::max);
  d.replay = ReasoningReplay::reasoning_content;
  d.replay_on_calls = true;
  d.json_output = JsonOutput::json_object;
  d.max_stop = 16;
  d.max_tool_id = 0;
  d.images = false;
  d.image_urls = false;
  d.forced_without_thinking = true;
  d.beta_prefix = true;
  return d;
}

constexpr Dialect gemini_row(std::string_view name) {
  Dialect d;
  d.name = name;
  d.output_from_total = true;
  d.tool_choice = ToolChoice::all;
  d.reasoning = ReasoningRequest::gemini;
  d.efforts = efforts_of(Effort::minimal, Effort::low, Effort::medium, Effort::high);
  d.replay = ReasoningReplay::gemini;
  d.json_output = JsonOutput::json_schema;
  d.max_stop = 5;
  d.max_tool_id = 0;
  d.image_urls = false;
  d.keep_refs = false;
  d.schema_subset = true;
  d.max_tools = 128;
  d.letter_names = true;
  d.nonempty_tool = true;
  return d;
}

constexpr Dialect xai_row() {
  Dialect d;
  d.name = "xai";
  d.output_from_total = true;
  d.mid_system = MidSystem::keep;
  d.tool_choice = ToolChoice::all;
  d.parallel_tool_calls = true;
  d.reasoning = ReasoningRequest::effort;
  d.json_output = JsonOutput::json_schema;
  d.max_tool_id = 0;
  return d;
}

constexpr Dialect mistral_row() {
  Dialect d;
  d.name = "mistral";
  d.tool_choice = ToolChoice::mistral;
  d.parallel_tool_calls = true;
  d.reasoning = ReasoningRequest::effort;
  d.replay = ReasoningReplay::thinking_part;
  d.json_output = JsonOutput::json_schema;
  d.stream_options = false;  // usage always comes
  d.max_stop = -1;
  d.mistral_sampling = true;
  d.mistral_ids = true;
  d.omit_content = true;
  d.keep_refs = false;
  d.nonempty_tool = true;
  d.no_user_after_tool = true;
  d.prefill = Prefill::prefix;
  return d;
}

constexpr Dialect groq_row() {
  Dialect d;
  d.name = "groq";
  d.cap = CapField::max_completion_tokens;
  d.mid_system = MidSystem::keep;
  d.tool_choice = ToolChoice::all;
  d.parallel_tool_calls = true;
  d.reasoning = ReasoningRequest::groq;
  d.replay = ReasoningReplay::reasoning;
  d.json_output = JsonOutput::json_schema;
  d.plain_schema_output = true;
  d.max_tool_id = 0;
  d.standard_tier = StandardTier::on_demand;
  d.keep_refs = false;
  return d;
}

constexpr Dialect generic_row() {
  Dialect d;
  d.name = "generic";
  d.keep_refs = false;
  d.think_tags = true;
  d.lax_finish = true;
  return d;
}

constexpr Dialect anthropic_row() {
  Dialect d;
  d.name = "anthropic";
  d.relay = true;
  return d;
}

constexpr std::array<Dialect, 15> kDialects{
    openai_row("openai"), openai_row("azure"),  openrouter_row(), ollama_row(),
    vllm_row(),           llamacpp_row(),       lmstudio_row(),   deepseek_row(),
    gemini_row("gemini"), gemini_row("vertex"), xai_row(),        mistral_row(),
    groq_row(),           generic_row(),        anthropic_row(),
};

constexpr std::array<std::string_view, 7> kEffortNames{"none", "minimal", "low", "medium",
                                                       "high", "xhigh",   "max"};

}  // namespace

std::string_view render_effort(Effort effort) {
  return kEffortNames[static_cast<std::size_t>(effort)];
}

bool parse_effort(std::string_view text, Effort& effort) {
  for (std::size_t i = 0; i < kEffortNames.size(); ++i) {
    if (text != kEffortNames[i]) continue;
    effort = static_cast<Effort>(i);
    return true;
  }
  return false;
}

const Dialect* find_dialect(std::string_view name) {
  for (const Dialect& dialect : kDialects)
    if (dialect.name == name) return &dialect;
  return nullptr;
}

std::vector<std::string_view> dialect_names() {
  std::vector<std::string_view> names;
  for (const Dialect& dialect : kDialects) names.push_back(dialect.name);
  return names;
}

}  // namespace clasp::translate
