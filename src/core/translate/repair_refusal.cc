// Reading refusals. Texts are bounded by the reader of error bodies, so plain searches will do.
#include "core/translate/repair_refusal.h"

#include <algorithm>

#include "base/text.h"
#include "core/translate/error_body.h"

namespace clasp::translate {

namespace {

constexpr std::size_t kMaxText = 4096;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || is_digit(c) || c == '_';
}

// Digits with thousands separators; nothing when the value is absurd.
std::optional<std::int64_t> read_count(std::string_view digits) {
  std::string plain;
  for (const char c : digits)
    if (c != ',') plain.push_back(c);
  const auto value = parse_unsigned(plain);
  if (!value || *value == 0 || *value > 1'000'000'000) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

std::optional<std::int64_t> first_number(std::string_view text) {
  std::size_t at = 0;
  for (; at < text.size() && !is_digit(text[at]); ++at)
    if (text[at] == '.' || text[at] == '\n') return std::nullopt;
  std::size_t end = at;
  while (end < text.size() && (is_digit(text[end]) || text[end] == ',')) ++end;
  return read_count(text.substr(at, end - at));
}

}  // namespace

Refusal read_refusal(std::string_view body) {
  Refusal refusal;
  const ErrorBody error = parse_error_body(body);
  refusal.text = to_lower(error.message);
  if (!error.nested.empty()) refusal.text.append(" ").append(to_lower(error.nested));
  refusal.param = to_lower(error.param);
  for (const std::string& name : error.names) refusal.names.append(name).append(" ");
  // Servers with shapes of their own, and plain text: the whole body is the text.
  const std::string_view plain = trim(body);
  const bool json = !plain.empty() && (plain.front() == '{' || plain.front() == '[');
  if (refusal.text.empty() || !json) refusal.text = to_lower(plain.substr(0, kMaxText));
  return refusal;
}

bool Refusal::has_any(std::initializer_list<std::string_view> parts) const {
  return std::any_of(parts.begin(), parts.end(),
                     [this](std::string_view part) { return has(part); });
}

bool Refusal::is_unsupported() const {
  if (names.find("unsupported") != std::string::npos ||
      names.find("unknown_parameter") != std::string::npos)
    return true;
  return has_any({"unsupported",      "not supported",    "unknown",
                  "unrecognized",     "unrecognised",     "unexpected",
                  "not permitted",    "extra inputs",     "extra fields",
                  "not allowed",      "does not support", "doesn't support",
                  "no such",          "invalid field",    "isn't supported",
                  "not available",    "is not valid",     "not a valid",
                  "only supported",   "only support",     "additional properties",
                  "not a multimodal", "is allowed for",   "cannot be used",
                  "not accept",       "not recognized",   "no endpoints found"});
}

bool Refusal::is_about(std::string_view name) const {
  const std::string whole(name);
  if (param == name || param.starts_with(whole + ".") || param.starts_with(whole + "["))
    return true;
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    if ((at == 0 || !is_word(text[at - 1])) && (end >= text.size() || !is_word(text[end])))
      return true;
  }
  return false;
}

bool Refusal::quotes(std::string_view name) const {
  if (param == name) return true;
  for (const char quote : {'\'', '"', '`'})
    if (has(quote + std::string(name) + quote)) return true;
  return false;
}

std::optional<std::int64_t> Refusal::number_after(
    std::initializer_list<std::string_view> keys) const {
  for (const std::string_view key : keys) {
    const std::size_t at = text.find(key);
    if (at == std::string::npos) continue;
    if (const auto number = first_number(std::string_view(text).substr(at + key.size())))
      return number;
  }
  return std::nullopt;
}

std::optional<std::int64_t> Refusal::number_before(std::string_view key) const {
  const std::size_t end = text.find(key);
  if (end == std::string::npos) return std::nullopt;
  std::size_t first = end;
  while (first > 0 && (is_digit(text[first - 1]) || text[first - 1] == ',')) --first;
  return read_count(std::string_view(text).substr(first, end - first));
}

}  // namespace clasp::translate
