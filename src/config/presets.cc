// The provider table. Never touches settings or the network.
#include "config/presets.h"

#include "base/text.h"

namespace clasp::config {
namespace {

// clang-format off
constexpr Preset kPresets[] = {
  {"openai", "", "https://api.openai.com/v1", "OPENAI_BASE_URL", "OPENAI_API_KEY",
   AuthKind::bearer, "openai", true, Detect::key, "OpenAI"},
  {"openrouter", "", "https://openrouter.ai/api/v1", "OPENROUTER_BASE_URL", "OPENROUTER_API_KEY",
   AuthKind::bearer, "openrouter", true, Detect::key, "OpenRouter"},
  {"azure", "azure-openai", "", "AZURE_OPENAI_ENDPOINT", "AZURE_API_KEY AZURE_OPENAI_API_KEY",
   AuthKind::api_key, "azure", true, Detect::key_and_url, "Azure OpenAI"},
  // ANTHROPIC_BASE_URL is not among its variables: users of Claude Code set it to the address of
  // this program, which would then call itself.
  {"anthropic", "", "https://api.anthropic.com", "CLASP_ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY",
   AuthKind::x_api_key, "anthropic", true, Detect::key, "Anthropic"},
  {"gemini", "google", "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_BASE_URL",
   "GEMINI_API_KEY", AuthKind::bearer, "gemini", true, Detect::key, "Google Gemini"},
  {"deepseek", "", "https://api.deepseek.com", "DEEPSEEK_BASE_URL", "DEEPSEEK_API_KEY",
   AuthKind::bearer, "deepseek", true, Detect::key, "DeepSeek"},
  {"grok", "xai", "https://api.x.ai/v1", "GROK_BASE_URL XAI_BASE_URL", "GROK_API_KEY XAI_API_KEY",
   AuthKind::bearer, "xai", true, Detect::key, "xAI Grok"},
  {"qwen", "dashscope", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "QWEN_BASE_URL",
   "QWEN_API_KEY", AuthKind::bearer, "generic", true, Detect::key, "Alibaba Qwen"},
  {"minimax", "", "https://api.minimax.io/v1", "MINIMAX_BASE_URL", "MINIMAX_API_KEY",
   AuthKind::bearer, "generic", true, Detect::key, "MiniMax"},
  {"litellm", "", "http://localhost:4000", "LITELLM_BASE_URL", "LITELLM_API_KEY",
   AuthKind::bearer, "generic", false, Detect::url, "a LiteLLM gateway"},
  {"ollama", "", "http://localhost:11434", "OLLAMA_BASE_URL", "OLLAMA_API_KEY",
   AuthKind::bearer, "ollama", false, Detect::url, "Ollama"},
  {"custom", "", "", "CUSTOM_BASE_URL", "CUSTOM_API_KEY",
   AuthKind::bearer, "generic", false, Detect::url, "any other OpenAI-compatible server"},
  {"vertex", "vertex-ai google-vertex", "", "VERTEX_BASE_URL", "VERTEX_ACCESS_TOKEN",
   AuthKind::bearer, "vertex", true, Detect::never, "Google Vertex AI"},
  {"mistral", "", "https://api.mistral.ai/v1", "MISTRAL_BASE_URL", "MISTRAL_API_KEY",
   AuthKind::bearer, "mistral", true, Detect::never, "Mistral"},
  {"groq", "", "https://api.groq.com/openai/v1", "GROQ_BASE_URL", "GROQ_API_KEY",
   AuthKind::bearer, "groq", true, Detect::never, "Groq"},
  {"vllm", "sglang", "http://localhost:8000/v1", "VLLM_BASE_URL", "VLLM_API_KEY",
   AuthKind::bearer, "vllm", false, Detect::never, "vLLM or SGLang"},
  {"lmstudio", "lm-studio", "http://localhost:1234/v1", "LMSTUDIO_BASE_URL", "LMSTUDIO_API_KEY",
   AuthKind::bearer, "lmstudio", false, Detect::never, "LM Studio"},
  {"llamacpp", "llama.cpp llama-cpp", "http://localhost:8080/v1", "LLAMACPP_BASE_URL",
   "LLAMACPP_API_KEY", AuthKind::bearer, "llamacpp", false, Detect::never,
   "the llama.cpp server"},
  {"demo", "", "", "", "", AuthKind::none, "generic", false, Detect::never,
   "canned answers from CLASP itself, no network, no cost"},
};
// clang-format on

bool has_word(std::string_view words, std::string_view word) {
  for (std::string_view each : split(words, ' '))
    if (!each.empty() && iequals(each, word)) return true;
  return false;
}

}  // namespace

bool is_detected(const Preset& preset, bool has_key, bool has_url) {
  switch (preset.detect) {
    case Detect::never:
      return false;
    case Detect::key:
      return has_key;
    case Detect::url:
      return has_url;
    case Detect::key_and_url:
      return has_key && has_url;
  }
  return false;
}

std::span<const Preset> presets() {
  return kPresets;
}

const Preset* find_preset(std::string_view name) {
  for (const Preset& preset : kPresets)
    if (iequals(preset.name, name) || has_word(preset.aliases, name)) return &preset;
  return nullptr;
}

std::string preset_names() {
  std::string out;
  for (const Preset& preset : kPresets) {
    if (!out.empty()) out.append(", ");
    out.append(preset.name);
  }
  return out;
}

std::string_view first_word(std::string_view words) {
  return words.substr(0, words.find(' '));
}

}  // namespace clasp::config
