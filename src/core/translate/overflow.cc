// Phrases and numbers of "too long".
#include "core/translate/overflow.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/text.h"

namespace clasp::translate {

namespace {

// Each row: all its phrases must occur.
struct Phrases {
  std::string_view first, second;
};
constexpr Phrases kPhrases[] = {
    {"maximum context length", ""},
    {"maximum prompt length", ""},
    {"maximum model length", "prompt"},
    {"prompt is too long", ""},
    {"input is too long", ""},
    {"input length", "exceed"},
    {"context length", "exceed"},
    {"context window", ""},
    {"context size", ""},
    {"exceeds the available context", ""},
    {"exceeds the context", ""},
    {"exceeds the maximum number of tokens", ""},
    {"too many input tokens", ""},
    {"too many total tokens", ""},
    {"too many tokens", "maximum"},
    {"reduce the length", ""},
    {"requested tokens", "exceed"},
    {"request too large", "token"},
};

constexpr std::string_view kNames[] = {
    "context_length_exceeded", "model_max_prompt_tokens_exceeded", "exceed_context_size_error"};

// Words in front of the limit, and in front of what was asked for; the first that fits counts.
constexpr std::string_view kBeforeMaximum[] = {
    "maximum context length",
    "maximum prompt length",
    "maximum model length",
    "maximum number of tokens",
    "context length of",
    "context window of",
    "context window (",
    "context size (",
    "context size of",
    "context limit:",
    "context window",
    "context size",
    "limit",
    "> ",
    "maximum",
    "at most",
};
constexpr std::string_view kBeforeTokens[] = {
    "requested about", "requested",      "resulted in",      "prompt is too long:",
    "prompt contains", "prompt has",     "request contains", "request has",
    "token count",     "prompt (length", "input length",     "request (",
    "messages have",   "you have",       "input tokens",
};

constexpr std::string_view kPromptWords[] = {"prompt", "input", "messages", "requested",
                                             "your request"};

// A number at text[at], thousands separators allowed; -1 when there is none or it is absurd.
std::int64_t number_at(std::string_view text, std::size_t& at) {
  std::int64_t value = -1;
  while (at < text.size()) {
    const char c = text[at];
    const bool separator =
        c == ',' && value > 0 && at + 1 < text.size() && text[at + 1] >= '0' && text[at + 1] <= '9';
    if (!separator) {
      if (c < '0' || c > '9') break;
      value = std::max<std::int64_t>(value, 0) * 10 + (c - '0');
      if (value > 1'000'000'000'000) return -1;
    }
    ++at;
  }
  return value;
}

// The first number within a short distance behind one of the phrases.
template <std::size_t N>
std::int64_t number_behind(std::string_view text, const std::string_view (&phrases)[N]) {
  constexpr std::size_t kReach = 40;
  for (const std::string_view phrase : phrases) {
    std::size_t at = text.find(phrase);
    if (at == std::string_view::npos) continue;
    at += phrase.size();
    const std::size_t stop = std::min(text.size(), at + kReach);
    while (at < stop && (text[at] < '0' || text[at] > '9')) ++at;
    if (at >= stop) continue;
    const std::int64_t value = number_at(text, at);
    if (value > 0) return value;
  }
  return -1;
}

std::vector<std::int64_t> all_numbers(std::string_view text) {
  std::vector<std::int64_t> numbers;
  for (std::size_t at = 0; at < text.size() && numbers.size() < 32;) {
    const bool digit = text[at] >= '0' && text[at] <= '9';
    const bool word =
        at > 0 && (text[at - 1] == '-' || text[at - 1] == '.' || text[at - 1] == '_' ||
                   (text[at - 1] >= 'a' && text[at - 1] <= 'z'));
    if (!digit) {
      ++at;
      continue;
    }
    const std::int64_t value = number_at(text, at);
    if (value > 0 && !word) numbers.push_back(value);
  }
  return numbers;
}

bool phrase_found(const ErrorBody& error) {
  return std::any_of(std::begin(kPhrases), std::end(kPhrases), [&error](const Phrases& row) {
    return error.says(row.first) && (row.second.empty() || error.says(row.second));
  });
}

bool name_found(const ErrorBody& error) {
  if (std::any_of(std::begin(kNames), std::end(kNames),
                  [&error](std::string_view name) { return error.has_name(name); }))
    return true;
  // Of a tool's description, say, it is another matter.
  return error.has_name("string_above_max_length") &&
         (error.param.substr(0, 8) == "messages" || error.param.substr(0, 5) == "input");
}

}  // namespace

std::optional<Overflow> detect_overflow(const ErrorBody& error) {
  const bool named = name_found(error);
  if (!named && !phrase_found(error)) return std::nullopt;
  const std::string text = to_lower(error.message + " " + error.nested);
  Overflow found{error.prompt_tokens, error.context_size};
  if (found.maximum <= 0) found.maximum = number_behind(text, kBeforeMaximum);
  if (found.tokens <= 0) found.tokens = number_behind(text, kBeforeTokens);
  // "… too large for model with 32768 maximum": the limit stands in front of its word.
  if (found.maximum <= 0 && found.tokens > 0)
    for (const std::int64_t number : all_numbers(text))
      if (number < found.tokens && number > found.tokens / 20)
        found.maximum = std::max(found.maximum, number);
  // The cap alone is too large: the prompt itself fits.
  const bool about_cap = icontains(text, "max_tokens") ||
                         icontains(text, "max_completion_tokens") ||
                         icontains(text, "completion tokens");
  // Only words about what was asked for make it a matter of the prompt.
  const bool about_prompt =
      std::any_of(std::begin(kPromptWords), std::end(kPromptWords),
                  [&text](std::string_view word) { return text.find(word) != std::string::npos; });
  if (!named && about_cap && !about_prompt) return std::nullopt;
  const bool fits = found.tokens > 0 && found.maximum > 0 && found.tokens <= found.maximum;
  if (!named && about_cap && (fits || found.maximum <= 0)) return std::nullopt;
  if (found.tokens <= found.maximum) {
    found.tokens = -1;
    for (const std::int64_t number : all_numbers(text))
      if (found.maximum > 0 && number > found.maximum && found.tokens < 0) found.tokens = number;
  }
  return found;
}

std::string render_overflow(const Overflow& overflow, std::int64_t input_estimate,
                            std::int64_t context_window) {
  std::int64_t maximum = overflow.maximum > 0 ? overflow.maximum : context_window;
  std::int64_t tokens = overflow.tokens > 0 ? overflow.tokens : input_estimate;
  if (maximum <= 0) maximum = std::max<std::int64_t>(tokens - 1, 0);
  tokens = std::max(tokens, maximum + 1);
  return "prompt is too long: " + std::to_string(tokens) + " tokens > " + std::to_string(maximum) +
         " maximum";
}

}  // namespace clasp::translate
