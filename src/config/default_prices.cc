// The prices that are shipped, as the vendors publish them for their standard tier, in dollars per
// million tokens: fresh input, output, input from the prompt cache, input put there. Looked up
// from 2026-10-03 to 2026-10-27, at
//   openai     developers.openai.com/api/docs/pricing
//   anthropic  platform.claude.com/docs/en/about-claude/pricing (cache entries of five minutes)
//   gemini     ai.google.dev/gemini-api/docs/pricing (gemini-3.6 to 3.8-flash: until 2026-12-31)
//   deepseek   api-docs.deepseek.com/quick_start/pricing (peak hours; half of it otherwise)
//   grok       docs.x.ai
//   mistral    mistral.ai/pricing/api
//   groq       console.groq.com/docs/models
// in part through public price lists that quote these pages. Where a vendor asks more for very
// long prompts, the price is that of shorter ones. A model without a row has no price: better
// unknown than invented.
#include "config/default_prices.h"

#include <string>

namespace clasp::config {

const std::string_view kPricesAsOf = "2026-10";

namespace {

// Millionths of a dollar per million tokens, which are pico-dollars per token.
constexpr std::int64_t usd(double dollars) {
  return static_cast<std::int64_t>(dollars * 1'000'000 + 0.5);
}

struct Row {
  std::string_view provider, model;
  double input, output;
  double cache_read = -1, cache_write = -1;  // as input
  bool dated = false;                        // "-2024-08-06" or "-20250514" may follow
};

// clang-format off
constexpr Row kRows[] = {
  {"openai", "gpt-6-astra", 10, 50, 1, 12.50, true},
  {"openai", "gpt-6.1-sol", 2, 10, 0.10, 2.50, true},
  {"openai", "gpt-6-sol", 2, 10, 0.20, 2.50, true},
  {"openai", "gpt-6-luna", 0.10, 0.50, 0.01, 0.125, true},
  {"openai", "gpt-6.1-terra", 1, 5, 0.05, 1.25, true},
  {"openai", "gpt-5.6-sol", 4, 20, 0.40, 5, true},
  {"openai", "gpt-5.6-terra", 2, 12, 0.20, 2.50, true},
  {"openai", "gpt-5.6-luna", 0.20, 1.20, 0.02, 0.25, true},
  {"openai", "gpt-5.5", 5, 30, 0.50, -1, true},
  {"openai", "gpt-5.5-pro", 30, 180, -1, -1, true},
  {"openai", "gpt-5.4", 2.50, 15, 0.25, -1, true},
  {"openai", "gpt-5.4-mini", 0.75, 4.50, 0.075, -1, true},
  {"openai", "gpt-5.4-nano", 0.20, 1.25, 0.02, -1, true},
  {"openai", "gpt-5.4-pro", 30, 180, -1, -1, true},
  {"openai", "gpt-5.3-codex", 1.75, 14, 0.175, -1, true},
  {"openai", "gpt-5.2", 1.75, 14, 0.175, -1, true},
  {"openai", "gpt-5.2-pro", 21, 168, -1, -1, true},
  {"openai", "gpt-5.1", 1.25, 10, 0.125, -1, true},
  {"openai", "gpt-5", 1.25, 10, 0.125, -1, true},
  {"openai", "gpt-5-mini", 0.25, 2, 0.025, -1, true},
  {"openai", "gpt-5-nano", 0.05, 0.40, 0.005, -1, true},
  {"openai", "gpt-5-pro", 15, 120, -1, -1, true},
  {"openai", "gpt-4.1", 2, 8, 0.50, -1, true},
  {"openai", "gpt-4.1-mini", 0.40, 1.60, 0.10, -1, true},
  {"openai", "gpt-4.1-nano", 0.10, 0.40, 0.025, -1, true},
  {"openai", "gpt-4o", 2.50, 10, 1.25, -1, true},
  {"openai", "gpt-4o-2024-05-13", 5, 15},
  {"openai", "gpt-4o-mini", 0.15, 0.60, 0.075, -1, true},
  {"openai", "o4-mini", 1.10, 4.40, 0.275, -1, true},
  {"openai", "o3", 2, 8, 0.50, -1, true},
  {"openai", "o3-pro", 20, 80, -1, -1, true},
  {"openai", "o3-mini", 1.10, 4.40, 0.55, -1, true},
  {"openai", "o1", 15, 60, 7.50, -1, true},
  {"openai", "o1-pro", 150, 600, -1, -1, true},
  {"openai", "gpt-3.5-turbo", 0.50, 1.50, -1, -1, true},

  {"anthropic", "claude-fable-5-1", 10, 50, 0.25, 12.50, true},
  {"anthropic", "claude-mythos-5-1", 10, 50, 0.25, 12.50, true},
  {"anthropic", "claude-fable-5", 10, 50, 1, 12.50, true},
  {"anthropic", "claude-mythos-5", 10, 50, 1, 12.50, true},
  {"anthropic", "claude-opus-5-5", 4, 20, 0.20, 5, true},
  {"anthropic", "claude-opus-5", 5, 25, 0.50, 6.25, true},
  {"anthropic", "claude-opus-4-8", 5, 25, 0.50, 6.25, true},
  {"anthropic", "claude-opus-4-7", 5, 25, 0.50, 6.25, true},
  {"anthropic", "claude-opus-4-6", 5, 25, 0.50, 6.25, true},
  {"anthropic", "claude-opus-4-5", 5, 25, 0.50, 6.25, true},
  {"anthropic", "claude-opus-4-1", 15, 75, 1.50, 18.75, true},
  {"anthropic", "claude-opus-4", 15, 75, 1.50, 18.75, true},
  {"anthropic", "claude-sonnet-5-5", 2, 10, 0.10, 2.50, true},
  {"anthropic", "claude-sonnet-5", 2, 10, 0.20, 2.50, true},
  {"anthropic", "claude-sonnet-4-6", 3, 15, 0.30, 3.75, true},
  {"anthropic", "claude-sonnet-4-5", 3, 15, 0.30, 3.75, true},
  {"anthropic", "claude-sonnet-4", 3, 15, 0.30, 3.75, true},
  {"anthropic", "claude-haiku-5-5", 0.10, 0.50, 0.01, 0.125, true},
  {"anthropic", "claude-haiku-4-5", 1, 5, 0.10, 1.25, true},

  {"gemini", "gemini-3.8-flash", 0.75, 3.75, 0.075},
  {"gemini", "gemini-3.7-flash", 0.75, 3.75, 0.075},
  {"gemini", "gemini-3.6-flash", 0.75, 3.75, 0.075},
  {"gemini", "gemini-3.5-flash", 1.50, 9, 0.15},
  {"gemini", "gemini-3.5-flash-lite", 0.30, 2.50, 0.03},
  {"gemini", "gemini-3.1-flash-lite", 0.25, 1.50, 0.025},
  {"gemini", "gemini-3.1-pro-preview", 2, 12, 0.20},
  {"gemini", "gemini-3-flash-preview", 0.50, 3, 0.05},
  {"gemini", "gemini-2.5-pro", 1.25, 10, 0.125},
  {"gemini", "gemini-2.5-flash", 0.30, 2.50, 0.03},
  {"gemini", "gemini-2.5-flash-lite", 0.10, 0.40, 0.01},

  {"deepseek", "deepseek-flash", 0.30, 1.20, 0.006},
  {"deepseek", "deepseek-v4-pro", 1.32, 3.96, 0.044},

  {"grok", "grok-4.7", 2, 6, 0.50},
  {"grok", "grok-4.6", 2, 6, 0.50},
  {"grok", "grok-4.5", 2, 6, 0.50},

  {"mistral", "mistral-medium-3.5", 1.50, 7.50, 0.15},
  {"mistral", "mistral-medium-latest", 1.50, 7.50, 0.15},
  {"mistral", "mistral-small-4", 0.15, 0.60, 0.015},
  {"mistral", "mistral-small-latest", 0.15, 0.60, 0.015},
  {"mistral", "mistral-large-3", 0.50, 1.50, 0.05},
  {"mistral", "mistral-large-latest", 0.50, 1.50, 0.05},
  {"mistral", "codestral-latest", 0.30, 0.90, 0.03},
  {"mistral", "ministral-3b-latest", 0.10, 0.10, 0.01},
  {"mistral", "ministral-8b-latest", 0.15, 0.15, 0.015},
  {"mistral", "ministral-14b-latest", 0.20, 0.20, 0.02},
  {"mistral", "zai-glm-5-3", 1.40, 4.40, 0.14},

  {"groq", "openai/gpt-oss-120b", 0.15, 0.60},
  {"groq", "openai/gpt-oss-20b", 0.075, 0.30},
  {"groq", "qwen/qwen3.8-27b", 0.80, 4},
};
// clang-format on

// Run by their users.
constexpr std::string_view kFree[] = {"ollama", "vllm", "lmstudio", "llamacpp", "demo"};

PriceRule make_rule(std::string_view provider, std::string pattern) {
  PriceRule rule;
  rule.provider = provider;
  rule.pattern = std::move(pattern);
  return rule;
}

}  // namespace

std::vector<PriceRule> default_prices() {
  std::vector<PriceRule> rules;
  for (const std::string_view provider : kFree) rules.push_back(make_rule(provider, "*"));
  for (const Row& row : kRows) {
    PriceRule rule = make_rule(row.provider, std::string(row.model));
    rule.input = usd(row.input);
    rule.output = usd(row.output);
    rule.cache_read = usd(row.cache_read < 0 ? row.input : row.cache_read);
    rule.cache_write = usd(row.cache_write < 0 ? row.input : row.cache_write);
    rules.push_back(rule);
    if (!row.dated) continue;
    rule.pattern.append("-20*");
    rules.push_back(std::move(rule));
  }
  return rules;
}

}  // namespace clasp::config
